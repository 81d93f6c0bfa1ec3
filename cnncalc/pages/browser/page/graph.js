// The graph: frames that were laid out one by one, put together as they are folded; heat, search, zoom, keys.

import { button, el, magnitude, svg, written } from "./dom.js";
import { BLOCK, ROW, pathTo } from "./rows.js";

const MARGIN = 16;
const HEAT = ["macs", "params", "activation_bytes", "receptive_field"];
const SMALLEST_ZOOM = 0.05;
const LARGEST_ZOOM = 3;

// A map of places on an axis that leaves room for what grew: monotone, never narrower, straight between borders.
// `needs`: [from, to, room] for each box that takes more than its place.
function stretched(needs, borders) {
  const stops = [...new Set([0, ...borders])].sort((a, b) => a - b);
  const slopes = stops.slice(1).map(() => 1);
  const sorted = [...needs].sort((a, b) => a[1] - a[0] - (b[1] - b[0]));
  for (const [from, to, room] of sorted) {
    let length = 0;
    stops.slice(1).forEach((stop, i) => { if (stops[i] >= from && stop <= to) length += (stop - stops[i]) * slopes[i]; });
    if (length >= room || !length) continue;
    stops.slice(1).forEach((stop, i) => { if (stops[i] >= from && stop <= to) slopes[i] *= room / length; });
  }
  const moved = [stops[0]];
  slopes.forEach((slope, i) => moved.push(moved[i] + (stops[i + 1] - stops[i]) * slope));
  return (place) => {
    if (place <= stops[0]) return moved[0] + place - stops[0];
    let i = stops.findIndex((stop) => stop >= place);
    if (i < 0) return moved.at(-1) + place - stops.at(-1);
    return moved[i] - (stops[i] - place) * slopes[i - 1];
  };
}

// A frame with those inside it that are open: size, ports, {place: box}, lines with whole routes, frames with titles.
function composed(graph, key, open) {
  const frame = graph.frames[key];
  const inner = new Map();
  const needs = [[], []];
  const borders = [[frame.w], [frame.h]];
  for (const [place, x, y] of frame.parts) {
    const [, , , w, h] = graph.boxes[place];
    borders[0].push(x, x + w);
    borders[1].push(y, y + h);
    if (!open.has(place) || !graph.frames[place]) continue;
    const made = composed(graph, String(place), open);
    inner.set(place, made);
    needs[0].push([x, x + w, made.w]);
    needs[1].push([y, y + h, made.h]);
  }
  const [atX, atY] = [0, 1].map((axis) => stretched(needs[axis], borders[axis]));
  const boxes = new Map();
  const here = frame.parts.map(([place, x, y]) => {
    const [, , , w, h] = graph.boxes[place];
    const { w: wide, h: high } = inner.get(place) ?? { w, h };
    const box = { place, x: atX(x + w / 2) - wide / 2, y: atY(y + h / 2) - high / 2, w: wide, h: high, middle: x + w / 2, inner: inner.get(place) ?? null };
    boxes.set(place, box);
    return box;
  });
  const pieces = new Map();
  for (const [source, target, net, ...flat] of frame.lines) {
    const points = flat.reduce((found, c, i) => (i % 2 ? found : [...found, [c, flat[i + 1]]]), []);
    const route = points.map(([x, y]) => [atX(x), atY(y)]);
    // A line leaves and arrives at the side of a box at which it was laid out: in the right half of a U it leads up.
    const sideOf = (part, y) => (y >= frame.parts[part][2] + graph.boxes[frame.parts[part][0]][4] / 2 ? 1 : 0);
    if (source >= 0) {
      const box = here[source];
      const below = sideOf(source, points[0][1]);
      const x = box.inner ? box.x + (box.inner.outs[net] ?? box.w / 2) : box.x + box.w / 2 + points[0][0] - box.middle;
      const y = box.y + below * box.h;
      route[0] = [x, y];
      if (route.length > 1 && points[1][0] === points[0][0]) route[1] = [x, below ? Math.max(route[1][1], y) : Math.min(route[1][1], y)];
    }
    if (target >= 0) {
      const box = here[target];
      const [x0, y0] = points.at(-1);
      const below = sideOf(target, y0);
      const x = box.inner ? box.x + (box.inner.ins[net] ?? box.w / 2) : box.x + box.w / 2 + x0 - box.middle;
      const y = box.y + below * box.h;
      route.splice(-1, 1, [x, below ? Math.max(atY(y0), y) : Math.min(atY(y0), y)], [x, y]);
    }
    pieces.set(`${source},${target},${net}`, route);
  }
  const ports = (given) => Object.fromEntries(Object.entries(given).map(([net, x]) => [net, atX(x)]));
  return { key, w: atX(frame.w), h: atY(frame.h), ins: ports(frame.ins), outs: ports(frame.outs), here, pieces, lines: frame.lines, title: frame.title[0], titleX: atX(frame.title[1]), inner };
}

// Everything in places of the whole picture: boxes, frames and routes, each frame's pieces drawn on their own.
function flattened(made, x, y, depth, found) {
  for (const box of made.here) {
    const at = { ...box, x: x + box.x, y: y + box.y };
    if (box.inner) {
      found.frames.push({ ...at, depth, title: box.inner.title, titleX: at.x + box.inner.titleX });
      flattened(box.inner, at.x, at.y, depth + 1, found);
    } else found.boxes.push(at);
  }
  for (const [name, route] of made.pieces) {
    const [source, target] = name.split(",").map(Number);
    found.routes.push({ points: route.map(([a, b]) => [x + a, y + b]), ends: target >= 0 && !made.here[target].inner,
      from: source >= 0 ? made.here[source].place : null, to: target >= 0 ? made.here[target].place : null });
  }
  return found;
}

// A route as a path: straight down, across as a curve that starts and ends vertically.
function pathOf(points) {
  points = points.filter(([x, y], i) => !i || Math.abs(x - points[i - 1][0]) >= 1 || Math.abs(y - points[i - 1][1]) >= 1);
  let text = `M${points[0].map(Math.round).join(" ")}`;
  for (let i = 1; i < points.length; i++) {
    const [[x0, y0], [x1, y1]] = [points[i - 1], points[i]];
    if (Math.abs(x1 - x0) < 1 || Math.abs(y1 - y0) < 1) text += `L${Math.round(x1)} ${Math.round(y1)}`;
    else {
      const bend = (y1 - y0) / 2;
      text += `C${[x0, y0 + bend, x1, y1 - bend, x1, y1].map(Math.round).join(" ")}`;
    }
  }
  return text;
}

export function graphView(app) {
  const { net, rows, state, say, text } = app;
  const { graph } = net;
  if (!graph) return null;
  state.unfolded ??= new Set(graph.open);
  state.zoom ??= null;
  const box = el("div", { class: "graph-box", tabindex: "-1" });
  const legend = el("p", { class: "legend" });
  const told = el("p", { class: "told", role: "status" });
  let groups = new Map();
  let picture = { w: 0, h: 0, boxes: [] };
  let active = null;
  let found = [];

  const shownRow = (place) => (rows[place]?.type === BLOCK || rows[place]?.type === ROW ? place : rows[place]?.parent);

  // The box, or the frame, in which a row is seen now.
  function holderOf(place) {
    return [...pathTo(rows, place)].reverse().find((one) => groups.has(one)) ?? null;
  }

  function valueOf(place) {
    return place < 0 ? null : rows[place].values[state.heat] ?? null;
  }

  function boxMade(at, largest) {
    const [title, kind, shape, , , leaves] = graph.boxes[at.place];
    const row = rows[at.place];
    const value = valueOf(at.place);
    const heat = largest > 0 && value !== null ? Math.max(0, magnitude(value)) / largest : 0;
    const opens = Boolean(graph.frames[at.place]);
    const family = row ? row.family : "input";
    const lines = [row ? text(kind) : "", shape, value === null ? "" : written(value)].filter(Boolean);
    const middle = at.x + at.w / 2;
    return svg("g", { class: `node family-${family}${opens ? " opens" : ""}${leaves ? " leaves" : ""}${row ? "" : " entering"}`, "data-place": at.place, tabindex: "-1", role: "button", "aria-expanded": opens ? "false" : null },
      opens ? svg("rect", { class: "below", x: at.x + 4, y: at.y + 4, width: at.w, height: at.h, rx: 6 }) : null,
      svg("rect", { class: "box", x: at.x, y: at.y, width: at.w, height: at.h, rx: 6, css: { "--heat": `${Math.round(heat * 100)}%` } }),
      svg("rect", { class: "edge", x: at.x, y: at.y + 5, width: 4, height: at.h - 10, rx: 2 }),
      svg("text", { class: "title", x: middle, y: at.y + 19 }, title),
      lines.map((line, i) => svg("text", { class: "line", x: middle, y: at.y + 35 + 16 * i }, line)),
      opens ? svg("g", { class: "sign", "data-fold": at.place }, svg("circle", { cx: at.x + at.w - 2, cy: at.y + 2, r: 9 }), svg("path", { d: `M${at.x + at.w - 6.5} ${at.y + 2}h9M${at.x + at.w - 2} ${at.y - 2.5}v9` })) : null);
  }

  function frameMade(at) {
    return svg("g", { class: `frame depth-${at.depth % 2}`, "data-place": at.place, tabindex: "-1", role: "button", "aria-expanded": "true" },
      svg("rect", { class: "box", x: at.x, y: at.y, width: at.w, height: at.h, rx: 8 }),
      svg("text", { class: "title", x: at.titleX, y: at.y + 15 }, at.title),
      svg("g", { class: "sign", "data-fold": at.place }, svg("circle", { cx: at.x + at.w - 2, cy: at.y + 2, r: 9 }), svg("path", { d: `M${at.x + at.w - 6.5} ${at.y + 2}h9` })));
  }

  function draw(keep = null) {
    const before = keep !== null && groups.get(keep) ? groups.get(keep).getBoundingClientRect() : null;
    const made = composed(graph, "root", state.unfolded);
    const all = flattened(made, MARGIN, MARGIN, 0, { boxes: [], frames: [], routes: [] });
    picture = { w: made.w + 2 * MARGIN, h: made.h + 2 * MARGIN, boxes: all.boxes };
    const largest = Math.max(0, ...all.boxes.map((at) => magnitude(valueOf(at.place))));
    groups = new Map();
    const put = (at, group) => { groups.set(at.place, group); return group; };
    const root = svg("svg", { class: "graph", viewBox: `0 0 ${picture.w} ${picture.h}`, role: "group", "aria-label": say("graph of", { name: net.name }) },
      svg("defs", {}, svg("marker", { id: "arrow", viewBox: "0 0 8 8", refX: 7, refY: 4, markerWidth: 7, markerHeight: 7, orient: "auto" }, svg("path", { d: "M0 0.5 7.5 4 0 7.5z", class: "tip" }))),
      all.frames.map((at) => put(at, frameMade(at))),
      all.routes.map((route) => svg("path", { class: "line", d: pathOf(route.points), "marker-end": route.ends ? "url(#arrow)" : null, "data-from": route.from, "data-to": route.to })),
      all.boxes.map((at) => put(at, boxMade(at, largest))));
    box.style.setProperty("--high", `${Math.ceil(picture.h) + 20}px`);
    box.replaceChildren(root);
    if (active === null || !groups.has(active)) active = all.boxes[0]?.place ?? null;
    groups.get(active)?.setAttribute("tabindex", "0");
    zoomTo(state.zoom ?? fitting());
    mark();
    const heading = text(net.quantities[state.heat].heading);
    legend.replaceChildren(el("span", { class: "scale", "aria-hidden": "true" }), say("heat from to", { quantity: heading, most: largest > 0 ? written(valueOf(all.boxes.find((at) => magnitude(valueOf(at.place)) === largest).place)) : "0" }));
    if (before) {
      const after = (groups.get(keep) ?? groups.get(active))?.getBoundingClientRect();
      if (after) box.scrollBy(after.left + after.width / 2 - before.left - before.width / 2, after.top - before.top);
    }
  }

  // As wide as the pane, but no larger than life, and no smaller than can be read.
  function fitting() {
    const room = box.clientWidth - 4;
    return room > 0 ? Math.max(0.45, Math.min(1, room / picture.w)) : 1;
  }

  function zoomTo(zoom, middle = null) {
    const root = box.firstChild;
    const old = parseFloat(root.getAttribute("width")) / picture.w || zoom;
    const [x, y] = middle ?? [box.clientWidth / 2, box.clientHeight / 2];
    const at = [(box.scrollLeft + x) / old, (box.scrollTop + y) / old];
    root.setAttribute("width", picture.w * zoom);
    root.setAttribute("height", picture.h * zoom);
    if (old !== zoom) {
      box.scrollLeft = at[0] * zoom - x;
      box.scrollTop = at[1] * zoom - y;
    }
  }

  function zoomBy(factor, middle = null) {
    const now = parseFloat(box.firstChild.getAttribute("width")) / picture.w;
    state.zoom = Math.min(LARGEST_ZOOM, Math.max(SMALLEST_ZOOM, now * factor));
    zoomTo(state.zoom, middle);
  }

  function fitAll() {
    state.zoom = Math.max(SMALLEST_ZOOM, Math.min(1, (box.clientWidth - 4) / picture.w, (box.clientHeight - 4) / picture.h));
    zoomTo(state.zoom);
  }

  function toggle(place) {
    if (!graph.frames[place]) return;
    if (state.unfolded.has(place)) state.unfolded.delete(place); else state.unfolded.add(place);
    active = place;
    draw(place);
    groups.get(place)?.focus({ preventScroll: true });
  }

  function mark() {
    box.querySelectorAll(".selected, .found").forEach((one) => one.classList.remove("selected", "found"));
    for (const place of found) groups.get(holderOf(place))?.classList.add("found");
    if (state.selected === null) return;
    const holder = holderOf(shownRow(state.selected));
    groups.get(holder)?.classList.add("selected");
  }

  function lit(place) {
    box.querySelectorAll(".hovered, .touched").forEach((one) => one.classList.remove("hovered", "touched"));
    if (place === null) return;
    const holder = place < 0 ? place : holderOf(shownRow(place));
    groups.get(holder)?.classList.add("hovered");
    box.querySelectorAll(`path[data-from="${holder}"], path[data-to="${holder}"]`).forEach((line) => line.classList.add("touched"));
  }

  function goTo(place, focus = false) {
    const group = groups.get(place);
    if (!group) return;
    groups.get(active)?.setAttribute("tabindex", "-1");
    active = place;
    group.setAttribute("tabindex", "0");
    const [one, pane] = [group.getBoundingClientRect(), box.getBoundingClientRect()];
    if (one.top < pane.top || one.bottom > pane.bottom || one.left < pane.left || one.right > pane.right) {
      box.scrollBy({ left: one.left + one.width / 2 - pane.left - pane.width / 2, top: one.top + Math.min(one.height, 60) / 2 - pane.top - pane.height / 2 });
    }
    if (focus) group.focus({ preventScroll: true });
  }

  // Opens what a row lies in, as far as there are frames.
  function reveal(place) {
    const closed = pathTo(rows, place).slice(0, -1).filter((above) => graph.frames[above] && !state.unfolded.has(above));
    if (!closed.length) return;
    closed.forEach((above) => state.unfolded.add(above));
    draw();
  }

  function next(by) {
    const order = [...groups.keys()].sort((a, b) => (a < 0 || b < 0 ? b - a : a - b)).sort((a, b) => (a < 0 ? 0 : 1) - (b < 0 ? 0 : 1));
    const at = order.indexOf(active);
    goTo(order[Math.min(order.length - 1, Math.max(0, at + by))], true);
  }

  const search = el("input", { type: "search", class: "filter", placeholder: say("find"), "aria-label": say("find"),
    oninput: () => {
      const words = search.value.trim().toLowerCase();
      found = words ? rows.filter((row) => row.type !== 2 && `${row.name} ${row.kind}`.toLowerCase().includes(words)).map((row) => row.place) : [];
      told.textContent = words ? say("found", { count: found.length }) : "";
      mark();
      if (found.length) goTo(holderOf(found[0]));
    },
    onkeydown: (event) => {
      if (event.key !== "Enter" || !found.length) return;
      event.preventDefault();
      const at = found.indexOf(state.selected);
      const place = found[(at + (event.shiftKey ? -1 : 1) + found.length) % found.length];
      reveal(place);
      app.select(place);
    } });

  box.addEventListener("keydown", (event) => {
    const act = { "+": () => zoomBy(1.25), "=": () => zoomBy(1.25), "-": () => zoomBy(0.8), 0: fitAll, ArrowDown: () => next(1), ArrowRight: () => next(1), ArrowUp: () => next(-1), ArrowLeft: () => next(-1),
      Home: () => next(-Infinity), End: () => next(Infinity), " ": () => toggle(active), Enter: () => pick(active) }[event.key];
    if (!act || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    act();
  });

  function pick(place) {
    if (place === null || place < 0) return;
    if (state.selected === place && rows[place].values[state.heat] !== undefined && state.heat !== "receptive_field") app.explain(place, state.heat);
    else app.select(place);
  }

  let dragged = null;
  box.addEventListener("pointerdown", (event) => {
    if (event.pointerType === "mouse" && event.button === 0) dragged = { x: event.clientX, y: event.clientY, left: box.scrollLeft, top: box.scrollTop, far: false };
  });
  box.addEventListener("pointermove", (event) => {
    if (!dragged || event.buttons !== 1) return;
    if (Math.abs(event.clientX - dragged.x) + Math.abs(event.clientY - dragged.y) > 4) { dragged.far = true; box.classList.add("dragged"); }
    if (!dragged.far) return;
    box.scrollLeft = dragged.left - event.clientX + dragged.x;
    box.scrollTop = dragged.top - event.clientY + dragged.y;
  });
  box.addEventListener("click", (event) => {
    const far = dragged?.far;
    dragged = null;
    box.classList.remove("dragged");
    if (far) return;
    const fold = event.target.closest("[data-fold]");
    const group = event.target.closest("[data-place]");
    if (fold) toggle(Number(fold.dataset.fold));
    else if (group) { goTo(Number(group.dataset.place)); pick(Number(group.dataset.place)); }
  });
  box.addEventListener("dblclick", (event) => {
    const group = event.target.closest("[data-place]");
    if (group) toggle(Number(group.dataset.place));
  });
  for (const name of ["mouseover", "focusin"]) box.addEventListener(name, (event) => {
    const group = event.target.closest?.("[data-place]");
    const place = group ? Number(group.dataset.place) : null;
    app.emit("hover", place);
    if (place !== null && place >= 0) told.textContent = say("node", { name: rows[place].name, kind: rows[place].kind, shape: written(rows[place].values.output), quantity: text(net.quantities[state.heat].heading), number: written(valueOf(place)) });
  });
  box.addEventListener("mouseleave", () => app.emit("hover", null));
  box.addEventListener("wheel", (event) => {
    if (!event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    const pane = box.getBoundingClientRect();
    zoomBy(Math.exp(-event.deltaY / 300), [event.clientX - pane.left, event.clientY - pane.top]);
  }, { passive: false });

  app.on("select", (place) => {
    mark();
    if (place === null) return;
    const holder = holderOf(shownRow(place));
    if (holder !== null) goTo(holder);
  });
  app.on("hover", lit);
  app.on("shown", () => draw());
  app.on("print", fitAll);

  const heat = el("select", { "aria-label": say("heat"), onchange: () => { state.heat = heat.value; draw(); } },
    HEAT.map((key) => el("option", { value: key, selected: key === state.heat }, text(net.quantities[key].heading))));
  const folds = Object.keys(graph.frames).length > 1 ? [
    button(say("fold all"), () => { state.unfolded = new Set(); draw(); }),
    button(say("unfold all"), () => { state.unfolded = new Set(Object.keys(graph.frames).map(Number)); draw(); }),
  ] : null;
  const zooms = el("div", { class: "chips", role: "group", "aria-label": say("zoom") }, button("−", () => zoomBy(0.8), { "aria-label": say("smaller") }), button("+", () => zoomBy(1.25), { "aria-label": say("larger") }), button(say("fit"), fitAll));
  return el("section", { id: "graph" }, el("div", { class: "tools" }, el("h2", {}, say("graph")), search, el("label", {}, say("heat"), " ", heat), folds, zooms), legend, box, el("div", { class: "tools below" }, told, el("p", { class: "hint" }, say("keys of the graph"))));
}
