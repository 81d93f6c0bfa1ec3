// How a number comes about: formula, substitution, result, and the rule behind it, beside the page.

import { button, el, equationParts, written } from "./dom.js";
import { BLOCK, OPERATION, pathTo } from "./rows.js";

const SHORT = 50; // letters of a line that is not broken
const MOST_TERMS = 400; // of a sum that are listed

export function derivationView(app) {
  const { net, rows, say, text } = app;
  const content = el("div", { class: "derived" });
  const panel = el("aside", { class: "panel", hidden: true, "aria-label": say("derivation"), tabindex: "-1" },
    button("×", close, { class: "close", "aria-label": say("close") }), content);
  const names = net.derivations.names.map((name) => (typeof name === "number" ? net.nodes.name[name] : name));
  let from = null;

  function close() {
    panel.hidden = true;
    app.root.classList.remove("explaining");
    if (from?.isConnected) from.focus();
  }

  panel.addEventListener("keydown", (event) => { if (event.key === "Escape") close(); });

  function letters(found) {
    if (!found.letters.length) return null;
    const pairs = found.letters.map((letter) => net.derivations.letters[letter]);
    return el("dl", { class: "letters" }, pairs.map(([line, meaning]) => [el("dt", {}, equation(line)), el("dd", {}, text(meaning))]));
  }

  function equation(line) {
    const parts = equationParts(net.derivations.lines[line], net.derivations.formulas, names);
    return parts.map((part, i) => [i ? el("span", { class: "equals" }, " = ") : null, part]);
  }

  function arithmetic(line) {
    const [name, ...others] = equationParts(net.derivations.lines[line], net.derivations.formulas, names);
    const short = [name, ...others].flat().reduce((sum, math) => sum + math.textContent.length, 0) < SHORT;
    return el("div", { class: `arithmetic${short ? " short" : ""}`, role: "math" }, el("div", { class: "of" }, name),
      others.map((part) => el("div", { class: "is" }, el("span", { class: "equals" }, "="), el("div", {}, part))));
  }

  function table(found) {
    if (found.table === null) return null;
    const lines = [];
    for (let at = found.table; at >= 0; at = net.derivations.rows[at][0]) lines.unshift(net.derivations.rows[at][1]);
    const left = (i) => (i === 0 || (found.head.length === 3 && i === 1) ? "left" : null);
    return el("div", { class: "box", tabindex: "0", role: "region", "aria-label": say("table") }, el("table", { class: "small" },
      el("thead", {}, el("tr", {}, found.head.map((cell, i) => el("th", { scope: "col", class: left(i) }, text(cell))))),
      el("tbody", {}, lines.map((cells) => el("tr", {}, cells.map((cell, i) => el("td", { class: left(i) }, cell)))))));
  }

  function derived(found) {
    return [
      found.remarks.map((remark) => el("p", { class: "remark" }, text(remark))),
      found.lines.map(arithmetic),
      letters(found),
      table(found),
    ];
  }

  // A derivation by its number: [lines, letters, remarks, headings, table]; null where there is none.
  function byNumber(number) {
    if (number === undefined || number < 0) return null;
    const [lines = [], letters = [], remarks = [], head = [], table = null] = net.derivations.found[number];
    return { lines, letters, remarks, head, table };
  }

  function ofNode(node, key) {
    const { quantities, layers, of_layer: layer, of_node: own } = net.derivations;
    return byNumber(own[key] ? own[key][node] : layers[layer[node]][quantities.indexOf(key)]);
  }

  function sum(terms, key, total) {
    const known = terms.filter((row) => row.values[key]);
    return el("div", { class: "box", tabindex: "0", role: "region", "aria-label": say("sum") }, el("table", { class: "small sum" },
      el("tbody", {}, known.slice(0, MOST_TERMS).map((row) => el("tr", {}, el("td", { class: "left" }, row.name),
        el("td", {}, button(written(row.values[key]), () => open(row.place, key), { class: "number" }))))),
      el("tfoot", {}, el("tr", {}, el("th", { scope: "row", class: "left" }, say("total")), el("td", {}, total)))));
  }

  function termsOf(place) {
    if (place >= 0) return rows[place].children.map((child) => rows[child]);
    return rows.filter((row) => row.parent < 0);
  }

  const valueAt = (row, key) => (row ? row.values[key] : net.totals[key]);

  // A ratio: of a row, a block or the network the one number by the other.
  function ratio(row, key, [above, below]) {
    const lines = [`${above} / ${below}`, `${written(valueAt(row, above))} / ${written(valueAt(row, below))}`, written(valueAt(row, key))];
    return el("div", { class: "arithmetic", role: "math" }, el("div", { class: "of" }, key), lines.map((line) => el("div", { class: "is" }, el("span", { class: "equals" }, "="), el("div", {}, line))));
  }

  function explained(place, key) {
    const row = rows[place];
    const summed = net.columns.find((one) => one.key === key)?.summed;
    const total = written(valueAt(row, key)) + (!row && net.totals.left_out[key] ? " + ?" : "");
    const { of } = net.quantities[key];
    const parts = [];
    if (!row && key === "peak_activation_bytes" && net.derivations.peak >= 0) parts.push(derived(byNumber(net.derivations.peak)));
    else if (of.length) parts.push(ratio(row, key, of));
    else if (summed && (!row || row.type === BLOCK)) parts.push(el("p", { class: "remark" }, say(row ? "sum of the block" : "sum of all")), sum(termsOf(row ? place : -1), key, total));
    else if (summed && row.children.filter((child) => rows[child].values[key]).length > 1) {
      parts.push(el("p", { class: "remark" }, say("sum of the row")), sum(termsOf(place), key, total));
      for (const child of row.children) {
        const found = rows[child].values[key] ? ofNode(rows[child].node, key) : null;
        if (found) parts.push(el("h3", {}, `${rows[child].name} = ${written(rows[child].values[key])}`), derived(found));
      }
    } else {
      const found = ofNode(nodeOf(row, key, summed), key);
      parts.push(found ? derived(found) : el("p", { class: "remark" }, say("not derived")));
    }
    return { total, parts };
  }

  // The operation whose derivation a number has: that which brings it, else the one that gives the result.
  function nodeOf(row, key, summed) {
    if (!row) return net.outputs[0] - net.inputs.length;
    const inside = summed && row.type !== BLOCK ? row.children.map((child) => rows[child]) : [];
    return (inside.find((child) => child.values[key]) ?? row).node;
  }

  function steps(place, key) {
    const keys = net.columns.filter((column) => column.explained && (place >= 0 || column.total));
    return el("div", { class: "chips" }, keys.map((column) => button(text(column.heading), () => open(place, column.key), { "aria-pressed": String(column.key === key) })));
  }

  function crumbs(place) {
    if (place < 0) return null;
    const path = pathTo(rows, place);
    return el("p", { class: "crumbs" }, path.slice(0, -1).map((above) => [button(rows[above].label, () => open(above, "macs"), { class: "link" }), " / "]), rows[place].label,
      el("span", { class: "kind" }, ` ${rows[place].kind}`));
  }

  function open(place, key) {
    const row = rows[place];
    if (panel.hidden) from = document.activeElement;
    const column = net.columns.find((one) => one.key === key);
    const { total, parts } = explained(place, key);
    const name = row ? row.name : say("total");
    content.replaceChildren(...[
      crumbs(place),
      el("h2", {}, el("span", { class: "whose" }, `${name}.${key}`), el("span", { class: "equals" }, " = "), el("output", {}, total)),
      column ? steps(place, key) : null,
      parts,
    ].flat(Infinity).filter(Boolean));
    panel.hidden = false;
    panel.scrollTop = 0;
    app.root.classList.add("explaining");
    panel.focus({ preventScroll: true });
    if (row) app.select(row.type === OPERATION ? row.parent : place);
  }

  app.on("explain", ([place, key]) => open(place, key));
  return panel;
}
