// The list of earlier photographs: "Delete now" takes a photograph away without leaving the page.

import { token } from "./upload.js";

/** Remove the entry whose form was sent, say so, and hand the focus to its neighbour. */
function drop(entry, message) {
  const next = entry.nextElementSibling ?? entry.previousElementSibling;
  const section = entry.closest("section");
  entry.remove();
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
    drop(entry, form.closest("[data-deleted]").dataset.deleted.replace("{name}", entry.querySelector(".name").textContent));
  } catch {
    form.submit(); // the server's own page says what is wrong
  }
});
