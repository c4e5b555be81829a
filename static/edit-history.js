// What the reader has changed about a photograph's colours, as values: {model, temperature, hints, saturation, warmth},
// and the way back through them.

/** Return whether two states ask the network for the same. */
export const sameNetwork = (one, other) => networkKey(one) === networkKey(other);

/** Return a text that is the same for states that ask the network for the same. */
export const networkKey = ({ model, temperature, hints }) => JSON.stringify([model, temperature ?? null, hints]);

/** Return whether two states look the same. */
export const same = (one, other) =>
  sameNetwork(one, other) && one.saturation === other.saturation && one.warmth === other.warmth;

/** States in the order they were made; never changed, only replaced. */
export class Edits {
  #states;
  #at = 0;

  constructor(first) {
    this.#states = [first];
  }

  get state() {
    return this.#states[this.#at];
  }

  get canUndo() {
    return this.#at > 0;
  }

  get canRedo() {
    return this.#at < this.#states.length - 1;
  }

  /** Make `change` (members of a state) the present; what was undone before is gone. False where nothing changes. */
  make(change) {
    const next = { ...this.state, ...change };
    if (same(next, this.state)) return false;
    this.#states = [...this.#states.slice(0, this.#at + 1), next];
    this.#at += 1;
    return true;
  }

  undo() {
    this.#at = Math.max(0, this.#at - 1);
  }

  redo() {
    this.#at = Math.min(this.#states.length - 1, this.#at + 1);
  }
}
