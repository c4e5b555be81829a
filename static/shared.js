// The page behind a shared link: the picture, nothing to change it by.

import { Painter } from "./painter.js";
import { Viewer } from "./viewer.js";

new Viewer(document.getElementById("viewer"), new Painter());
