// One finished photograph: the picture, and everything beside it that changes it.

import { Painter } from "./painter.js";
import { Viewer } from "./viewer.js";

export class Studio {
  constructor(root) {
    this.root = root;
    this.painter = new Painter();
    this.viewer = new Viewer(root.querySelector(".viewer"), this.painter);
  }
}
