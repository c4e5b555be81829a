// Before and after: takes a .pair of pictures as the server wrote it (side by side) and lays one over the other, with
// a range input as the seam between them, so that mouse, touch, arrow keys and screen readers all move the same thing.

import { move, steer } from "./split-slider.js";

/** Reserve every picture's room below `root` from its width and height attributes, before its bytes arrive. */
export function fit(root) {
  for (const image of root.querySelectorAll("img.fit, canvas.fit")) {
    image.style.setProperty("--w", image.getAttribute("width"));
    image.style.setProperty("--h", image.getAttribute("height"));
  }
}

function slider(pair) {
  const input = document.createElement("input");
  Object.assign(input, { type: "range", min: 0, max: 100, step: 0.1, value: 50 });
  input.setAttribute("aria-label", pair.dataset.label);
  steer(input, (value) => {
    pair.classList.add("held");
    move(pair, input, value);
  });
  return input;
}

/** Turn every .pair below `root` into a slider; colour sweeps in from the right once both pictures are there. */
export function enhance(root) {
  fit(root);
  for (const pair of root.querySelectorAll(".pair:not(.compare)")) {
    const input = slider(pair);
    const seam = document.createElement("span");
    seam.className = "seam";
    pair.append(input, seam);
    pair.classList.add("compare");
    pair.style.setProperty("--at", "100%");
    const pictures = [...pair.querySelectorAll("img")].map((image) => image.decode().catch(() => undefined));
    Promise.all(pictures).then(() => requestAnimationFrame(() => move(pair, input)));
  }
}
