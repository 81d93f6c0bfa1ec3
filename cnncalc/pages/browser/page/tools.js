// How others count: what each tool prints, and the difference to the MACs here as an exact sum of causes.

import { button, el } from "./dom.js";
import { notesOf, sectionsOf, tableOf } from "./sections.js";

export function toolsView(app) {
  const { net, say } = app;
  const { tools } = net;
  const why = el("div", { class: "why", role: "region", "aria-live": "polite", "aria-label": say("difference") });
  let chosen = null;

  const table = tableOf(app, tools.table, say("how others count"), (cells, at) => {
    if (tools.reconciled[at]) {
      const name = cells[0].textContent;
      cells[0].replaceChildren(button(name, () => choose(at), { class: "link", "aria-expanded": "false", title: say("why", { name }) }));
    }
    return el("tr", {}, cells);
  });

  function choose(at) {
    const lines = table.querySelectorAll("tbody tr");
    lines.forEach((line, i) => {
      line.classList.toggle("selected", i === at && chosen !== at);
      line.querySelector("button")?.setAttribute("aria-expanded", String(i === at && chosen !== at));
    });
    chosen = chosen === at ? null : at;
    why.replaceChildren();
    if (chosen === null) return;
    why.append(...[el("h3", {}, say("why", { name: tools.names[at] })), sectionsOf(app, tools.reconciled[at], tools.names[at])].flat(Infinity).filter(Boolean));
  }

  return el("section", { id: "tools" }, el("h2", {}, say("how others count")), el("p", { class: "hint" }, say("choose a tool")),
    el("div", { class: "beside" }, table, why), el("details", { class: "more" }, el("summary", {}, say("what each counts")), notesOf(app, tools.notes)));
}
