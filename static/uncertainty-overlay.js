// Where the network is guessing: the entropy of its colour distribution, laid over the picture.

// As in the legend (result.css): from sure to guessing.
const STOPS = [[0, 26, 29, 26], [0.45, 93, 58, 110], [0.75, 212, 101, 63], [1, 255, 224, 138]];

function colourOf(value) {
  const upper = Math.max(1, STOPS.findIndex(([at]) => at >= value));
  const [at0, ...from] = STOPS[upper - 1];
  const [at1, ...to] = STOPS[upper];
  const share = (value - at0) / (at1 - at0);
  return from.map((level, i) => level + share * (to[i] - level));
}

const PALETTE = Array.from({ length: 256 }, (_, level) => colourOf(level / 255));

/** Draw the gray picture at `url` (white where the network guesses) onto `canvas`, in the legend's colours. */
export async function drawDoubt(url, canvas) {
  const answer = await fetch(url);
  if (!answer.ok) throw new Error(`${url}: ${answer.status}`);
  const bitmap = await createImageBitmap(await answer.blob());
  canvas.width = bitmap.width;
  canvas.height = bitmap.height;
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.drawImage(bitmap, 0, 0);
  const pixels = context.getImageData(0, 0, canvas.width, canvas.height);
  for (let i = 0; i < pixels.data.length; i += 4) pixels.data.set(PALETTE[pixels.data[i]], i);
  context.putImageData(pixels, 0, 0);
}
