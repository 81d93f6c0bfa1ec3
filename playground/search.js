// A Python of its own for questions over many networks, which may take long: meanwhile the text can be changed and the
// report answers.
import { startPython } from "./python.js";

const LONGEST = 10_000; // milliseconds that a search may take
const HOLDS_UP = 1_000; // one that takes longer is stopped by the next

export function createSearch(onState) {
  let ask;
  return {
    // It starts when a card that needs it is opened, while one types.
    start() {
      ask ??= startPython(onState, { longest: LONGEST, prepared: true });
    },

    // Resolves to what the command gives. Rejects with `slow` where it was stopped.
    run(name, request) {
      this.start();
      ask.stopOlderThan(HOLDS_UP);
      return ask(name, request);
    },

    stop: () => ask?.stop(),
  };
}
