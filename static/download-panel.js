// What one takes along: the file as one sees it, in any format, kept versions, the recipe, the link to share.

import { make } from "./api.js";
import { say } from "./messages.js";

const REST_MS = 500;
const RENDER_WAIT_S = 30;

const clean = (options) => Object.fromEntries(Object.entries(options).filter(([, value]) => value !== "" && value !== null));

export class Takeaway {
  #files = new Map(); // promises of renders, by what was asked
  #timer = null;

  constructor(studio) {
    this.studio = studio;
    const { root } = studio;
    root.addEventListener("click", (event) => this.#click(event));
    root.addEventListener("submit", (event) => this.#submit(event));
    root.addEventListener("change", ({ target }) => target.name === "format" && this.#fields());
    this.#fields();
  }

  /** The colours have changed: the server makes the file of them as soon as they rest. */
  changed() {
    const { studio } = this;
    studio.find("#keep-row").hidden = !studio.isEdited;
    clearTimeout(this.#timer);
    if (studio.isEdited && !studio.needsNetwork) {
      this.#timer = setTimeout(() => this.#render({}).catch((error) => console.warn(error)), REST_MS);
    }
  }

  #fields() {
    const form = this.studio.find("#get");
    const format = form.elements.format.value || this.studio.root.dataset.format;
    for (const field of form.querySelectorAll("[data-for]")) {
      field.hidden = !field.dataset.for.split(" ").includes(format);
      for (const input of field.querySelectorAll("input, select")) input.disabled = field.hidden;
    }
  }

  #say(key) {
    this.studio.find("#get-status").textContent = key ? say(key) : "";
  }

  /** The address of a file of what one sees, with other options of the file. */
  async #render(options) {
    const { studio } = this;
    if (studio.needsNetwork) await this.keep();
    if (!studio.isEdited && !Object.keys(options).length) return `${studio.self}/result`;
    const { saturation, warmth } = studio.state;
    const body = { saturation, warmth, ...options };
    const key = JSON.stringify([studio.self, body]);
    if (!this.#files.has(key)) {
      const made = make(`${studio.self}/renders`, body, { wait: RENDER_WAIT_S }).then(({ urls }) => urls.file);
      made.catch(() => this.#files.delete(key));
      this.#files.set(key, made);
    }
    return this.#files.get(key);
  }

  async #take(options) {
    this.#say("preparing");
    try {
      const link = document.createElement("a");
      link.href = await this.#render(options);
      link.download = "";
      link.click();
      this.#say("ready");
    } catch (error) {
      this.studio.find("#get-status").textContent = error.message || say("connection");
    }
  }

  /** Keep what one sees as a version of its own; the page becomes that version's. */
  async keep() {
    const { studio } = this;
    studio.status.textContent = say("keeping");
    const state = studio.state;
    const { source, create, page } = studio.root.dataset;
    const made = await make(create, { source, ...clean(state) }, { wait: RENDER_WAIT_S });
    const address = page.replace("ID", made.id);
    const answer = await fetch(address, { headers: { Accept: "text/html" } });
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").getElementById("studio");
    const urls = { ab: fresh.querySelector(".stage").dataset.ab };
    await studio.viewer.settle(made.urls.result_view, { ...urls, saturation: state.saturation, warmth: state.warmth });
    for (const selector of [".get", ".truth", ".share", "#kept"]) {
      studio.find(selector).replaceWith(document.importNode(fresh.querySelector(selector), true));
    }
    for (const element of studio.root.querySelectorAll(".share [data-live]")) element.hidden = false;
    studio.adopt(fresh, state);
    history.replaceState(null, "", address);
    this.#fields();
    studio.status.textContent = say("kept");
    studio.find("#keep-row").hidden = !studio.isEdited;
    studio.find("#reset").disabled = !studio.isEdited;
  }

  async #kept(event, go) {
    event.preventDefault();
    try {
      if (this.studio.isEdited) await this.keep();
      await go();
    } catch (error) {
      this.studio.status.textContent = error.message || say("connection");
    }
  }

  #click(event) {
    const { studio } = this;
    const target = event.target.closest("a, button");
    if (!target) return;
    if (target.id === "download" && studio.isEdited) {
      event.preventDefault();
      this.#take({});
    } else if (target.id === "keep") {
      this.#kept(event, () => undefined);
    } else if (target.id === "recipe" && studio.isEdited) {
      this.#kept(event, () => studio.find("#recipe").click());
    } else if (target.matches(".exact")) {
      event.preventDefault();
      this.#take({ format: "png" });
    } else if (target.id === "copy") {
      this.#kept(event, () => this.#copy());
    }
  }

  async #copy() {
    const field = this.studio.find("#share-link");
    this.studio.find("#share").open = true;
    try {
      await navigator.clipboard.writeText(field.value);
    } catch {
      field.select(); // no leave to write to the clipboard: the reader can copy what is selected
      return;
    }
    this.studio.find("#copy-status").textContent = say("copied");
  }

  #submit(event) {
    if (event.target.id !== "get") return;
    event.preventDefault();
    const form = new FormData(event.target);
    const options = {
      format: form.get("format"),
      quality: form.has("quality") ? Number(form.get("quality")) : "",
      bits: form.get("bits") ? Number(form.get("bits")) : "",
      size_px: form.get("size_px") ? Number(form.get("size_px")) : "",
      strip_location: form.has("strip_location"),
    };
    this.#take(clean(options));
  }
}
