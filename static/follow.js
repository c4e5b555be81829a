// Follows the photographs that the server is working on, all of them together: one reading of the result page tells of
// every one. The event stream of the foremost says when there is news; where there is none, the clock does.

const FIRST_PAUSE_MS = 500;
const LONGEST_PAUSE_MS = 3000;

export const isWaiting = (print) => ["queued", "running"].includes(print.dataset.status);

/** `pageOf(ids)` and `eventsOf(id)` give the addresses of the result page and of a photograph's event stream. */
export class Follower {
  constructor(pageOf, eventsOf) {
    this.pageOf = pageOf;
    this.eventsOf = eventsOf;
    this.listeners = new Map();
    this.pause = FIRST_PAUSE_MS;
  }

  /** Give `onNews` every print of the photograph `id`, the last one included; null where the server has none. */
  add(id, onNews) {
    this.listeners.set(id, onNews);
    this.pause = FIRST_PAUSE_MS;
    this.schedule();
  }

  schedule(pause = this.pause) {
    clearTimeout(this.timer);
    if (this.listeners.size) this.timer = setTimeout(() => this.read(), pause);
  }

  /** Listen to the photograph that will be ready first, unless the server said that it has no stream to spare. */
  listen() {
    const [first] = this.listeners.keys();
    if (first === this.heard || !this.eventsOf) return;
    this.stream?.close();
    this.heard = first;
    if (!first) return;
    this.stream = new EventSource(this.eventsOf(first));
    for (const news of ["queued", "running", "done", "failed", "gone"]) {
      this.stream.addEventListener(news, () => this.schedule(0));
    }
    this.stream.addEventListener("error", () => this.stream.close());
  }

  async read() {
    if (this.reading) return;
    this.reading = true;
    try {
      this.tell(await this.prints([...this.listeners.keys()]));
      this.pause = Math.min(this.pause * 1.3, LONGEST_PAUSE_MS);
    } catch (error) {
      console.warn(error); // the server may be restarting: the next reading tells
    }
    this.reading = false;
    this.listen();
    this.schedule();
  }

  /** The server's prints of these photographs by id; those that it does not know (any more) are null. */
  async prints(ids) {
    const answer = await fetch(this.pageOf(ids), { headers: { Accept: "text/html" } });
    if (answer.status >= 500 || answer.status === 429) throw new Error(`${answer.url}: ${answer.status}`);
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    return new Map(ids.map((id) => [id, page.getElementById(`job-${id}`)]));
  }

  tell(prints) {
    for (const [id, print] of prints) {
      const onNews = this.listeners.get(id);
      if (!onNews) continue;
      if (!print || !isWaiting(print)) this.listeners.delete(id);
      onNews(print);
    }
  }
}
