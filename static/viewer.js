// The picture on the result page: before and after with one seam or side by side, press and hold for the original, zoom
// to real pixels, and the colours as they are being changed. Events: "pick" ({x, y}, shares of the picture), "move".

import { Gestures } from "./gestures.js";
import { Pan } from "./viewport.js";
import { move, steer } from "./split-slider.js";

const QUICK_PX = 600_000; // colours under the finger
const FINE_PX = 3_000_000; // colours at rest
const REST_MS = 140;
const NEAREST = 8; // screen pixels for one of the photograph's, at most

const sides = (rect) => [rect.x, rect.y, rect.x + rect.w, rect.y + rect.h];

function covers(outer, inner) {
  const [left, top, right, bottom] = sides(inner);
  const [x0, y0, x1, y1] = sides(outer);
  return x0 <= left + 1e-6 && y0 <= top + 1e-6 && x1 >= right - 1e-6 && y1 >= bottom - 1e-6;
}

function put(canvas, bitmap) {
  canvas.width = bitmap.width;
  canvas.height = bitmap.height;
  canvas.getContext("bitmaprenderer").transferFromImageBitmap(bitmap);
  canvas.hidden = false;
}

export class Viewer extends EventTarget {
  pan = new Pan();
  #colours;
  #stored = true;
  #sharp = null;
  #full = null;
  #timers = {};
  #busy = new Set();
  #again = new Set();

  /**
   * Take over `root` (.viewer); `painter` does the work on pixels. `otherFull` gives the address of a full-size file of
   * the same gray levels where this browser cannot read the photograph's own.
   */
  constructor(root, painter, otherFull) {
    super();
    this.root = root;
    this.painter = painter;
    this.otherFull = otherFull;
    this.stage = root.querySelector(".stage");
    this.note = root.querySelector(".loading");
    this.photo = this.stage.querySelector(".before img");
    this.result = this.stage.querySelector(".after img");
    this.size = { width: Number(this.photo.getAttribute("width")), height: Number(this.photo.getAttribute("height")) };
    this.seam = root.querySelector(".seam-range");
    for (const [name, value] of [["--w", this.size.width], ["--h", this.size.height]]) root.style.setProperty(name, value);
    this.#colours = { ab: this.stage.dataset.ab, saturation: 1, warmth: 0 };
    root.classList.add("live");
    root.classList.toggle("tall", this.size.height > this.size.width);
    for (const element of root.querySelectorAll("[data-live]")) element.hidden = false;
    new Gestures(this);
    steer(this.seam, (value) => this.#seamTo(value));
    this.#bar();
    new ResizeObserver(() => this.#resize()).observe(this.sheet);
    this.#resize();
    this.#reveal();
  }

  find(selector) {
    return this.root.querySelector(selector);
  }

  /** The box that one picture fills: all of the stage, or half of it side by side. */
  get sheet() {
    return this.stage.querySelector(".after");
  }

  get mode() {
    return this.root.dataset.mode;
  }

  /** Zoom at which a pixel of the photograph is a pixel of the screen. */
  get actual() {
    return this.size.width / (this.pan.width * devicePixelRatio);
  }

  // ---- where one looks ----

  /** The colour sweeps in from the right once both pictures are there. */
  async #reveal() {
    this.stage.style.setProperty("--at", "100%");
    await Promise.allSettled([this.photo.decode(), this.result.decode()]);
    requestAnimationFrame(() => this.#seamTo(Number(this.seam.value), false));
  }

  #seamTo(value, held = true) {
    this.stage.classList.toggle("held", held);
    move(this.stage, this.seam, value);
  }

  setSeam(share) {
    this.#seamTo(Math.min(Math.max(share * 100, 0), 100));
  }

  #resize() {
    const { width, height } = this.sheet.getBoundingClientRect();
    if (!width) return;
    this.pan.resize(width, height, Math.max(NEAREST * (this.size.width / (width * devicePixelRatio)), 2));
    this.changed();
  }

  /** Show what `pan` says; real pixels follow when it rests. */
  changed() {
    const { stage, pan } = this;
    stage.style.setProperty("--zoom", pan.zoom);
    stage.style.setProperty("--x", `${pan.x}px`);
    stage.style.setProperty("--y", `${pan.y}px`);
    this.root.classList.toggle("zoomed", !pan.isWhole);
    const percent = Math.round((100 * pan.zoom) / this.actual);
    this.find(".percent").textContent = `${percent} %`;
    this.find("[data-act=farther]").disabled = pan.isWhole;
    this.find("[data-act=nearer]").disabled = pan.zoom >= pan.most - 1e-3;
    this.root.classList.toggle("grainy", percent >= 200);
    this.#later("sharpen", () => this.#sharpen());
    this.dispatchEvent(new Event("move"));
  }

  /** Return the share of the picture at a place of the window, or null outside of it. */
  shareAt(clientX, clientY) {
    const box = [...this.stage.querySelectorAll(".sheet")]
      .map((sheet) => sheet.getBoundingClientRect())
      .find((r) => clientX >= r.left && clientX <= r.right && clientY >= r.top && clientY <= r.bottom);
    if (!box) return null;
    const [x, y] = this.pan.share(clientX - box.left, clientY - box.top);
    return x >= 0 && x <= 1 && y >= 0 && y <= 1 ? { x, y } : null;
  }

  pick(place) {
    this.dispatchEvent(new CustomEvent("pick", { detail: place }));
  }

  peek(on) {
    this.root.classList.toggle("peeking", on);
    this.find("[data-act=peek]").setAttribute("aria-pressed", on);
  }

  #setMode(mode) {
    this.root.dataset.mode = mode;
    for (const button of this.root.querySelectorAll("[data-mode-of]")) {
      button.setAttribute("aria-pressed", button.dataset.modeOf === mode);
    }
    this.find(".seam-box").hidden = mode !== "slide";
    this.#resize();
  }

  #bar() {
    const acts = {
      nearer: () => this.pan.step(1, this.actual),
      farther: () => this.pan.step(-1, this.actual),
      actual: () => this.toggleActual(),
    };
    for (const [name, act] of Object.entries(acts)) {
      this.find(`[data-act=${name}]`).addEventListener("click", () => {
        act();
        this.changed();
      });
    }
    for (const button of this.root.querySelectorAll("[data-mode-of]")) {
      button.addEventListener("click", () => this.#setMode(button.dataset.modeOf));
    }
    const peek = this.find("[data-act=peek]");
    for (const type of ["pointerdown", "keydown"]) {
      peek.addEventListener(type, (event) => {
        if (type === "pointerdown" || [" ", "Enter"].includes(event.key)) this.peek(true);
      });
    }
    for (const type of ["pointerup", "pointercancel", "pointerleave", "keyup", "blur"]) {
      peek.addEventListener(type, () => this.peek(false));
    }
    peek.addEventListener("contextmenu", (event) => event.preventDefault());
  }

  /** From the whole picture to real pixels around px, py of the window, and back. */
  toggleActual(px, py) {
    this.pan.to(this.pan.isWhole ? Math.max(this.actual, 2) : 1, px, py);
  }

  // ---- colours ----

  /**
   * Show the photograph with other colours: `ab` address of the network's answer, `saturation`, `warmth`; `stored` says
   * that they are those of the pictures that the page has anyway.
   */
  show(colours, stored) {
    this.#colours = colours;
    this.#stored = stored;
    this.#dropSharp();
    this.#paint(QUICK_PX);
    this.#later("fine", () => this.#paint(FINE_PX));
    this.#later("sharpen", () => this.#sharpen());
  }

  /** The page has another result now: its picture, and its colours. */
  async settle(resultView, colours) {
    const image = this.result.cloneNode();
    image.src = resultView;
    await image.decode();
    this.result.replaceWith(image);
    this.result = image;
    this.#colours = colours;
    this.#stored = true;
    this.find(".painted").hidden = true;
  }

  #once(name, work) {
    if (this.#busy.has(name)) {
      this.#again.add(name);
      return;
    }
    this.#busy.add(name);
    work().catch((error) => console.warn(error)).finally(() => {
      this.#busy.delete(name);
      if (this.#again.delete(name)) this.#once(name, work);
    });
  }

  #later(name, work) {
    clearTimeout(this.#timers[name]);
    this.#timers[name] = setTimeout(work, REST_MS);
  }

  #wanted() {
    return { guideUrl: this.photo.src, ...this.#colours };
  }

  #paint(mostPx) {
    const canvas = this.find(".painted");
    if (this.#stored) {
      canvas.hidden = true;
      return;
    }
    this.budget = mostPx;
    this.#once("paint", async () => {
      if (this.#stored) return;
      const { width, height } = this.size;
      const screen = this.pan.width * devicePixelRatio;
      const scale = Math.min(1, screen / width, Math.sqrt(this.budget / (width * height)));
      const rect = { x: 0, y: 0, w: 1, h: 1 };
      const size = { width: Math.max(1, Math.round(width * scale)), height: Math.max(1, Math.round(height * scale)) };
      const colours = this.#colours;
      const { after } = await this.painter.paint({ ...this.#wanted(), url: this.photo.src, rect, ...size });
      if (this.#stored) return;
      put(canvas, after);
      this.dispatchEvent(new CustomEvent("painted", { detail: colours }));
    });
  }

  // ---- real pixels ----

  #dropSharp() {
    this.#sharp = null;
    delete this.root.dataset.sharp;
    for (const canvas of this.root.querySelectorAll(".sharp")) canvas.hidden = true;
  }

  /** Fetch the full-size file once; while it comes in, the page says so. */
  #loadFull() {
    this.#full ??= (async () => {
      this.note.hidden = false;
      const meter = this.note.querySelector("progress");
      try {
        const url = this.stage.dataset.full || (await this.otherFull?.());
        if (!url) return null;
        await this.painter.load(url, (share) => {
          meter.value = share;
        });
        return url;
      } catch (error) {
        console.warn(error); // this browser cannot read that kind of file: the smaller copy remains
        return null;
      } finally {
        this.note.hidden = true;
      }
    })();
    return this.#full;
  }

  #sharpen() {
    const shownPx = this.pan.width * this.pan.zoom * devicePixelRatio;
    const allThere = this.#stored && this.photo.naturalWidth >= this.size.width;
    const enough = allThere || shownPx <= this.photo.naturalWidth * 1.05;
    if (enough || (this.#sharp && covers(this.#sharp, this.pan.seen()) && shownPx <= this.#sharp.shownPx * 1.05)) {
      if (enough) this.#dropSharp();
      return;
    }
    this.#once("sharpen", async () => {
      const url = await this.#loadFull();
      if (!url || this.pan.isWhole) return;
      const rect = this.pan.seen(0.2);
      const shown = this.pan.width * this.pan.zoom * devicePixelRatio;
      const scale = Math.min(1, shown / this.size.width);
      const width = Math.max(1, Math.round(rect.w * this.size.width * scale));
      const height = Math.max(1, Math.round(rect.h * this.size.height * scale));
      const colours = this.#colours;
      const asIs = this.stage.dataset.fullIs === "original" ? "as it is" : "gray";
      const { before, after } = await this.painter.paint({ ...this.#wanted(), url, rect, width, height, asIs });
      if (colours !== this.#colours) {
        this.#again.add("sharpen");
        return;
      }
      for (const [side, bitmap] of [["before", before], ["after", after]]) {
        const canvas = this.find(`.${side} .sharp`);
        put(canvas, bitmap);
        for (const [name, value] of [["--l", rect.x], ["--t", rect.y], ["--cw", rect.w], ["--ch", rect.h]]) {
          canvas.style.setProperty(name, value);
        }
      }
      this.#sharp = { ...rect, shownPx: shown };
      this.root.dataset.sharp = Math.round((100 * this.pan.zoom) / this.actual);
    });
  }
}
