// Pages of the commands, as they come: headings, sentences, tables.

import { el } from "./dom.js";

export function notesOf(app, notes) {
  const { text } = app;
  const sentences = (notes ?? []).filter((note) => !Array.isArray(note));
  const said = (notes ?? []).filter(Array.isArray);
  return [
    sentences.map((note) => el("p", {}, text(note))),
    said.length ? el("dl", { class: "notes" }, said.map(([subject, what]) => [el("dt", {}, text(subject)), el("dd", {}, text(what))])) : null,
  ];
}

export function tableOf(app, table, label, rowMade = (cells) => el("tr", {}, cells)) {
  const { text } = app;
  const left = (i) => (table.left.includes(i) ? "left" : null);
  return el("div", { class: "box", tabindex: "0", role: "region", "aria-label": label }, el("table", { class: "plain" },
    el("thead", {}, el("tr", {}, table.headings.map((cell, i) => el("th", { scope: "col", class: left(i) }, text(cell))))),
    el("tbody", {}, table.rows.map((cells, at) => rowMade(cells.map((cell, i) => el("td", { class: left(i) }, text(cell))), at)))));
}

export function sectionsOf(app, sections, label) {
  return sections.map((section) => [
    section.heading === undefined ? null : el("h3", {}, app.text(section.heading)),
    section.table ? tableOf(app, section.table, label) : null,
    notesOf(app, section.notes),
  ]);
}
