// The result page: sliders for what is done, and news of what is not.

import { enhance } from "./compare.js";
import { Gone, isWaiting, watch } from "./watch.js";

const results = document.getElementById("results");
const prints = document.getElementById("prints");

function refresh(page, news) {
  for (const print of news) {
    const old = document.getElementById(print.id);
    if (!isWaiting(old) || old.isEqualNode(print)) continue;
    const fresh = document.importNode(print, true);
    old.replaceWith(fresh);
    enhance(fresh);
  }
  if (news.some(isWaiting)) return;
  document.title = page.title;
  results.querySelector("h1").replaceWith(document.importNode(page.querySelector("#results h1"), true));
  const note = page.querySelector("#aside .note");
  if (note) document.getElementById("aside").prepend(document.importNode(note, true));
  document.getElementById("status").textContent = results.dataset.finished;
}

enhance(prints);
if ([...prints.children].some(isWaiting)) {
  try {
    await watch(results.dataset.address, refresh);
  } catch (error) {
    if (!(error instanceof Gone)) throw error;
    location.reload(); // the server's own page says what happened
  }
}
