// One finished photograph: the picture, and everything beside it that changes its colours. Colours change in the
// browser at once, from the network's small answer; the server makes the files.

import { Aim } from "./keyboard-cursor.js";
import { make } from "./api.js";
import { drawDoubt } from "./uncertainty-overlay.js";
import { Edits, networkKey, same, sameNetwork } from "./edit-history.js";
import { Hints } from "./hints.js";
import { say } from "./messages.js";
import { Painter } from "./painter.js";
import { Takeaway } from "./download-panel.js";
import { Versions } from "./versions.js";
import { Viewer } from "./viewer.js";

const PREVIEW_WAIT_S = 20;

function stateOf({ model, temperature, hints, saturation, warmth }) {
  return { model, temperature: temperature === "" ? null : temperature, hints: JSON.parse(hints), saturation, warmth };
}

export class Studio {
  #answers = new Map(); // by what the network was asked: the addresses of its answer
  #wanted = null;
  #running = false;

  constructor(root) {
    this.root = root;
    this.painter = new Painter();
    this.viewer = new Viewer(root.querySelector(".viewer"), this.painter, () => this.#grayFile());
    this.tune = root.querySelector("#tune");
    this.status = root.querySelector("#tune-status");
    this.adopt(root, stateOf(JSON.parse(root.dataset.options)));
    this.edits = new Edits(this.saved);
    for (const element of root.querySelectorAll("[data-live]")) element.hidden = false;
    new Aim(this.viewer);
    this.hints = new Hints(root.querySelector("#hints"), this.viewer, this.painter, (isNew) => this.#suggestions(isNew));
    this.hints.addEventListener("change", ({ detail }) => this.change({ hints: detail }));
    this.takeaway = new Takeaway(this);
    new Versions(root, this);
    this.#listen();
    this.#controls();
    this.hints.show(this.saved.hints);
  }

  find(selector) {
    return this.root.querySelector(selector);
  }

  get state() {
    return this.edits.state;
  }

  /** Whether what one sees is not what the page's address stands for. */
  get isEdited() {
    return !same(this.state, this.saved);
  }

  /** Take the photograph that the server keeps, whose page is `page` (its #studio), as the one that is shown. */
  adopt(page, state) {
    this.saved = state;
    this.self = page.dataset.self;
    const { ab } = page.querySelector(".stage").dataset;
    const urls = { ab, suggestions: `${this.self}/suggestions`, uncertainty: `${this.self}/uncertainty` };
    this.#answers.set(networkKey(state), urls);
  }

  // ---- changing ----

  #listen() {
    for (const name of ["saturation", "warmth"]) {
      const input = this.tune.elements[name];
      input.addEventListener("input", () => {
        this.#says();
        this.#show({ ...this.state, [name]: Number(input.value) });
      });
      input.addEventListener("change", () => this.change({ [name]: Number(input.value) }));
    }
    this.tune.elements.model.addEventListener("change", ({ target }) => {
      const takesHints = target.selectedOptions[0].dataset.hints === "1";
      this.change({ model: target.value, temperature: null, hints: takesHints ? this.state.hints : [] });
    });
    this.tune.addEventListener("submit", (event) => event.preventDefault());
    this.find("#undo").addEventListener("click", () => this.#travel(() => this.edits.undo()));
    this.find("#redo").addEventListener("click", () => this.#travel(() => this.edits.redo()));
    this.find("#reset").addEventListener("click", () => this.change(this.saved));
    this.find("[data-act=doubt]")?.addEventListener("click", ({ currentTarget }) => this.#doubt(currentTarget));
    document.addEventListener("keydown", (event) => this.#shortcut(event));
  }

  #shortcut(event) {
    if (!(event.ctrlKey || event.metaKey) || event.key.toLowerCase() !== "z") return;
    if (event.target.matches("input[type=text], input[type=number], textarea")) return;
    event.preventDefault();
    this.#travel(() => (event.shiftKey ? this.edits.redo() : this.edits.undo()));
  }

  #travel(step) {
    step();
    this.#apply();
  }

  /** Make a change that can be undone. */
  change(values) {
    if (this.edits.make(values)) this.#apply();
    else this.#controls();
  }

  #apply() {
    this.#controls();
    this.hints.show(this.state.hints);
    this.#show(this.state);
    this.takeaway.changed();
  }

  #controls() {
    const { model, saturation, warmth } = this.state;
    Object.assign(this.tune.elements.saturation, { value: saturation });
    Object.assign(this.tune.elements.warmth, { value: warmth });
    this.tune.elements.model.value = model;
    this.find("#undo").disabled = !this.edits.canUndo;
    this.find("#redo").disabled = !this.edits.canRedo;
    this.find("#reset").disabled = !this.isEdited;
    const chosen = this.tune.elements.model.selectedOptions?.[0];
    this.hints.usable = chosen ? chosen.dataset.hints === "1" : this.root.dataset.hints === "1";
    this.#says();
  }

  #says() {
    const percent = (value) => `${Math.round(100 * value)} %`;
    const signed = (value) => `${value > 0 ? "+" : value < 0 ? "−" : ""}${Math.abs(Math.round(100 * value))}`;
    const { saturation, warmth } = this.tune.elements;
    for (const [input, text] of [[saturation, percent(Number(saturation.value))], [warmth, signed(Number(warmth.value))]]) {
      input.setAttribute("aria-valuetext", text);
      input.closest("label").querySelector(".value").textContent = text;
    }
  }

  // ---- showing ----

  #show(state) {
    const answer = this.#answers.get(networkKey(state));
    if (answer) this.#paint(state, answer);
    else this.#ask(state);
  }

  #paint(state, answer) {
    const { saturation, warmth } = state;
    this.viewer.show({ ab: answer.ab, saturation, warmth }, same(state, this.saved));
    if (this.find("[data-act=doubt]")?.getAttribute("aria-pressed") === "true") this.#drawDoubt(answer);
  }

  /** Ask the network; while it is at work the latest wish waits, those between are dropped. */
  async #ask(state) {
    this.#wanted = state;
    if (this.#running) return;
    this.#running = true;
    this.root.classList.add("asking");
    this.status.textContent = say("colouring");
    try {
      while (this.#wanted) {
        const asked = this.#wanted;
        this.#wanted = null;
        await this.answer(asked);
      }
      this.#show(this.state);
      this.status.textContent = say("coloured");
    } catch (error) {
      this.status.textContent = error.message || say("connection");
    } finally {
      this.#running = false;
      this.root.classList.remove("asking");
    }
  }

  /** The addresses {ab, suggestions, uncertainty} of the network's answer to a state, made where there is none yet. */
  async answer({ model, temperature, hints }) {
    const key = networkKey({ model, temperature, hints });
    if (!this.#answers.has(key)) {
      const { urls } = await make(`${this.self}/previews`, { model, temperature, hints }, { wait: PREVIEW_WAIT_S });
      this.#answers.set(key, urls);
    }
    return this.#answers.get(key);
  }

  /** For a place that has a colour already, the network must be asked without it: it would only repeat that colour. */
  #suggestions(isNew) {
    const bare = { ...this.state, hints: [] };
    const answers = [isNew ? this.state : bare, bare, this.saved].map((state) => this.#answers.get(networkKey(state)));
    return answers.find((answer) => answer)?.suggestions;
  }

  /** A full-size file that every browser can read, of the photograph's gray levels alone. */
  async #grayFile() {
    const { urls } = await make(`${this.self}/renders`, { format: "jpeg", saturation: 0, warmth: 0 }, { wait: PREVIEW_WAIT_S });
    return urls.file;
  }

  // ---- where it is guessing ----

  async #doubt(button) {
    const on = button.getAttribute("aria-pressed") !== "true";
    button.setAttribute("aria-pressed", on);
    this.find("#legend").hidden = !on;
    const canvas = this.find(".doubt");
    canvas.hidden = !on;
    const answer = this.#answers.get(networkKey(this.state)) ?? this.#answers.get(networkKey(this.saved));
    if (on) await this.#drawDoubt(answer);
  }

  async #drawDoubt(answer) {
    try {
      await drawDoubt(answer.uncertainty, this.find(".doubt"));
    } catch (error) {
      console.warn(error);
      this.status.textContent = say("trouble");
    }
  }

  /** Whether what one sees takes another answer of the network than what is kept. */
  get needsNetwork() {
    return !sameNetwork(this.state, this.saved);
  }
}
