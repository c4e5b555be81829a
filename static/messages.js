// The page's sentences for scripts, in the reader's language: the server writes them into <template id="messages">.

const texts = new Map();
for (const element of document.getElementById("messages").content.querySelectorAll("[data-key]")) {
  texts.set(element.dataset.key, element.textContent);
}

/** Return the sentence called `key` with every {name} replaced from `values`. */
export function say(key, values = {}) {
  return texts.get(key).replace(/\{(\w+)\}/g, (_, name) => values[name]);
}

const format = (unit) =>
  new Intl.NumberFormat(document.documentElement.lang, { style: "unit", unit, maximumFractionDigits: 1 });

/** Return the size of a file, `bytes`, with its unit in the reader's notation (kB = 1000 bytes, MB = 1000 kB). */
export function fileSize(bytes) {
  return bytes < 1e5 ? format("kilobyte").format(Math.max(bytes / 1e3, 0.1)) : format("megabyte").format(bytes / 1e6);
}
