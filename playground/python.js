// The worker with Python in it: asked by promises, stopped and started anew where an answer takes too long.
const LONGEST = 30_000; // milliseconds that a question may take once Python runs

// longest   in place of that time
// prepared  whether what questions over many networks need is loaded too before it runs
export function startPython(onState, { longest = LONGEST, prepared = false } = {}) {
  let worker, waiting, count = 0, running;

  function start() {
    waiting = new Map();
    worker = new Worker(prepared ? "worker.js#prepared" : "worker.js", { type: "module" });
    running = new Promise((resolve) => {
      worker.onmessage = ({ data }) => {
        if (data.ready) resolve();
        if (data.progress || data.failed || data.ready) return onState(data);
        const { resolve: give, reject, timer } = waiting.get(data.id);
        clearTimeout(timer);
        waiting.delete(data.id);
        if (data.error) reject(new Error(data.error));
        else give(data.value);
      };
      worker.onerror = (event) => onState({ failed: event.message ?? "worker" });
    });
  }

  function stop() {
    worker.terminate();
    for (const { reject, timer } of waiting.values()) {
      clearTimeout(timer);
      reject(Object.assign(new Error("slow"), { slow: true }));
    }
    start();
  }

  // What is still being answered after so many milliseconds goes, for the sake of what is asked next.
  function stopOlderThan(milliseconds) {
    if ([...waiting.values()].some(({ since }) => performance.now() - since > milliseconds)) stop();
  }

  start();
  const ask = async (name, request = {}, file = undefined) => {
    await running;
    return new Promise((resolve, reject) => {
      const id = count++;
      waiting.set(id, { resolve, reject, since: performance.now(), timer: setTimeout(stop, longest) });
      worker.postMessage({ id, name, request, file });
    });
  };
  return Object.assign(ask, { stop, stopOlderThan });
}
