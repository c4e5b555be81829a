// The result page: the studio of one photograph, or the wall of several with sliders for what is done and news of what
// is not.

import { enhance } from "./compare.js";
import { Gone, isWaiting, watch } from "./watch.js";

const results = document.getElementById("results");
const prints = document.getElementById("prints");

async function openStudio() {
  const { Studio } = await import("./editor.js");
  return new Studio(document.getElementById("studio"));
}

/** Take over the finished page that the server has for this address. */
function take(page) {
  document.title = page.title;
  document.getElementById("results").replaceWith(document.importNode(page.getElementById("results"), true));
  return openStudio();
}

function refresh(page, news) {
  if (page.getElementById("studio")) {
    take(page);
    return;
  }
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
  document.getElementById("aside").replaceChildren(...document.importNode(page.getElementById("aside"), true).childNodes);
  document.getElementById("status").textContent = results.dataset.finished;
}

if (document.getElementById("studio")) {
  openStudio();
} else {
  enhance(prints);
  if ([...prints.children].some(isWaiting)) {
    try {
      await watch(results.dataset.address, refresh);
    } catch (error) {
      if (!(error instanceof Gone)) throw error;
      location.reload(); // the server's own page says what happened
    }
  }
}
