// Two networks: what changed from the one to the other, as `diff` says it.

import { el } from "./dom.js";
import { sectionsOf } from "./sections.js";

export function differenceView(app) {
  const { data, say } = app;
  if (!data.difference) return null;
  return el("section", { id: "difference" }, el("h2", {}, say("what changed")), sectionsOf(app, data.difference, say("what changed")));
}
