// The right half: the report of the network in the editor.
export async function showReport(root, { ask, spec, lang, isCurrent }) {
  const { status, out } = await ask("command", { argv: ["analyze", "network.yaml", "--format", "html", "--lang", lang], spec });
  if (!isCurrent() || status !== 0) return;
  const shown = root.shadowRoot ?? root.attachShadow({ mode: "open" });
  shown.replaceChildren(new DOMParser().parseFromString(out, "text/html").querySelector(".cnncalc"));
}
