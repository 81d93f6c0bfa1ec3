// Two networks: what changed from the one to the other, as `diff` says it; between totals and layers both side by side.

import { el } from "./dom.js";
import { sectionsOf } from "./sections.js";
import { sidesView } from "./sides.js";

export function differenceView(app) {
  const { data, say } = app;
  const [totals, ...others] = data.difference;
  const label = say("what changed");
  return el("section", { id: "difference" }, el("h2", {}, label), sectionsOf(app, [totals], label), sidesView(app), sectionsOf(app, others, label));
}
