// CIELAB in the browser, as the server does it: a photograph's gray levels and a network's small ab planes in, sRGB
// pixels out. For previews: the server's own pass rounds more carefully, what one sees is the same.

const WHITE_X = 0.95047;
const WHITE_Z = 1.08883;
const HUES = 256;
const FARTHEST = 192; // no colour of sRGB has |a| + |b| above
const COARSE = 6;
const STEPS = 4095;
const FLAT = 3e-4; // added to the variance of gray levels in 0..1, so that noise in flat areas gives no slope
/** What a warmth of 1 adds to ab. */
export const WARM_AB = [3, 12];

const decode = (v) => (v > 0.04045 ? ((v + 0.055) / 1.055) ** 2.4 : v / 12.92);
const encode = (v) => (v > 0.0031308 ? 1.055 * v ** (1 / 2.4) - 0.055 : v * 12.92);
const labF = (t) => (t > 0.008856 ? Math.cbrt(t) : 7.787 * t + 16 / 116);
const cube = (f) => (f > 0.2068930 ? f * f * f : (f - 16 / 116) / 7.787);

const linear = Float32Array.from({ length: 256 }, (_, level) => decode(level / 255));
const fOfLevel = linear.map(labF);
// By the square root of light, so that dark levels get as many steps as bright ones.
const encoded = Uint8ClampedArray.from({ length: STEPS + 1 }, (_, i) => 255 * encode((i / STEPS) ** 2));
const level = (light) => (light <= 0 ? 0 : light >= 1 ? 255 : encoded[(Math.sqrt(light) * STEPS + 0.5) | 0]);

/** Return the gray level, 0 to 255, of an sRGB pixel: its encoded luminance. */
export function grayOf(r, g, b) {
  if (r === g && g === b) return r;
  return level(0.212671 * linear[r] + 0.71516 * linear[g] + 0.072169 * linear[b]);
}

function inGamut(f, a, b) {
  const x = WHITE_X * cube(f + a / 500);
  const y = cube(f);
  const z = WHITE_Z * cube(f - b / 200);
  const red = 3.24048134 * x - 1.53715152 * y - 0.49853633 * z;
  const green = -0.96925495 * x + 1.87599 * y + 0.04155593 * z;
  const blue = 0.05564664 * x - 0.20404134 * y + 1.05731107 * z;
  return Math.min(red, green, blue) >= -1e-5 && Math.max(red, green, blue) <= 1.0001;
}

let limits;

/** Return the largest chroma inside sRGB by gray level and hue; made once, when first needed. */
function gamut() {
  if (limits) return limits;
  limits = new Float32Array(256 * HUES);
  for (let gray = 0; gray < 256; gray += 1) {
    for (let hue = 0; hue < HUES; hue += 1) {
      const [a, b] = direction(hue);
      // Rays of bright yellow leave the gamut and enter it again: the outermost exit counts.
      let low = FARTHEST;
      while (low > 0 && !inGamut(fOfLevel[gray], a * low, b * low)) low -= COARSE;
      let high = low + COARSE;
      for (let step = 0; step < 8; step += 1) {
        const middle = (low + high) / 2;
        if (inGamut(fOfLevel[gray], a * middle, b * middle)) low = middle;
        else high = middle;
      }
      limits[gray * HUES + hue] = low;
    }
  }
  return limits;
}

// Hues are counted along the diamond |a| + |b| = 1, which needs no arc tangent.
function direction(hue) {
  const along = (4 * (hue + 0.5)) / HUES;
  return along < 2 ? [1 - along, 1 - Math.abs(1 - along)] : [along - 3, Math.abs(along - 3) - 1];
}

function hueOf(a, b, sum) {
  const along = b >= 0 ? 1 - a / sum : 3 + a / sum;
  return Math.min(HUES - 1, (along * HUES) >> 2);
}

/** Write the colour a, b at gray level `gray` to `target[at..at+2]`, with less chroma where sRGB has no such colour. */
export function paintPixel(target, at, gray, a, b) {
  const f = fOfLevel[gray];
  const sum = Math.abs(a) + Math.abs(b);
  if (sum > 1) {
    const most = gamut()[gray * HUES + hueOf(a, b, sum)];
    if (sum > most) {
      a *= most / sum;
      b *= most / sum;
    }
  }
  const x = WHITE_X * cube(f + a / 500);
  const y = linear[gray];
  const z = WHITE_Z * cube(f - b / 200);
  target[at] = level(3.24048134 * x - 1.53715152 * y - 0.49853633 * z);
  target[at + 1] = level(-0.96925495 * x + 1.87599 * y + 0.04155593 * z);
  target[at + 2] = level(0.05564664 * x - 0.20404134 * y + 1.05731107 * z);
}

/** Return [a, b] of an sRGB colour, levels 0 to 255. */
export function abOf(r, g, b) {
  const [R, G, B] = [linear[r], linear[g], linear[b]];
  const x = (0.412453 * R + 0.35758 * G + 0.180423 * B) / WHITE_X;
  const y = 0.212671 * R + 0.71516 * G + 0.072169 * B;
  const z = (0.019334 * R + 0.119193 * G + 0.950227 * B) / WHITE_Z;
  return [500 * (labF(x) - labF(y)), 200 * (labF(y) - labF(z))];
}

function smoothed(plane, w, h) {
  const rows = new Float32Array(w * h);
  const result = new Float32Array(w * h);
  for (let y = 0; y < h; y += 1) {
    for (let x = 0; x < w; x += 1) {
      const i = y * w + x;
      rows[i] = plane[x ? i - 1 : i] + plane[i] + plane[x < w - 1 ? i + 1 : i];
    }
  }
  for (let y = 0; y < h; y += 1) {
    for (let x = 0; x < w; x += 1) {
      const i = y * w + x;
      result[i] = (rows[y ? i - w : i] + rows[i] + rows[y < h - 1 ? i + w : i]) / 9;
    }
  }
  return result;
}

/**
 * Return how ab changes with the gray level around each place, so that colours follow the photograph's edges: {width,
 * height, data}, four numbers a pixel: a and b at black, and their rise up to white. `gray` holds the photograph's levels
 * at that size.
 */
export function edgeAwarePlanes(a, b, gray, width, height) {
  const guide = Float32Array.from(gray, (value) => value / 255);
  const mean = smoothed(guide, width, height);
  const variance = smoothed(guide.map((v) => v * v), width, height).map((v, i) => v - mean[i] * mean[i] + FLAT);
  const data = new Float32Array(4 * width * height);
  for (const [channel, plane] of [a, b].entries()) {
    const both = smoothed(plane.map((v, i) => v * guide[i]), width, height);
    const own = smoothed(plane, width, height);
    const slope = smoothed(both.map((v, i) => (v - mean[i] * own[i]) / variance[i]), width, height);
    for (let i = 0; i < plane.length; i += 1) {
      data[4 * i + channel] = plane[i] - slope[i] * guide[i];
      data[4 * i + 2 + channel] = slope[i];
    }
  }
  return { width, height, data };
}

/**
 * Colour `pixels` (RGBA bytes of `width` x `height`, changed in place), which show the part `rect` {x, y, w, h} (shares
 * of the whole) of a photograph, with `planes`, `saturation` (1 as predicted) and `warmth` (-1 to 1).
 */
export function paint(pixels, width, height, rect, planes, saturation, warmth) {
  const { data } = planes;
  const warmA = warmth * WARM_AB[0];
  const warmB = warmth * WARM_AB[1];
  const columns = Float32Array.from({ length: width }, (_, x) => place(rect.x + (rect.w * (x + 0.5)) / width, planes.width));
  for (let y = 0; y < height; y += 1) {
    const down = place(rect.y + (rect.h * (y + 0.5)) / height, planes.height);
    const row = down | 0;
    const v = down - row;
    const upper = row * planes.width;
    const lower = Math.min(row + 1, planes.height - 1) * planes.width;
    for (let x = 0; x < width; x += 1) {
      const column = columns[x] | 0;
      const u = columns[x] - column;
      const next = column + 1 < planes.width ? column + 1 : column;
      const p00 = (1 - u) * (1 - v);
      const p01 = u * (1 - v);
      const p10 = (1 - u) * v;
      const p11 = u * v;
      const i = 4 * (upper + column);
      const j = 4 * (upper + next);
      const k = 4 * (lower + column);
      const m = 4 * (lower + next);
      const at = 4 * (y * width + x);
      const gray = grayOf(pixels[at], pixels[at + 1], pixels[at + 2]);
      const share = gray / 255;
      const a = p00 * (data[i] + share * data[i + 2]) + p01 * (data[j] + share * data[j + 2])
        + p10 * (data[k] + share * data[k + 2]) + p11 * (data[m] + share * data[m + 2]);
      const b = p00 * (data[i + 1] + share * data[i + 3]) + p01 * (data[j + 1] + share * data[j + 3])
        + p10 * (data[k + 1] + share * data[k + 3]) + p11 * (data[m + 1] + share * data[m + 3]);
      paintPixel(pixels, at, gray, a * saturation + warmA, b * saturation + warmB);
    }
  }
}

/** Return where a share of the whole lies between the centres of `count` samples. */
function place(share, count) {
  return Math.min(Math.max(share * count - 0.5, 0), count - 1);
}
