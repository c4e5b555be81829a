// Four colourings that might all be true, side by side: the network is asked four times, the reader chooses.

import { say } from "./messages.js";

const THUMB_PX = 360;

export class Versions {
  constructor(root, studio) {
    this.studio = studio;
    this.form = root.querySelector("#versions");
    this.list = root.querySelector("#choices");
    this.status = root.querySelector("#versions-status");
    this.buttons = [...this.list.querySelectorAll(".version")];
    for (const [name, value] of Object.entries(studio.viewer.size)) root.style.setProperty(`--${name[0]}`, value);
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.#show();
    });
    this.list.addEventListener("click", ({ target }) => this.#choose(target.closest(".version")));
  }

  #stateOf(button) {
    const plain = { temperature: null, hints: [], saturation: 1, warmth: 0 };
    return { ...plain, ...JSON.parse(button.dataset.options) };
  }

  async #show() {
    this.form.hidden = true;
    this.list.hidden = false;
    this.status.textContent = say("versions-coming");
    try {
      for (const button of this.buttons) await this.#draw(button);
      this.status.textContent = "";
    } catch (error) {
      this.status.textContent = error.message || say("connection");
      this.form.hidden = false;
    }
  }

  async #draw(button) {
    const { painter, viewer } = this.studio;
    const state = this.#stateOf(button);
    const { ab } = await this.studio.answer(state);
    const scale = THUMB_PX / Math.max(viewer.size.width, viewer.size.height);
    const { after } = await painter.paint({
      url: viewer.photo.src, guideUrl: viewer.photo.src, ab, saturation: state.saturation, warmth: state.warmth,
      rect: { x: 0, y: 0, w: 1, h: 1 }, width: Math.round(viewer.size.width * scale), height: Math.round(viewer.size.height * scale),
    });
    const canvas = button.querySelector("canvas");
    canvas.width = after.width;
    canvas.height = after.height;
    canvas.getContext("bitmaprenderer").transferFromImageBitmap(after);
  }

  #choose(button) {
    if (!button) return;
    for (const one of this.buttons) one.setAttribute("aria-pressed", one === button);
    this.studio.change(this.#stateOf(button));
    this.status.textContent = say("version-chosen", { label: button.dataset.label });
  }
}
