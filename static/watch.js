// Follows photographs until the server has finished with them, by reading the same result page that a browser without
// JavaScript reloads: one template, one truth.

const FIRST_PAUSE_MS = 600;
const LONGEST_PAUSE_MS = 3000;

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

export const isWaiting = (print) => ["queued", "running"].includes(print.dataset.status);

/** The result page says that it will never show these photographs (4xx). */
export class Gone extends Error {}

async function readPage(address) {
  const answer = await fetch(address, { headers: { Accept: "text/html" } });
  if (answer.ok) return new DOMParser().parseFromString(await answer.text(), "text/html");
  const text = `${address}: ${answer.status}`;
  throw answer.status < 500 ? new Gone(text) : new Error(text);
}

/**
 * Read the result page at `address` again and again; give `onPage` each reading and its prints (li elements).
 * Ends when no print is waiting any more; throws `Gone` where the server knows nothing of them.
 */
export async function watch(address, onPage) {
  for (let wait = FIRST_PAUSE_MS; ; wait = Math.min(wait * 1.3, LONGEST_PAUSE_MS)) {
    try {
      const page = await readPage(address);
      const prints = [...page.querySelectorAll("[data-job]")];
      onPage(page, prints);
      if (!prints.some(isWaiting)) return;
    } catch (error) {
      if (error instanceof Gone) throw error;
      console.warn(error); // the server may be restarting: the next reading tells
    }
    await pause(wait);
  }
}
