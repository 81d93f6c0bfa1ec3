// Two networks side by side where the page is wide enough: their layers in the pairs that `diff` makes of them.

import { button, el, written } from "./dom.js";
import { BLOCK, rowsOf } from "./rows.js";

const BESIDE = ["kind", "output", "params", "macs"]; // columns of either side, behind the name
const BATCH = 200; // rows that are put into the page at once; more follow as they are scrolled to
const SHORT_NAME = 16; // letters of a name that is never cut
const LEAST_RUN = 6; // layers in a row with nothing to look at that are folded into one line

const sidesOf = new WeakMap(); // of some data: what stays when the page is drawn again

function keptOf(data) {
  if (!sidesOf.has(data)) {
    sidesOf.set(data, { rows: data.networks.map((net) => ofOperations(rowsOf(net))), open: new Set(), top: 0, placed: BATCH });
  }
  return sidesOf.get(data);
}

// The row in which the numbers of an operation stand, by the operation's number.
function ofOperations(rows) {
  return new Map(rows.filter((row) => row.type !== BLOCK && row.last === row.first + 1).map((row) => [row.first, row]));
}

// The pairs in order, as [pair, place]; in front of many with nothing to look at the run that they are, [null, run].
function linesOf(pairs, dull, open) {
  const lines = [];
  for (let i = 0; i < pairs.length;) {
    let end = i;
    while (end < pairs.length && dull(pairs[end])) end++;
    const long = end - i >= LEAST_RUN;
    if (long) lines.push([null, { from: i, to: end }]);
    if (!long || open.has(i)) for (let at = i; at < Math.max(end, i + 1); at++) lines.push([pairs[at], at]);
    i = Math.max(end, i + 1);
  }
  return lines;
}

// A name of which the end is seen where there is little room: layers of one block differ there.
function named(name) {
  const at = name.length > SHORT_NAME ? name.lastIndexOf("/") : -1;
  return at < 1 ? el("span", { class: "name" }, name) : [el("span", { class: "name" }, name.slice(0, at)), el("span", { class: "name end" }, name.slice(at))];
}

export function sidesView(app) {
  const { data, say, text } = app;
  const { sides, networks } = data;
  const kept = keptOf(data);
  const keys = sides.quantities.map(([key]) => key);
  // A larger kernel changes the fields of all layers behind it: that alone marks none of them, as in `diff`.
  const dull = ([old, now, ...changes]) => old >= 0 && now >= 0 && changes.every((place) => keys[place] === "receptive_field");
  const columnOf = (key) => networks[0].columns.find((column) => column.key === key);
  const comma = app.root.lang.startsWith("zh") ? "、" : ", ";
  const body = el("tbody");
  let lines = [];
  let placed = 0;

  function number(side, place, key, value, name) {
    const focus = `side-${side}-${place}-${key}`;
    return button(value, () => app.turn(side, focus).explain(place, key), { class: "number", "data-focus": focus, title: say("how", { name }) });
  }

  function half(side, node, changes) {
    const first = side ? " first" : "";
    const row = kept.rows[side].get(node);
    if (!row) return el("td", { class: `none${first}`, colspan: 1 + BESIDE.length });
    return [
      el("th", { scope: "row", class: `left${first}` }, el("div", { class: "tree", title: row.name }, el("span", { class: `dot family-${row.family}`, "aria-hidden": "true" }), named(row.name))),
      BESIDE.map((key) => {
        const differs = changes.some((place) => keys[place] === key) ? " differs" : "";
        if (key === "kind") return el("td", { class: `left kind${differs}`, title: row.kind }, row.kind);
        const value = written(row.values[key]);
        return el("td", { class: differs }, columnOf(key).explained ? number(side, row.place, key, value, `${row.name}.${key}`) : value);
      }),
    ];
  }

  function pairLine([old, now, ...changes]) {
    const [status, mark] = now < 0 ? ["removed", "−"] : old < 0 ? ["added", "+"] : dull([old, now, ...changes]) ? ["same", ""] : ["changed", "~"];
    const what = now < 0 ? say("vanished") : old < 0 ? say("appeared") : changes.map((place) => text(sides.quantities[place][1])).join(comma);
    return el("tr", { class: status }, el("td", { class: "mark", "aria-hidden": "true" }, mark), half(0, old, changes), half(1, now, changes), el("td", { class: "left what" }, what));
  }

  function runLine({ from, to }) {
    const same = sides.pairs.slice(from, to).every((pair) => pair.length === 2);
    const open = kept.open.has(from);
    const label = same ? say("same", { same: to - from }) : say("same but fields", { count: to - from });
    return el("tr", { class: "run" }, el("td", { "aria-hidden": "true" }), el("td", { class: "left", colspan: 3 + 2 * BESIDE.length },
      button([el("span", { class: "arrow", "aria-hidden": "true" }), label], () => {
        if (open) kept.open.delete(from); else kept.open.add(from);
        draw(placed);
        body.querySelector(`[data-run="${from}"]`).focus();
      }, { class: "link", "aria-expanded": String(open), "data-run": from })));
  }

  function more(until) {
    body.append(...lines.slice(placed, until).map(([pair, run]) => (pair ? pairLine(pair) : runLine(run))));
    placed = kept.placed = Math.max(placed, Math.min(until, lines.length));
  }

  function draw(until) {
    lines = linesOf(sides.pairs, dull, kept.open);
    placed = 0;
    body.replaceChildren();
    more(Math.max(until, BATCH));
  }

  const titles = networks.map((net, side) => el("th", { scope: "colgroup", class: side ? "left first" : "left", colspan: 1 + BESIDE.length },
    el("span", { class: "which" }, `${say(side ? "new" : "old")} `), text(net.title)));
  const heads = networks.map((net, side) => ["name", ...BESIDE].map((key) =>
    el("th", { scope: "col", class: (columnOf(key).left ? "left" : "") + (side && key === "name" ? " first" : "") }, text(columnOf(key).heading))));
  const sums = networks.map((net, side) => ["name", ...BESIDE].map((key) => {
    if (key === "name") return el("th", { scope: "row", class: side ? "left first" : "left" }, say("total"));
    if (!columnOf(key).total) return el("td");
    return el("td", {}, number(side, -1, key, written(net.totals[key]) + (net.totals.left_out[key] ? " + ?" : ""), key));
  }));
  const by = ["name", ...BESIDE].map((key) => (key === "name" ? el("th", { scope: "row", class: "left first" }, say("difference"))
    : el("td", { class: "by" }, columnOf(key).total ? sides.totals[key] ?? "?" : null)));
  const table = el("table", { class: "sides" }, el("caption", { class: "unseen" }, say("side by side")),
    el("thead", {}, el("tr", {}, el("td"), titles, el("td")), el("tr", {}, el("td"), heads, el("th", { scope: "col", class: "left" }, say("what changed")))),
    body,
    el("tfoot", {}, el("tr", {}, el("td"), sums, el("td")), el("tr", {}, el("td"), el("td", { colspan: 1 + BESIDE.length }), by, el("td"))));
  const box = el("div", { class: "table-box", tabindex: "0", role: "region", "aria-label": say("side by side") }, table);
  box.addEventListener("scroll", () => {
    kept.top = box.scrollTop;
    if (placed < lines.length && box.scrollTop + 2 * box.clientHeight > body.offsetHeight) more(placed + BATCH);
  }, { passive: true });
  draw(kept.placed);
  app.on("shown", () => { box.scrollTop = kept.top; });
  return el("div", { class: "beside-each-other" }, el("h3", {}, say("side by side")), box);
}
