// Where it goes: blocks as areas, by a quantity; a block opens where it is.

import { button, el, grouped, perCent, svg, written } from "./dom.js";
import { OPERATION, isLayer } from "./rows.js";

const HEIGHT = 420;
const TITLE = 22; // of a block, above what is in it
const SMALLEST = 26; // a block whose inside is narrower is drawn as one
const OF_LETTER = 7.2; // width, at the size of a label

export function treemapView(app) {
  const { net, rows, state, say, text } = app;
  const keys = ["macs", "params", "activation_bytes", "flops", "connections"].filter((key) => Number(net.totals[key]) > 0);
  if (!keys.length) return null;
  const told = el("p", { class: "told", role: "status" });
  const picture = el("div", { class: "treemap" });
  const crumbs = el("div", { class: "crumbs" });
  let key = keys.includes(state.area) ? state.area : keys[0];
  let top = -1;
  let width = 1000;
  const chips = el("div", { class: "chips", role: "group", "aria-label": say("quantity") });

  const valueOf = (place) => Number(rows[place].values[key] ?? 0);
  const inside = (place) => rows.filter((row) => row.parent === place && row.type !== OPERATION && valueOf(row.place) > 0)
    .sort((a, b) => valueOf(b.place) - valueOf(a.place)).map((row) => row.place);

  const opens = (row) => row.children.length > 0 && rows[row.children[0]].type !== OPERATION && !isLayer(rows, row);

  function told_of(place) {
    const row = rows[place];
    return say("area of", { name: row.name, kind: row.kind, number: written(row.values[key]), quantity: text(net.quantities[key].heading), share: shareOf(row) });
  }

  function shareOf(row) {
    const share = row.values[`${key}_share`];
    return share === undefined ? perCent((100 * valueOf(row.place)) / Number(net.totals[key])) : perCent(share);
  }

  function drawn(place, x, y, w, h, depth) {
    const row = rows[place];
    const children = opens(row) ? inside(place) : [];
    const group = svg("g", { class: `area family-${row.family}${children.length ? " block" : ""}`, "data-place": place, tabindex: w * h > 900 ? "0" : "-1", role: "button" },
      svg("rect", { x, y, width: Math.max(0, w), height: Math.max(0, h), rx: 2 }));
    const room = Math.floor((w - 10) / OF_LETTER);
    if (h <= 16 || room <= 2) group.setAttribute("aria-label", told_of(place));
    else {
      const label = row.label.length > room ? `${row.label.slice(0, Math.max(1, room - 1))}…` : row.label;
      group.append(svg("text", { x: x + 5, y: y + 14, class: "label" }, label));
      if (!children.length && h > 34 && room > 5) group.append(svg("text", { x: x + 5, y: y + 29, class: "part" }, `${shareOf(row)} %`));
    }
    const made = [group];
    if (children.length && w > SMALLEST * 2 && h > TITLE + SMALLEST) {
      made.push(...squares(children, x + 3, y + TITLE, w - 6, h - TITLE - 3).flatMap(([child, ...box]) => drawn(child, ...box, depth + 1)));
    }
    return made;
  }

  // Rectangles as near to squares as they go (Bruls, Huizing, van Wijk 2000).
  function squares(places, x, y, w, h) {
    const total = places.reduce((sum, place) => sum + valueOf(place), 0);
    const scale = (w * h) / total;
    const found = [];
    let at = 0;
    while (at < places.length) {
      const side = Math.min(w, h);
      let row = [];
      let area = 0;
      let worst = Infinity;
      for (let i = at; i < places.length; i++) {
        const next = valueOf(places[i]) * scale;
        const sum = area + next;
        const sizes = [...row, next];
        const ratio = Math.max(...[Math.max(...sizes), Math.min(...sizes)].map((one) => Math.max((side * side * one) / (sum * sum), (sum * sum) / (side * side * one))));
        if (ratio > worst) break;
        [row, area, worst] = [sizes, sum, ratio];
      }
      const thick = area / side || 0;
      let along = 0;
      row.forEach((one, i) => {
        const long = one / thick || 0;
        found.push(w >= h ? [places[at + i], x, y + along, thick, long] : [places[at + i], x + along, y, long, thick]);
        along += long;
      });
      if (w >= h) [x, w] = [x + thick, w - thick];
      else [y, h] = [y + thick, h - thick];
      at += row.length;
    }
    return found;
  }

  function draw() {
    const path = [];
    for (let above = top; above >= 0; above = rows[above].parent) path.unshift(above);
    crumbs.replaceChildren(button(say("whole network"), () => go(-1), { class: "link", disabled: top < 0 }),
      ...path.flatMap((place) => [" / ", button(rows[place].label, () => go(place), { class: "link", disabled: place === top })]));
    const boxes = squares(inside(top), 0, 0, width, HEIGHT).flatMap(([place, ...box]) => drawn(place, ...box, 0));
    picture.replaceChildren(svg("svg", { viewBox: `0 0 ${width} ${HEIGHT}`, class: "areas", role: "group", "aria-label": say("where it goes") }, boxes));
    chips.replaceChildren(...keys.map((one) => button(text(net.quantities[one].heading), () => { key = state.area = one; draw(); }, { "aria-pressed": String(one === key) })));
    told.textContent = say("all of it", { number: grouped(net.totals[key]), quantity: text(net.quantities[key].heading) });
  }

  function go(place) {
    top = place;
    draw();
  }

  function act(place) {
    app.select(place);
    if (opens(rows[place])) go(place);
    else app.explain(place, key);
  }

  const placeOf = (event) => event.target.closest("[data-place]")?.dataset.place;
  picture.addEventListener("click", (event) => { const place = placeOf(event); if (place !== undefined) act(Number(place)); });
  picture.addEventListener("keydown", (event) => {
    const place = placeOf(event);
    if (place === undefined || (event.key !== "Enter" && event.key !== " ")) return;
    event.preventDefault();
    act(Number(place));
  });
  for (const name of ["mouseover", "focusin"]) picture.addEventListener(name, (event) => {
    const place = placeOf(event);
    if (place === undefined) return;
    told.textContent = told_of(Number(place));
    app.emit("hover", Number(place));
  });
  picture.addEventListener("mouseleave", () => app.emit("hover", null));
  new ResizeObserver(([entry]) => {
    const now = Math.round(entry.contentRect.width);
    if (!now || now === width) return;
    width = now;
    draw();
  }).observe(picture);
  draw();
  return el("section", { id: "areas" }, el("div", { class: "tools" }, el("h2", {}, say("where it goes")), chips), crumbs, picture, told);
}
