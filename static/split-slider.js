// The seam between before and after: a range input, so that arrow keys and screen readers move what the mouse moves.

const ARROW_STEP = 2;
const PAGE_STEP = 10;
const STEPS = {
  ArrowLeft: -ARROW_STEP, ArrowDown: -ARROW_STEP, ArrowRight: ARROW_STEP, ArrowUp: ARROW_STEP,
  PageDown: -PAGE_STEP, PageUp: PAGE_STEP,
};

/** Put the seam of `pair` at `value` percent from the left. */
export function move(pair, input, value = Number(input.value)) {
  input.value = value;
  pair.style.setProperty("--at", `${value}%`);
  pair.dataset.edge = value < 12 ? "start" : value > 88 ? "end" : "";
  input.setAttribute("aria-valuetext", pair.dataset.value.replace("{percent}", Math.round(value)));
}

/** Call `onMove` with the new value whenever keys or pointers move `input`. */
export function steer(input, onMove) {
  input.addEventListener("input", () => onMove(Number(input.value)));
  input.addEventListener("keydown", (event) => {
    const step = STEPS[event.key];
    if (step === undefined) return;
    event.preventDefault();
    onMove(Math.min(Math.max(Number(input.value) + step, 0), 100));
  });
}
