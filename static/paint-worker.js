// Away from the page's own thread: fetches and decodes pictures once, colours the parts of them that are looked at.
// Messages in: {id, task, ...}; out: {id, result} or {id, error}, and {id, progress} while a file comes in.

import { edgeAwarePlanes, grayOf, paint } from "./color.js";

const sources = new Map(); // address -> promise of an ImageBitmap
const planes = new Map(); // address of an ab picture -> promise of its edge-aware planes
const MOST_PLANES = 12;

async function fetched(url, onProgress) {
  const answer = await fetch(url);
  if (!answer.ok) throw new Error(`${url}: ${answer.status}`);
  const total = Number(answer.headers.get("Content-Length"));
  if (!onProgress || !total) return answer.blob();
  const parts = [];
  let received = 0;
  for (const reader = answer.body.getReader(); ; ) {
    const { done, value } = await reader.read();
    if (done) break;
    parts.push(value);
    received += value.length;
    onProgress(received / total);
  }
  return new Blob(parts, { type: answer.headers.get("Content-Type") });
}

function source(url, onProgress) {
  if (!sources.has(url)) {
    const bitmap = fetched(url, onProgress).then((blob) => createImageBitmap(blob));
    bitmap.catch(() => sources.delete(url));
    sources.set(url, bitmap);
  }
  return sources.get(url);
}

function pixelsOf(bitmap, { x, y, w, h }, width, height) {
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.imageSmoothingQuality = "high";
  context.drawImage(bitmap, x * bitmap.width, y * bitmap.height, w * bitmap.width, h * bitmap.height, 0, 0, width, height);
  return context.getImageData(0, 0, width, height);
}

function toGray(data) {
  for (let i = 0; i < data.length; i += 4) data.fill(grayOf(data[i], data[i + 1], data[i + 2]), i, i + 3);
}

const WHOLE = { x: 0, y: 0, w: 1, h: 1 };

async function makePlanes(url, guideUrl) {
  const blob = await fetched(url);
  const ab = await createImageBitmap(blob, { colorSpaceConversion: "none", premultiplyAlpha: "none" });
  const { width, height } = ab;
  const values = pixelsOf(ab, WHOLE, width, height).data;
  const gray = pixelsOf(await source(guideUrl), WHOLE, width, height).data;
  const plane = (from, read) => Float32Array.from({ length: width * height }, (_, i) => read(from, 4 * i));
  const a = plane(values, (data, i) => data[i] - 128);
  const b = plane(values, (data, i) => data[i + 1] - 128);
  const levels = plane(gray, (data, i) => grayOf(data[i], data[i + 1], data[i + 2]));
  return edgeAwarePlanes(a, b, levels, width, height);
}

function planesOf(url, guideUrl) {
  if (!planes.has(url)) {
    if (planes.size >= MOST_PLANES) planes.delete(planes.keys().next().value);
    const made = makePlanes(url, guideUrl);
    made.catch(() => planes.delete(url));
    planes.set(url, made);
  }
  return planes.get(url);
}

const tasks = {
  /** Fetch and decode a picture; its size. */
  async load({ url }, onProgress) {
    const { width, height } = await source(url, onProgress);
    return { width, height };
  },

  /** The part `rect` of the picture at `url`, `width` x `height`, as it is and in colour. */
  async paint({ url, guideUrl, ab, saturation, warmth, rect, width, height, asIs }) {
    const bitmap = await source(url);
    const colours = await planesOf(ab, guideUrl);
    const pixels = pixelsOf(bitmap, rect, width, height);
    if (asIs === "gray") toGray(pixels.data);
    const before = asIs ? await createImageBitmap(pixels) : null;
    paint(pixels.data, width, height, rect, colours, saturation, warmth);
    return { before, after: await createImageBitmap(pixels) };
  },

  /** The gray level of the photograph around a place. */
  async gray({ url, x, y }) {
    const bitmap = await source(url);
    const side = 5;
    const w = side / bitmap.width;
    const h = side / bitmap.height;
    const { data } = pixelsOf(bitmap, { x: x - w / 2, y: y - h / 2, w, h }, side, side);
    let sum = 0;
    let count = 0;
    for (let i = 0; i < data.length; i += 4) {
      if (!data[i + 3]) continue;
      sum += grayOf(data[i], data[i + 1], data[i + 2]);
      count += 1;
    }
    return Math.round(sum / Math.max(count, 1));
  },
};

self.addEventListener("message", async ({ data: { id, task, ...values } }) => {
  try {
    const result = await tasks[task](values, (progress) => self.postMessage({ id, progress }));
    const transfer = [result.before, result.after].filter(Boolean);
    self.postMessage({ id, result }, transfer);
  } catch (error) {
    self.postMessage({ id, error: String(error) });
  }
});
