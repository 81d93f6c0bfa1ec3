// Python in a worker: cnncalc runs here, so that the page stays fluid while it counts.
import { loadPyodide } from "./pyodide/pyodide.mjs";

const FUNCTIONS = ["command", "drawing", "problems", "choices", "model", "report"];

async function start() {
  const archive = fetch("python.zip").then((answer) => answer.arrayBuffer());
  const python = await loadPyodide({ indexURL: new URL("pyodide/", import.meta.url).href });
  postMessage({ progress: "unpack" });
  const site = python.runPython("import site; site.getsitepackages()[0]");
  python.unpackArchive(await archive, "zip", { extractDir: site });
  postMessage({ progress: "import" });
  return { python, bridge: python.pyimport("bridge") };
}

const ready = start();
ready.then(() => postMessage({ ready: true }), (error) => postMessage({ failed: String(error) }));

onmessage = async ({ data: { id, name, request, file } }) => {
  try {
    const { python, bridge } = await ready;
    if (!FUNCTIONS.includes(name)) throw new Error(`no function ${name}`);
    if (file) {
      // Only the end of the name is kept: it says which form the file has, and the rest is the reader's own
      request.path = `/tmp/model${(file.name.match(/\.[A-Za-z0-9]+$/) ?? [""])[0].toLowerCase()}`;
      python.FS.writeFile(request.path, new Uint8Array(await file.arrayBuffer()));
    }
    postMessage({ id, value: JSON.parse(bridge[name](JSON.stringify(request))) });
  } catch (error) {
    postMessage({ id, error: String(error.message ?? error) });
  }
};
