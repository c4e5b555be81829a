// Before and after: takes a .pair of pictures as the server wrote it (side by side) and lays one over the other, with
// a range input as the seam between them, so that mouse, touch, arrow keys and screen readers all move the same thing.

const ARROW_STEP = 2;
const PAGE_STEP = 10;
const STEPS = {
  ArrowLeft: -ARROW_STEP, ArrowDown: -ARROW_STEP, ArrowRight: ARROW_STEP, ArrowUp: ARROW_STEP,
  PageDown: -PAGE_STEP, PageUp: PAGE_STEP,
};

/** Reserve every picture's room below `root` from its width and height attributes, before its bytes arrive. */
export function fit(root) {
  for (const image of root.querySelectorAll("img.fit, canvas.fit")) {
    image.style.setProperty("--w", image.getAttribute("width"));
    image.style.setProperty("--h", image.getAttribute("height"));
  }
}

function move(pair, input) {
  const value = Number(input.value);
  pair.style.setProperty("--at", `${value}%`);
  pair.dataset.edge = value < 12 ? "start" : value > 88 ? "end" : "";
  input.setAttribute("aria-valuetext", pair.dataset.value.replace("{percent}", Math.round(value)));
}

function slider(pair) {
  const input = document.createElement("input");
  Object.assign(input, { type: "range", min: 0, max: 100, step: 0.1, value: 50 });
  input.setAttribute("aria-label", pair.dataset.label);
  input.addEventListener("input", () => {
    pair.classList.add("held");
    move(pair, input);
  });
  input.addEventListener("keydown", (event) => {
    const step = STEPS[event.key];
    if (step === undefined) return;
    event.preventDefault();
    input.value = Number(input.value) + step;
    pair.classList.add("held");
    move(pair, input);
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
