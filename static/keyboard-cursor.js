// A pointer in the picture for those who use the keyboard: arrow keys move it, plus and minus zoom, Enter picks.

import { say } from "./messages.js";

const STEP = 0.01;
const LARGE_STEP = 0.1;
const MARGIN_PX = 40;
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

export class Aim {
  #x = 0.5;
  #y = 0.5;

  constructor(viewer) {
    this.viewer = viewer;
    this.element = viewer.find(".aim");
    this.says = viewer.find("#aim-says");
    this.element.addEventListener("keydown", (event) => this.#key(event));
    viewer.addEventListener("move", () => this.#stand());
  }

  #key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const { pan } = this.viewer;
    const arrow = ARROWS[event.key];
    if (arrow) {
      const step = (event.shiftKey ? LARGE_STEP : STEP) / pan.zoom;
      this.#x = Math.min(Math.max(this.#x + arrow[0] * step, 0), 1);
      this.#y = Math.min(Math.max(this.#y + arrow[1] * step, 0), 1);
      pan.reveal(this.#x, this.#y, MARGIN_PX);
    } else if (event.key === "+" || event.key === "=") {
      pan.step(1, this.viewer.actual);
      pan.center(this.#x, this.#y, pan.zoom);
    } else if (event.key === "-") {
      pan.step(-1, this.viewer.actual);
      pan.center(this.#x, this.#y, pan.zoom);
    } else if (event.key === "0") {
      pan.to(1);
    } else if (event.key === "Enter") {
      this.viewer.pick({ x: this.#x, y: this.#y });
    } else {
      return;
    }
    event.preventDefault();
    this.viewer.changed();
    if (arrow) this.says.textContent = say("pointer", { x: Math.round(100 * this.#x), y: Math.round(100 * this.#y) });
  }

  #stand() {
    const { pan } = this.viewer;
    this.element.style.setProperty("--ax", `${this.#x * pan.width * pan.zoom + pan.x}px`);
    this.element.style.setProperty("--ay", `${this.#y * pan.height * pan.zoom + pan.y}px`);
  }
}
