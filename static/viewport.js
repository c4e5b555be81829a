// Where a picture stands behind its window when it is enlarged: numbers only.

const STEP = 1.6;

/** A picture that fills a window of `width` x `height` px at zoom 1 and is moved by x, y px (never into view's inside). */
export class Pan {
  zoom = 1;
  x = 0;
  y = 0;
  width = 1;
  height = 1;
  most = 1;

  /** Set the window's size and the largest zoom; what was in the middle stays there. */
  resize(width, height, most) {
    const [u, v] = this.share(this.width / 2, this.height / 2);
    Object.assign(this, { width, height, most: Math.max(1, most) });
    this.center(u, v, this.zoom);
  }

  get isWhole() {
    return this.zoom <= 1.001;
  }

  /** Zoom by `factor`, keeping what is at px, py of the window where it is. */
  by(factor, px = this.width / 2, py = this.height / 2) {
    this.to(this.zoom * factor, px, py);
  }

  to(zoom, px = this.width / 2, py = this.height / 2) {
    const [u, v] = this.share(px, py);
    this.zoom = Math.min(Math.max(zoom, 1), this.most);
    this.x = px - u * this.width * this.zoom;
    this.y = py - v * this.height * this.zoom;
    this.#keep();
  }

  /** One step nearer (`direction` 1) or farther (-1), stopping at `actual`, the zoom of real pixels, on the way. */
  step(direction, actual) {
    const next = this.zoom * STEP ** direction;
    const passes = (this.zoom - actual) * (next - actual) < 0 && Math.abs(this.zoom / actual - 1) > 0.02;
    this.to(passes ? actual : next);
  }

  move(dx, dy) {
    this.x += dx;
    this.y += dy;
    this.#keep();
  }

  /** Bring the place u, v (shares of the picture) to the middle. */
  center(u, v, zoom) {
    this.zoom = Math.min(Math.max(zoom, 1), this.most);
    this.x = this.width / 2 - u * this.width * this.zoom;
    this.y = this.height / 2 - v * this.height * this.zoom;
    this.#keep();
  }

  /** Move as little as brings the place u, v inside the window, `margin` px from its edges. */
  reveal(u, v, margin) {
    const px = u * this.width * this.zoom + this.x;
    const py = v * this.height * this.zoom + this.y;
    const room = (at, size) => Math.min(Math.max(at, Math.min(margin, size / 2)), size - Math.min(margin, size / 2));
    this.move(room(px, this.width) - px, room(py, this.height) - py);
  }

  /** Return which place of the picture, in shares of it, is at px, py of the window. */
  share(px, py) {
    return [(px - this.x) / (this.width * this.zoom), (py - this.y) / (this.height * this.zoom)];
  }

  /** Return the part {x, y, w, h} of the picture that is in the window and `around` (shares of the window) beyond it. */
  seen(around = 0) {
    const left = Math.max(0, this.share(-around * this.width, 0)[0]);
    const top = Math.max(0, this.share(0, -around * this.height)[1]);
    const right = Math.min(1, this.share((1 + around) * this.width, 0)[0]);
    const bottom = Math.min(1, this.share(0, (1 + around) * this.height)[1]);
    return { x: left, y: top, w: right - left, h: bottom - top };
  }

  #keep() {
    this.x = Math.min(0, Math.max(this.x, this.width * (1 - this.zoom)));
    this.y = Math.min(0, Math.max(this.y, this.height * (1 - this.zoom)));
  }
}
