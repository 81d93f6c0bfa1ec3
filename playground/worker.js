// Python in a worker: cnncalc runs here, so that the page stays fluid while it counts.
import { loadPyodide } from "./pyodide/pyodide.mjs";

const SPEC = "network.yaml"; // in a command, what is open: the text, or the model
const FUNCTIONS = ["command", "drawing", "problems", "choices", "model", "report", "examples"];

async function start() {
  const archive = fetch("python.zip").then((answer) => answer.arrayBuffer());
  const python = await loadPyodide({ indexURL: new URL("pyodide/", import.meta.url).href });
  postMessage({ progress: "unpack" });
  const site = python.runPython("import site; site.getsitepackages()[0]");
  python.unpackArchive(await archive, "zip", { extractDir: site });
  postMessage({ progress: "import" });
  const bridge = python.pyimport("bridge");
  if (location.hash === "#prepared") bridge.prepare();
  return { python, bridge };
}

const ready = start();
let kept = { path: "", file: null }; // the model that was asked about last, as Python has it

// A model as a file of Python's: the one before it goes, so that the memory is that of one.
async function keep(python, file) {
  const same = kept.file && ["name", "size", "lastModified"].every((key) => kept.file[key] === file[key]);
  if (same) return kept.path;
  if (kept.path) python.FS.unlink(kept.path);
  kept = { path: "", file: null };
  // Its name is that of the network, and its end says which form it has; what else a name may hold is left out
  const path = `/tmp/${file.name.replace(/[^\p{L}\p{N}._-]/gu, "_").slice(-60)}`;
  python.FS.writeFile(path, new Uint8Array(await file.arrayBuffer()), { canOwn: true });
  kept = { path, file };
  return path;
}

ready.then(() => postMessage({ ready: true }), (error) => postMessage({ failed: String(error) }));

onmessage = async ({ data: { id, name, request, file } }) => {
  try {
    const { python, bridge } = await ready;
    if (!FUNCTIONS.includes(name)) throw new Error(`no function ${name}`);
    if (file) {
      request.path = await keep(python, file);
      request.argv = request.argv?.map((word) => (word === SPEC ? request.path : word));
    }
    postMessage({ id, value: JSON.parse(bridge[name](JSON.stringify(request))) });
  } catch (error) {
    postMessage({ id, error: String(error.message ?? error) });
  }
};
