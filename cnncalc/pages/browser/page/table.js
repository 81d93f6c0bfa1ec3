// The table: rows in their blocks, sorted, filtered and folded; every number a way to its derivation.

import { button, el, grouped, magnitude, perCent, written } from "./dom.js";
import { BLOCK, OPERATION, ROW, visibleRows } from "./rows.js";

const PIECE = 200; // rows that are put into the page at once; more follow as they are scrolled to

export function tableView(app) {
  const { net, rows, state, say, text } = app;
  const body = el("tbody");
  const foot = el("tfoot");
  const head = el("thead");
  const table = el("table", { class: "layers", "aria-rowcount": rows.length }, el("caption", { class: "unseen" }, say("layers of", { name: text(net.title) })), head, body, foot);
  const box = el("div", { class: "table-box", tabindex: "0", role: "region", "aria-label": say("layers") }, table);
  const count = el("span", { class: "count", role: "status" });
  let shown = [];
  let placed = 0;
  const ofPlace = new Map();

  const columns = () => net.columns.filter((column) => state.columns.has(column.key));

  function drawHead() {
    head.replaceChildren(
      el("tr", {}, columns().map((column) => {
        const sorted = state.sort?.key === column.key ? state.sort : null;
        const order = sorted ? (sorted.down ? "descending" : "ascending") : null;
        return el("th", { scope: "col", class: column.left ? "left" : null, "aria-sort": order },
          button(text(column.heading), () => sortBy(column), { class: "sort", title: say("sort by", { name: text(column.heading) }) }));
      })),
    );
  }

  function sortBy(column) {
    const first = !column.left;
    const now = state.sort?.key === column.key ? state.sort : null;
    if (!now) state.sort = { key: column.key, down: first };
    else if (now.down === first) state.sort = { key: column.key, down: !first };
    else state.sort = null;
    draw();
  }

  function order(places) {
    if (!state.sort) return places;
    const { key, down } = state.sort;
    const column = net.columns.find((one) => one.key === key);
    const of = (place) => rows[place];
    const by = column.left
      ? (a, b) => String(of(a).values[key] ?? of(a)[key]).localeCompare(String(of(b).values[key] ?? of(b)[key]))
      : (a, b) => magnitude(of(a).values[key]) - magnitude(of(b).values[key]);
    return [...places].sort((a, b) => (down ? by(b, a) : by(a, b)) || a - b);
  }

  function inOrder(parent, inside) {
    const children = rows.filter((row) => row.parent === parent && inside.has(row.place)).map((row) => row.place);
    return order(children).flatMap((place) => [place, ...(rows[place].children.length ? inOrder(place, inside) : [])]);
  }

  function wanted() {
    const words = state.filter.trim().toLowerCase();
    if (words) {
      const found = rows.filter((row) => row.type !== BLOCK && row.type !== OPERATION && matches(row, words));
      return order(found.map((row) => row.place));
    }
    const seen = visibleRows(rows, state.open);
    if (!state.sort) return seen.map((row) => row.place);
    return inOrder(-1, new Set(seen.map((row) => row.place)));
  }

  function matches(row, words) {
    return `${row.name} ${row.kind} ${row.familyText === null ? "" : text(row.familyText)}`.toLowerCase().includes(words);
  }

  function nameCell(row) {
    const flat = Boolean(state.filter.trim());
    const open = state.open.has(row.place);
    const fold = row.children.length && !flat
      ? button(el("span", { class: "arrow", "aria-hidden": "true" }), () => app.fold(row.place), { class: "fold", "aria-expanded": String(open), "aria-label": say(open ? "fold" : "unfold", { name: row.name }) })
      : el("span", { class: "fold" });
    const label = button(flat ? row.name : row.label, () => app.select(row.place), { class: "name", title: row.name });
    return el("th", { scope: "row", class: "left", css: { "--depth": flat ? 0 : row.depth } }, el("div", { class: "tree" }, fold, el("span", { class: `dot family-${row.family}`, "aria-hidden": "true" }), label));
  }

  function cell(row, column) {
    const { key } = column;
    if (key === "name") return nameCell(row);
    if (key === "kind") return el("td", { class: "left kind" }, row.kind);
    const value = row.values[key];
    if (key === "inputs") return el("td", { class: "left" }, value.map((one) => app.nameOf(one)).join(", "));
    if (column.share) return el("td", { class: "share" }, perCent(value));
    const shown = written(value);
    const share = row.values[`${key}_share`];
    const bar = share ? { "--share": `${Math.min(100, share)}%` } : {};
    const known = column.explained;
    return el("td", { class: share ? "bar" : null, css: bar },
      known ? button(shown, () => app.explain(row.place, key), { class: "number", "data-key": key, title: say("how", { name: `${row.name}.${key}` }) }) : shown);
  }

  function line(row, i) {
    const made = el("tr", { class: ["block", "row", "operation"][row.type] + (state.selected === row.place ? " selected" : ""), "aria-rowindex": i + 1, "data-place": row.place,
      onclick: (event) => { if (!event.target.closest("button")) app.select(row.place); },
      onmouseenter: () => app.emit("hover", row.place), onmouseleave: () => app.emit("hover", null) },
      columns().map((column) => cell(row, column)));
    ofPlace.set(row.place, made);
    return made;
  }

  function more(until) {
    const next = shown.slice(placed, until);
    body.append(...next.map((place, i) => line(rows[place], placed + i)));
    placed += next.length;
  }

  function drawFoot() {
    const { totals } = net;
    foot.replaceChildren(el("tr", {}, columns().map((column, i) => {
      if (!i) return el("th", { scope: "row", class: "left" }, say("total"));
      if (!column.total) return el("td");
      const value = totals[column.key];
      const shown = written(value) + (totals.left_out[column.key] ? " + ?" : "");
      return el("td", {}, button(shown, () => app.explain(-1, column.key), { class: "number", "data-key": column.key, title: say("how", { name: column.key }) }));
    })));
  }

  function draw() {
    shown = wanted();
    placed = 0;
    ofPlace.clear();
    drawHead();
    body.replaceChildren();
    more(PIECE);
    drawFoot();
    const every = rows.filter((row) => row.type === ROW).length;
    const here = shown.filter((place) => rows[place].type === ROW).length;
    count.textContent = !state.filter.trim() ? "" : say("rows of", { shown: grouped(here), every: grouped(every) });
  }

  box.addEventListener("scroll", () => {
    if (placed < shown.length && box.scrollTop + 2 * box.clientHeight > body.offsetHeight) more(placed + PIECE);
  }, { passive: true });
  app.on("print", () => more(shown.length));
  app.on("fold", draw);
  app.on("filter", draw);
  app.on("columns", draw);
  app.on("select", (place) => {
    body.querySelector("tr.selected")?.classList.remove("selected");
    if (place === null) return;
    if (!ofPlace.has(place)) {
      const at = shown.indexOf(place);
      if (at < 0) return;
      more(at + PIECE);
    }
    const made = ofPlace.get(place);
    made.classList.add("selected");
    const top = made.offsetTop - head.offsetHeight;
    const bottom = made.offsetTop + made.offsetHeight + foot.offsetHeight;
    if (top < box.scrollTop) box.scrollTop = top;
    else if (bottom > box.scrollTop + box.clientHeight) box.scrollTop = bottom - box.clientHeight;
  });
  app.on("hover", (place) => {
    body.querySelector("tr.hovered")?.classList.remove("hovered");
    if (place !== null) ofPlace.get(place)?.classList.add("hovered");
  });
  draw();
  return el("section", { class: "layers-part", id: "layers" }, tools(app, count), box);
}

function tools(app, count) {
  const { net, rows, state, say, text } = app;
  const filter = el("input", { type: "search", class: "filter", value: state.filter, placeholder: say("filter"), "aria-label": say("filter"),
    oninput: () => { state.filter = filter.value; app.emit("filter"); } });
  const choose = el("details", { class: "menu" }, el("summary", {}, say("columns")), el("div", { class: "choices" },
    net.columns.map((column) => column.key === "name" ? null : el("label", {},
      el("input", { type: "checkbox", checked: state.columns.has(column.key), onchange: (event) => {
        if (event.target.checked) state.columns.add(column.key); else state.columns.delete(column.key);
        app.emit("columns");
      } }), text(column.heading)))));
  const blocks = rows.some((row) => row.type === BLOCK);
  const fold = blocks ? [
    button(say("fold all"), () => app.foldAll(false)),
    button(say("unfold all"), () => app.foldAll(true)),
  ] : [];
  return el("div", { class: "tools" }, el("h2", {}, say("layers")), filter, fold, choose, count);
}
