// Asks the application's JSON routes: objects in, objects out; a problem document becomes an error with its sentence.

import { token } from "./upload.js";

const FIRST_PAUSE_MS = 100;
const LONGEST_PAUSE_MS = 1000;

/** What the server would not do; `message` is a sentence for the reader, empty where it could not be reached. */
export class Refused extends Error {}

async function read(answer) {
  const document = await answer.json().catch(() => ({}));
  if (!answer.ok) throw new Refused(document.detail || document.title || "");
  return document;
}

/** POST `body` to `url` and wait up to `wait` seconds; resolves to the finished object, or rejects with `Refused`. */
export async function make(url, body, { wait = 10, signal } = {}) {
  const headers = { "Content-Type": "application/json", "X-CSRF-Token": token(), Prefer: `wait=${wait}` };
  return finished(await read(await fetch(url, { method: "POST", headers, body: JSON.stringify(body), signal })), signal);
}

/** GET an object. */
export async function get(url, signal) {
  return read(await fetch(url, { signal }));
}

/** Follow a job until it has ended. */
async function finished(job, signal) {
  let pause = FIRST_PAUSE_MS;
  for (let now = job; ; now = await get(now.urls.self, signal)) {
    if (now.status === "done") return now;
    if (now.status === "failed") throw new Refused(now.problem?.detail ?? "");
    await new Promise((resolve) => setTimeout(resolve, pause));
    pause = Math.min(1.3 * pause, LONGEST_PAUSE_MS);
  }
}
