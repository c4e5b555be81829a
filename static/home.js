// The home page: photographs are chosen, dropped or pasted, seen as cards, sent one by one, and come back in colour.

import { Card } from "./card.js";
import { fileSize, say } from "./messages.js";
import { send } from "./upload.js";
import { Follower, isWaiting } from "./follow.js";

const AT_ONCE = 2;

const form = document.getElementById("upload");
const studio = form.closest(".studio");
const place = document.getElementById("place");
const list = document.getElementById("prints");
const button = document.getElementById("colorize");
const archive = document.getElementById("archive");
const again = document.getElementById("again");
const status = document.getElementById("status");
const notice = document.getElementById("notice");
const maxFiles = Number(form.dataset.maxFiles);
const maxMegabytes = Number(form.dataset.maxUploadMb);

let cards = [];
const queue = [];
let sending = 0;

const resultsAddress = (ids) => form.dataset.results.replace("IDS", ids.join(","));
const eventsAddress = form.dataset.events && ((id) => form.dataset.events.replace("ID", id));
const follower = new Follower((ids) => `${resultsAddress(ids)}?view=prints`, eventsAddress);

const count = (...states) => cards.filter((card) => states.includes(card.status)).length;

// ---- what the page says ----

function tell() {
  const chosen = count("chosen");
  const busy = count("sending", "colouring");
  const done = count("done");
  const failed = count("refused", "failed");
  studio.classList.toggle("busy", cards.length > 0);
  button.hidden = chosen === 0;
  button.textContent = chosen > 1 ? say("colorize-many", { count: chosen }) : say("colorize-one");
  archive.hidden = busy > 0 || chosen > 0 || done < 2;
  again.hidden = !cards.length || busy > 0 || chosen > 0;
  if (busy) status.textContent = say("progress", { done: done + failed, count: busy + done + failed });
  else if (chosen || !cards.length) status.textContent = chosen > 1 ? say("chosen", { count: chosen }) : "";
  else status.textContent = failed ? say("finished", { done, failed }) : say("all-coloured");
  if (!busy && !chosen) keepAddress();
}

/** When all is done the address becomes that of the results, so that reloading or bookmarking the page keeps them. */
function keepAddress() {
  const ids = cards.map((card) => card.id).filter(Boolean);
  archive.href = form.dataset.archive.replace("IDS", ids.join(","));
  if (ids.length) history.replaceState(null, "", resultsAddress(ids));
}

// ---- choosing ----

function add(files) {
  const room = maxFiles - count("chosen");
  const accepted = files.slice(0, Math.max(room, 0));
  const added = [];
  const left = files.length - accepted.length;
  notice.textContent = left ? say("too-many", { limit: maxFiles, left }) : "";
  for (const file of accepted) {
    const card = new Card(file, { onRemove: remove, onRetry: (one) => start([one]) });
    cards.push(card);
    added.push(card);
    list.append(card.element);
    card.show();
    if (file.size > maxMegabytes * 1e6) {
      card.refuse(say("too-large", { size: fileSize(file.size), limit: maxMegabytes }), false);
    }
  }
  tell();
  if (accepted.length && !button.hidden) button.focus({ preventScroll: true });
  return added;
}

function remove(card) {
  const index = cards.indexOf(card);
  cards = cards.filter((one) => one !== card);
  card.element.remove();
  tell();
  const next = cards[Math.min(index, cards.length - 1)];
  (next?.find(".remove") ?? document.getElementById("photos")).focus();
}

for (const input of form.querySelectorAll("input[type=file]")) {
  input.addEventListener("change", () => {
    add([...input.files]);
    input.value = "";
  });
}

document.addEventListener("paste", (event) => {
  const files = [...event.clipboardData.files];
  if (!files.length) return;
  event.preventDefault();
  add(files);
});

const carriesFiles = (event) => event.dataTransfer?.types.includes("Files");
document.addEventListener("dragover", (event) => {
  if (!carriesFiles(event)) return;
  event.preventDefault();
  place.classList.add("over");
});
document.addEventListener("dragleave", (event) => {
  if (!event.relatedTarget) place.classList.remove("over");
});
document.addEventListener("drop", (event) => {
  place.classList.remove("over");
  if (!carriesFiles(event)) return;
  event.preventDefault();
  add([...event.dataTransfer.files]);
});

// ---- colouring ----

/** What the server's print says of a photograph that it has: nothing yet, its colours, or why there are none. */
async function show(card, print) {
  if (!print) card.refuse(say("gone"), false);
  else if (isWaiting(print)) card.follow(print);
  else if (print.dataset.status === "done") await card.finish(print);
  else {
    const form = print.querySelector("form.again");
    card.refuse(print.querySelector(".reason").textContent, Boolean(form), form);
  }
  tell();
}

/** Send the photograph, or let the server try again what it has; from then on its news are followed. */
async function colour(card) {
  try {
    const { id, reason, again: worthwhile } = card.retryForm
      ? await retry(card)
      : await send(card.file, form.dataset.api, (share) => card.progress(share));
    card.id = id;
    if (reason !== undefined) card.refuse(reason || say("trouble"), worthwhile);
    else follower.add(id, (print) => show(card, print));
  } catch {
    card.refuse(say("connection"), true, card.retryForm);
  }
}

async function retry(card) {
  const answer = await fetch(card.retryForm.action, { method: "POST", body: new FormData(card.retryForm) });
  if (!answer.ok) throw new Error(`${answer.url}: ${answer.status}`);
  card.progress(1);
  return { id: card.id };
}

async function next() {
  if (sending >= AT_ONCE || !queue.length) return;
  const card = queue.shift();
  sending += 1;
  await colour(card);
  sending -= 1;
  tell();
  next();
}

function start(batch) {
  for (const card of batch) card.line();
  queue.push(...batch);
  tell();
  list.focus({ preventScroll: true }); // the button that was pressed is gone
  for (let i = 0; i < AT_ONCE; i += 1) next();
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  start(cards.filter((card) => card.status === "chosen"));
});

// ---- examples ----

document.querySelector("#examples form").addEventListener("submit", async (event) => {
  const address = event.submitter?.dataset.file;
  if (!address) return;
  event.preventDefault();
  const name = address.split("/").pop().split("?")[0];
  try {
    const picture = await (await fetch(address)).blob();
    const [card] = add([new File([picture], name, { type: picture.type })]);
    if (card) start([card]);
    studio.scrollIntoView({ block: "start" });
  } catch {
    notice.textContent = say("connection");
  }
});
