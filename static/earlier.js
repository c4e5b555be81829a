// The list of earlier photographs: "Delete now" takes a photograph away without leaving the page.

import { token } from "./upload.js";

/** Remove the entry whose form was sent, and the versions of that photograph; say so, and hand the focus to a neighbour. */
function drop(entry, message) {
  const section = entry.closest("section");
  const { id } = entry.dataset;
  const [gone, left] = [[], []];
  for (const one of section.querySelectorAll(".keepsake")) {
    (one === entry || one.dataset.source === id ? gone : left).push(one);
  }
  const follows = (one) => entry.compareDocumentPosition(one) & Node.DOCUMENT_POSITION_FOLLOWING;
  const next = left.find(follows) ?? left.at(-1);
  for (const one of gone) one.remove();
  section.querySelector("#deleted").textContent = message;
  if (next) next.querySelector(".delete button").focus();
  else location.reload(); // the list is empty: the server says so
}

document.addEventListener("submit", async (event) => {
  const form = event.target;
  const entry = form.closest(".keepsake");
  if (!entry || !form.matches(".delete")) return;
  event.preventDefault();
  try {
    const answer = await fetch(entry.dataset.address, { method: "DELETE", headers: { "X-CSRF-Token": token() } });
    if (!answer.ok && answer.status !== 404) throw new Error(`${entry.dataset.address}: ${answer.status}`);
    drop(entry, entry.dataset.deleted.replace("{name}", entry.querySelector(".name").textContent));
  } catch {
    form.submit(); // the server's own page says what is wrong
  }
});
