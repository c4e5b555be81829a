// One chosen photograph on the home page: preview, name, progress, reason of a failure; at the end the server's print.

import { enhance, fit } from "./compare.js";
import { fileSize, say } from "./messages.js";

const PREVIEW_PX = 1280;
const template = document.getElementById("card");

let drawing = Promise.resolve();

/** Draw `file` onto `canvas` at preview size, one file after another, so that many large photographs fit in memory. */
function preview(file, canvas) {
  drawing = drawing.then(async () => {
    if (!canvas.isConnected) return;
    try {
      const whole = await createImageBitmap(file);
      const scale = Math.min(1, PREVIEW_PX / Math.max(whole.width, whole.height));
      canvas.width = Math.max(1, Math.round(whole.width * scale));
      canvas.height = Math.max(1, Math.round(whole.height * scale));
      canvas.getContext("2d").drawImage(whole, 0, 0, canvas.width, canvas.height);
      canvas.setAttribute("aria-label", say("preview", { name: file.name }));
      fit(canvas.parentElement);
      canvas.style.setProperty("--w", whole.width);
      canvas.style.setProperty("--h", whole.height);
      whole.close();
    } catch {
      const blank = document.createElement("div"); // TIFF, HEIC and others: the server can read them, not this browser
      blank.className = "blank corners no-preview";
      blank.textContent = say("no-preview");
      canvas.replaceWith(blank);
    }
  });
}

/** A photograph and its card. `status`: chosen, sending, colouring, refused, failed or done. */
export class Card {
  constructor(file, { onRemove, onRetry }) {
    this.file = file;
    this.element = template.content.firstElementChild.cloneNode(true);
    this.find(".name").textContent = this.find(".name").title = file.name;
    this.find(".meta").textContent = fileSize(file.size);
    this.find(".remove").setAttribute("aria-label", say("remove", { name: file.name }));
    this.find(".retry").setAttribute("aria-label", say("retry", { name: file.name }));
    this.find(".remove").addEventListener("click", () => onRemove(this));
    this.find(".retry").addEventListener("click", () => onRetry(this));
    this.status = "chosen";
  }

  find(selector) {
    return this.element.querySelector(selector);
  }

  get status() {
    return this.element.dataset.status;
  }

  set status(value) {
    this.element.dataset.status = value;
  }

  /** Begin the preview; the card must stand in the page. */
  show() {
    preview(this.file, this.find("canvas"));
  }

  /** Waiting for its turn to be sent. */
  line() {
    this.status = "sending";
    this.find(".reason").textContent = "";
    this.find(".retry").hidden = this.find(".remove").hidden = true;
    this.find("progress").value = 0;
    this.find(".state").textContent = say("waiting-to-send");
  }

  /** `share` of the file has left this browser; with all of it gone, count the seconds until colour comes. */
  progress(share) {
    if (this.status !== "sending") return;
    this.find("progress").value = share;
    this.find(".state").textContent = say("sending", { percent: Math.floor(share * 100) });
    if (share >= 1) this.wait();
  }

  wait() {
    this.status = "colouring";
    this.find("progress").removeAttribute("value");
    const began = performance.now();
    const tick = () => {
      const seconds = Math.round((performance.now() - began) / 1000);
      this.find(".state").textContent = say("colouring", { seconds });
    };
    tick();
    this.clock = setInterval(tick, 1000);
  }

  /** The server's words on the state, from its own print of this photograph: its place in the queue, or its turn. */
  follow(print) {
    clearInterval(this.clock);
    this.status = "colouring";
    this.find(".state").textContent = print.querySelector(".state").textContent;
  }

  /** It did not work: say why, and offer another try where that can help; by `form` the server tries what it has. */
  refuse(reason, again, form = null) {
    clearInterval(this.clock);
    this.retryForm = form;
    this.status = "refused";
    this.find(".reason").textContent = reason;
    this.find(".retry").hidden = !again;
    this.find(".remove").hidden = false;
  }

  /** Put the server's finished print in the card's place, once its pictures are there. */
  async finish(print) {
    clearInterval(this.clock);
    const fresh = document.importNode(print, true);
    await Promise.allSettled([...fresh.querySelectorAll("img")].map((image) => image.decode()));
    this.element.replaceWith(fresh);
    this.element = fresh;
    enhance(fresh);
  }
}
