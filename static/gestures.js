// What fingers, mouse and wheel do on the picture: move the seam, pan, pinch, pick a place.

const NEAR_PX = 26;
const STILL_PX = 6;
const WHEEL = 0.0022;

export class Gestures {
  #fingers = new Map();
  #kind = null; // "seam", "pan", "pinch", or null
  #moved = 0;
  #span = 0;

  constructor(viewer) {
    this.viewer = viewer;
    const { stage } = viewer;
    stage.addEventListener("pointerdown", (event) => this.#down(event));
    stage.addEventListener("pointermove", (event) => this.#move(event));
    stage.addEventListener("pointerup", (event) => this.#up(event));
    stage.addEventListener("pointercancel", (event) => this.#end(event));
    stage.addEventListener("dblclick", (event) => this.#twice(event));
    stage.addEventListener("wheel", (event) => this.#wheel(event), { passive: false });
    stage.addEventListener("dragstart", (event) => event.preventDefault());
  }

  #box() {
    return this.viewer.sheet.getBoundingClientRect();
  }

  #offset(event) {
    const sheets = [...this.viewer.stage.querySelectorAll(".sheet")].map((sheet) => sheet.getBoundingClientRect());
    const box = sheets.find((r) => event.clientX >= r.left && event.clientX <= r.right && event.clientY >= r.top && event.clientY <= r.bottom)
      ?? sheets[0];
    return [event.clientX - box.left, event.clientY - box.top];
  }

  #isOurs(event) {
    return event.button === 0 && !event.target.closest("button, .pin");
  }

  #down(event) {
    if (!this.#isOurs(event)) return;
    this.#fingers.set(event.pointerId, event);
    this.viewer.stage.setPointerCapture(event.pointerId);
    if (this.#fingers.size === 2) {
      this.#kind = "pinch";
      this.#span = this.#spread().span;
      return;
    }
    this.#moved = 0;
    this.#kind = this.#kindOf(event);
    if (this.#kind === "seam" && !this.viewer.picking && event.pointerType === "mouse") this.#drag(event);
  }

  #kindOf(event) {
    const { viewer } = this;
    const box = this.#box();
    const seam = box.left + (box.width * Number(viewer.seam.value)) / 100;
    const slides = viewer.mode === "slide";
    if (slides && Math.abs(event.clientX - seam) <= NEAR_PX) return "seam";
    if (!viewer.pan.isWhole) return "pan";
    return slides && !viewer.picking ? "seam" : null;
  }

  #move(event) {
    const before = this.#fingers.get(event.pointerId);
    if (!before) return;
    this.#fingers.set(event.pointerId, event);
    this.#moved += Math.hypot(event.clientX - before.clientX, event.clientY - before.clientY);
    const { viewer } = this;
    if (this.#kind === "pinch") {
      const { span, x, y } = this.#spread();
      if (this.#span > 0) viewer.pan.by(span / this.#span, x, y);
      this.#span = span;
      viewer.changed();
    } else if (this.#kind === "pan" && this.#moved > STILL_PX) {
      viewer.pan.move(event.clientX - before.clientX, event.clientY - before.clientY);
      viewer.changed();
    } else if (this.#kind === "seam" && (this.#moved > STILL_PX || !viewer.picking)) {
      this.#drag(event);
    }
  }

  #up(event) {
    if (this.#fingers.has(event.pointerId) && this.#fingers.size === 1 && this.#moved <= STILL_PX) this.#tap(event);
    this.#end(event);
  }

  #tap(event) {
    const { viewer } = this;
    if (viewer.picking) {
      const place = viewer.shareAt(event.clientX, event.clientY);
      if (place) viewer.pick(place);
    } else if (this.#kind === "seam") {
      this.#drag(event);
    }
  }

  #end(event) {
    this.#fingers.delete(event.pointerId);
    if (this.#kind === "pinch" && this.#fingers.size === 1) this.#kind = "pan";
    else if (!this.#fingers.size) this.#kind = null;
  }

  #drag(event) {
    const box = this.#box();
    this.viewer.setSeam((event.clientX - box.left) / box.width);
  }

  #spread() {
    const [one, two] = [...this.#fingers.values()];
    const [ax, ay] = this.#offset(one);
    const [bx, by] = this.#offset(two);
    return { span: Math.hypot(ax - bx, ay - by), x: (ax + bx) / 2, y: (ay + by) / 2 };
  }

  #twice(event) {
    if (!this.#isOurs(event) || this.viewer.picking) return;
    this.viewer.toggleActual(...this.#offset(event));
    this.viewer.changed();
  }

  /** Pinching on a touch pad comes as a wheel with Ctrl; without it the page scrolls, unless the picture is enlarged. */
  #wheel(event) {
    const { pan } = this.viewer;
    const nearer = event.deltaY < 0;
    if (!event.ctrlKey && (pan.isWhole || (nearer && pan.zoom >= pan.most))) return;
    event.preventDefault();
    const factor = event.ctrlKey ? 4 * WHEEL : WHEEL;
    pan.by(Math.exp(-event.deltaY * factor), ...this.#offset(event));
    this.viewer.changed();
  }
}
