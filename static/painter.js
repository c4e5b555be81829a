// The page's side of paint-worker.js: asks, and resolves to the answers.

export class Painter {
  #worker = new Worker(new URL("./paint-worker.js", import.meta.url), { type: "module" });
  #open = new Map();
  #last = 0;

  constructor() {
    this.#worker.addEventListener("message", ({ data: { id, result, error, progress } }) => {
      const { resolve, reject, onProgress } = this.#open.get(id);
      if (progress !== undefined) {
        onProgress?.(progress);
        return;
      }
      this.#open.delete(id);
      if (error) reject(new Error(error));
      else resolve(result);
    });
  }

  #ask(task, values, onProgress) {
    const id = (this.#last += 1);
    return new Promise((resolve, reject) => {
      this.#open.set(id, { resolve, reject, onProgress });
      this.#worker.postMessage({ id, task, ...values });
    });
  }

  /** Fetch and decode the picture at `url`; resolves to its {width, height}. `onProgress` gets the share received. */
  load(url, onProgress) {
    return this.#ask("load", { url }, onProgress);
  }

  /**
   * Colour a part of a picture. `url`: where its gray levels come from; `guideUrl`: a small copy of the whole; `ab`: the
   * network's colours; `saturation`, `warmth`; `rect` {x, y, w, h} in shares of the whole; `width`, `height` of what is
   * wanted; `asIs`: also the part
   * "as it is", or "gray". Resolves to {before, after}, bitmaps.
   */
  paint(wanted) {
    return this.#ask("paint", wanted);
  }

  /** The gray level (0 to 255) of the picture at `url` around the place x, y (shares of the whole). */
  gray(url, x, y) {
    return this.#ask("gray", { url, x, y });
  }
}
