// "The dress was green": places in the picture whose colour somebody knows. Pins on the picture, a palette beside it.
// Events: "change" ({hints}), with all of them, whenever one is given a colour, moved or removed.

import { get } from "./api.js";
import { abOf, paintPixel } from "./color.js";
import { nameOf } from "./color-names.js";
import { say } from "./messages.js";

const RADII = { small: 0.015, large: 0.04 };
const STILL_PX = 5;
const STEP = 0.01;
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

const hex = (rgb) => `#${rgb.map((level) => level.toString(16).padStart(2, "0")).join("")}`;
const rgbOf = (text) => [1, 3, 5].map((at) => parseInt(text.slice(at, at + 2), 16));
const within = (value) => Math.min(Math.max(value, 0), 1);

export class Hints extends EventTarget {
  #marks = []; // {x, y, radius, a, b, gray}; a is null while no colour has been chosen
  #current = -1;
  #asked = 0;

  /** `part`: the section of the page; `viewer`: the picture; `addressFor(isNew)`: where suggestions come from. */
  constructor(part, viewer, painter, addressFor) {
    super();
    Object.assign(this, { part, viewer, painter, addressFor });
    this.pins = viewer.find("#pins");
    this.palette = part.querySelector("#palette");
    this.status = part.querySelector("#hint-status");
    this.point = part.querySelector("#point");
    this.point.addEventListener("click", () => this.#pointing(!viewer.picking));
    viewer.addEventListener("pick", ({ detail }) => this.#place(detail));
    part.querySelector("#marks").addEventListener("click", (event) => this.#select(this.#indexOf(event.target), true));
    this.palette.addEventListener("click", (event) => this.#chosen(event.target.closest("button")));
    part.querySelector("#free").addEventListener("change", ({ target }) => this.#colour(abOf(...rgbOf(target.value))));
  }

  #find(selector) {
    return this.part.querySelector(selector);
  }

  /** Hide everything where the network takes no hints. */
  set usable(value) {
    this.part.hidden = !value;
    this.pins.hidden = !value;
    if (!value) this.#pointing(false);
  }

  /** Show the hints of another state. */
  async show(hints) {
    const old = this.#marks;
    const open = this.#marks.filter((mark) => mark.a === null);
    this.#marks = hints.map((hint) => ({ ...hint, gray: old.find((one) => one.x === hint.x && one.y === hint.y)?.gray }));
    if (this.#current >= 0 && open.length && old[this.#current]?.a === null) this.#marks.push(...open);
    if (this.#current >= this.#marks.length) this.#current = -1;
    await Promise.all(this.#marks.map((mark) => this.#see(mark)));
    this.#draw();
  }

  get #given() {
    return this.#marks.filter((mark) => mark.a !== null).map(({ x, y, radius, a, b }) => ({ x, y, radius, a, b }));
  }

  #tell() {
    this.dispatchEvent(new CustomEvent("change", { detail: this.#given }));
  }

  // ---- the pins ----

  async #see(mark) {
    mark.gray ??= await this.painter.gray(this.viewer.photo.src, mark.x, mark.y);
  }

  #rgb(mark) {
    if (mark.a === null) return null;
    const pixel = new Uint8ClampedArray(3);
    paintPixel(pixel, 0, mark.gray ?? 128, mark.a, mark.b);
    return [...pixel];
  }

  #label(mark, index) {
    const rgb = this.#rgb(mark);
    return say("place-of", { number: index + 1, colour: rgb ? nameOf(rgb) : say("place-open") });
  }

  #draw() {
    const pins = this.#marks.map((mark, index) => this.#pin(mark, index));
    const focused = [...this.pins.children].indexOf(document.activeElement);
    this.pins.replaceChildren(...pins);
    pins[focused]?.focus();
    this.#find("#marks").replaceChildren(...this.#marks.map((mark, index) => this.#mark(mark, index)));
    const mark = this.#marks[this.#current];
    this.palette.hidden = !mark;
    if (!mark) return;
    this.#find("#palette-title").textContent = say("place-of", { number: this.#current + 1, colour: say("choose") });
    for (const chip of this.palette.querySelectorAll("[data-radius]")) {
      chip.setAttribute("aria-pressed", RADII[chip.dataset.radius] === mark.radius);
    }
    for (const swatch of this.palette.querySelectorAll(".swatch")) {
      swatch.setAttribute("aria-pressed", Number(swatch.dataset.a) === mark.a && Number(swatch.dataset.b) === mark.b);
    }
  }

  #pin(mark, index) {
    const pin = document.createElement("button");
    pin.type = "button";
    pin.className = "pin";
    pin.textContent = index + 1;
    pin.setAttribute("aria-label", this.#label(mark, index));
    pin.setAttribute("aria-current", index === this.#current);
    this.#stand(pin, mark);
    const rgb = this.#rgb(mark);
    if (rgb) pin.style.setProperty("--colour", hex(rgb));
    pin.addEventListener("pointerdown", (event) => this.#grab(event, pin, mark, index));
    pin.addEventListener("click", (event) => {
      if (event.detail === 0) this.#select(index, true); // by keyboard: the pointer's clicks are done by #grab
    });
    pin.addEventListener("keydown", (event) => this.#key(event, index));
    return pin;
  }

  #stand(pin, { x, y }) {
    pin.style.setProperty("--px", x);
    pin.style.setProperty("--py", y);
  }

  #mark(mark, index) {
    const item = document.createElement("li");
    const button = document.createElement("button");
    button.type = "button";
    button.dataset.index = index;
    button.setAttribute("aria-current", index === this.#current);
    const dot = document.createElement("i");
    const rgb = this.#rgb(mark);
    if (rgb) dot.style.setProperty("--colour", hex(rgb));
    button.append(dot, this.#label(mark, index));
    item.append(button);
    return item;
  }

  #indexOf(element) {
    return Number(element.closest("[data-index]")?.dataset.index ?? -1);
  }

  #grab(event, pin, mark, index) {
    if (event.button !== 0) return;
    pin.setPointerCapture(event.pointerId);
    const start = [event.clientX, event.clientY];
    let moved = false;
    let place = null;
    const move = (at) => {
      moved ||= Math.hypot(at.clientX - start[0], at.clientY - start[1]) > STILL_PX;
      const box = this.pins.getBoundingClientRect();
      const [x, y] = this.viewer.pan.share(at.clientX - box.left, at.clientY - box.top);
      place = { x: within(x), y: within(y) };
      if (moved) this.#stand(pin, place);
    };
    const end = () => {
      pin.removeEventListener("pointermove", move);
      if (moved && place) this.#move(index, place);
      else this.#select(index, true);
    };
    pin.addEventListener("pointermove", move);
    pin.addEventListener("pointerup", end, { once: true });
    pin.addEventListener("pointercancel", end, { once: true });
  }

  #key(event, index) {
    const arrow = ARROWS[event.key];
    if (event.key === "Delete" || event.key === "Backspace") {
      event.preventDefault();
      this.#remove(index);
    } else if (arrow) {
      event.preventDefault();
      const { x, y } = this.#marks[index];
      const step = event.shiftKey ? 5 * STEP : STEP;
      this.#move(index, { x: within(x + arrow[0] * step), y: within(y + arrow[1] * step) });
    }
  }

  async #move(index, place) {
    const mark = { ...this.#marks[index], ...place, gray: undefined };
    this.#marks = this.#marks.with(index, mark);
    await this.#see(mark);
    this.#draw();
    if (mark.a !== null) this.#tell();
    if (index === this.#current) this.#suggest(mark);
  }

  #remove(index) {
    const [gone] = this.#marks.splice(index, 1);
    this.#current = -1;
    this.#draw();
    this.status.textContent = say("removed");
    if (gone.a !== null) this.#tell();
    (this.pins.children[Math.min(index, this.#marks.length - 1)] ?? this.point).focus();
  }

  // ---- choosing ----

  #pointing(on) {
    this.viewer.picking = on;
    this.viewer.root.classList.toggle("picking", on);
    this.point.setAttribute("aria-pressed", on);
    this.status.textContent = on ? say("pointing") : "";
  }

  async #place({ x, y }) {
    const mark = { x, y, radius: RADII.small, a: null, b: null };
    this.#marks = [...this.#marks.filter((one) => one.a !== null), mark];
    await this.#see(mark);
    this.#pointing(false);
    this.#select(this.#marks.length - 1, true);
  }

  #select(index, focus) {
    if (index < 0 || !this.#marks[index]) return;
    this.#current = index;
    this.#draw();
    this.#suggest(this.#marks[index]);
    if (focus) this.#find("#palette-title").focus({ preventScroll: false });
  }

  async #suggest(mark) {
    const asked = (this.#asked += 1);
    const box = this.#find("#swatches");
    box.replaceChildren();
    const url = this.addressFor(mark.a === null);
    if (!url) return;
    this.status.textContent = say("looking");
    try {
      const { suggestions } = await get(`${url}?x=${mark.x.toFixed(4)}&y=${mark.y.toFixed(4)}`);
      if (asked !== this.#asked) return;
      box.replaceChildren(...suggestions.map((one) => this.#swatch(one)));
      if (suggestions.length) this.#find("#free").value = hex(this.#rgb(mark) ?? suggestions[0].rgb);
      this.status.textContent = "";
      this.#draw();
    } catch (error) {
      if (asked === this.#asked) this.status.textContent = error.message || say("connection");
    }
  }

  #swatch({ a, b, share, rgb }) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "swatch";
    button.style.setProperty("--colour", hex(rgb));
    Object.assign(button.dataset, { a, b });
    const label = say("swatch", { colour: nameOf(rgb), percent: Math.max(1, Math.round(100 * share)) });
    button.setAttribute("aria-label", label);
    button.title = label;
    return button;
  }

  #chosen(button) {
    if (!button) return;
    if (button.id === "unmark") this.#remove(this.#current);
    else if (button.id === "gray") this.#colour([0, 0]);
    else if (button.dataset.radius) this.#change({ radius: RADII[button.dataset.radius] });
    else if (button.dataset.a) this.#colour([Number(button.dataset.a), Number(button.dataset.b)]);
  }

  #colour([a, b]) {
    this.#change({ a, b });
  }

  #change(values) {
    const mark = { ...this.#marks[this.#current], ...values };
    this.#marks = this.#marks.with(this.#current, mark);
    this.#draw();
    if (mark.a !== null) this.#tell();
  }
}
