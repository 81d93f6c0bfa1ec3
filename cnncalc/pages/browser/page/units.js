// Receptive fields: the pixels that a unit sees, exactly, and how that grew on the way back to the image.

import { button, colourOf, el, grouped, sized, written } from "./dom.js";
import { areaOf, hasGates, hullOf, nameOf, seenBy, shapeOf, withoutBorders } from "./fields.js";
import { isEmpty, products, runsOf, shadows, sizeOf } from "./regions.js";

const MOST_CELLS = 64 * 64; // of a map on which units are clicked one by one
const LARGEST = 460; // of a picture, in CSS pixels
const MAP = 260;

// The last two axes of a map, as rows and columns; of a vector and of one axis: one row.
function planeOf(shape) {
  const axes = shape.length > 1 ? shape.slice(1) : shape;
  return axes.length === 1 ? [1, axes[0]] : axes.slice(-2);
}

// Of a region of axes, [rows, columns] of disjoint products: seen from in front, where there are more axes.
function planeProducts(area, axes) {
  if (axes === 1) return [[[[0, 0]], runsOf(area)]];
  return products(area).map((places) => places.slice(-2).map(runsOf));
}

export function unitsView(app) {
  const { net, rows, state, say, text } = app;
  const inputs = net.inputs.length;
  const maps = net.nodes.shape.map((_, node) => node).filter((node) => net.borders.of[inputs + node] !== undefined);
  if (!maps.length) return null;
  const seen = { value: inputs + firstMap(), unit: null, channel: null, input: 0, local: false, step: 0, picture: null, heat: false };
  seen.unit = middleOf(seen.value);

  const layers = el("select", { "aria-label": say("layer"), onchange: () => choose(Number(layers.value)) },
    maps.map((node) => el("option", { value: inputs + node }, `${net.nodes.name[node]} · ${written(net.nodes.shape[node])}`)));
  const place = el("span", { class: "places" });
  const map = el("canvas", { class: "map", tabindex: "0", role: "img" });
  const image = el("canvas", { class: "image", role: "img" });
  const facts = el("dl", { class: "notes" });
  const warning = el("p", { class: "hint" });
  const slider = el("input", { type: "range", min: 0, "aria-label": say("back to the image"), oninput: () => { seen.step = Number(slider.value); draw(); } });
  const where = el("p", { class: "where", role: "status" });
  const way = el("ol", { class: "way", "aria-label": say("layer by layer") });
  const local = hasGates(net) ? check(say("local"), (on) => { seen.local = on; follow(); }) : null;
  const heat = check(say("effective field"), (on) => { seen.heat = on; draw(); });
  const file = el("input", { type: "file", accept: "image/*", class: "unseen", onchange: () => take(file.files[0]) });
  const drop = el("div", { class: "drop", ondragover: (event) => { event.preventDefault(); drop.classList.add("over"); }, ondragleave: () => drop.classList.remove("over"),
    ondrop: (event) => { event.preventDefault(); drop.classList.remove("over"); take(event.dataTransfer.files[0]); } }, image);
  const others = net.inputs.length > 1 ? el("select", { "aria-label": say("input"), onchange: (event) => { seen.input = Number(event.target.value); follow(); } },
    net.inputs.map(([name, shape], i) => el("option", { value: i }, `${name} · ${written(shape)}`))) : null;
  let found = null;
  let path = [];

  function check(label, changed) {
    const input = el("input", { type: "checkbox", onchange: () => changed(input.checked) });
    return el("label", { class: "check" }, input, label);
  }

  // The last map that is no larger than can be clicked and whose units see less than the whole image.
  function firstMap() {
    const drawn = Object.keys(net.effective.profiles).map(Number).sort((a, b) => a - b);
    const field = (node) => rows.find((row) => row.node === node)?.values.receptive_field ?? [];
    const inside = drawn.filter((node) => field(node).every((n, axis) => n < 0.7 * net.inputs[0][1][axis + 1]));
    return inside.length ? inside.at(-1) : drawn.length ? drawn.at(-1) : maps.find((node) => net.nodes.shape[node].length > 1) ?? maps[0];
  }

  function middleOf(value) {
    const shape = shapeOf(net, value);
    return (shape.length > 1 ? shape.slice(1) : shape).map((n) => Math.floor(n / 2));
  }

  function choose(value, unit = null) {
    seen.value = value;
    seen.unit = unit ?? middleOf(value);
    seen.channel = null;
    follow();
  }

  function unitOf() {
    return seen.channel === null ? seen.unit : [seen.channel, ...seen.unit];
  }

  function follow() {
    found = seenBy(net, seen.value, unitOf(), seen.local);
    path = [...found.found.keys()].filter((value) => !isEmpty(found.found.get(value)) && onWay(value)).sort((a, b) => b - a);
    seen.step = path.length - 1;
    slider.max = path.length - 1;
    slider.value = seen.step;
    layers.value = seen.value;
    drawPlace();
    drawWay();
    draw();
  }

  // Values that are shown one after the other: the unit's, the image, and those in whose map the set differs.
  function onWay(value) {
    if (value === seen.value || value === seen.input) return true;
    if (value < inputs) return false;
    return !net.nodes.reads[value - inputs].some((source) => sameSet(value, source));
  }

  function sameSet(value, source) {
    const [a, b] = [shapeOf(net, value), shapeOf(net, source)];
    if (written(a.slice(1)) !== written(b.slice(1)) || !found.found.has(source)) return false;
    const sizes = [value, source].map((one) => String(hullOf(areaOf(found.found.get(one), shapeOf(net, one)), Math.max(1, a.length - 1))));
    return sizes[0] === sizes[1];
  }

  function drawPlace() {
    const shape = shapeOf(net, seen.value);
    const axes = shape.length > 1 ? shape.slice(1) : shape;
    const field = (label, now, most, change, empty = false) => el("label", {}, label, " ", el("input", { type: "number", min: 0, max: most - 1, value: now ?? "", placeholder: empty ? say("all") : null,
      onchange: (event) => {
        const given = event.target.value.trim();
        change(given === "" && empty ? null : Math.min(most - 1, Math.max(0, Math.round(Number(given)) || 0)));
        follow();
      } }));
    const letters = { 1: [shape.length > 1 ? "l" : say("unit")], 2: ["h", "w"], 3: ["d", "h", "w"] }[axes.length] ?? axes.map((_, i) => String(i));
    place.replaceChildren(...axes.map((n, axis) => field(letters[axis], seen.unit[axis], n, (at) => { seen.unit = seen.unit.map((one, i) => (i === axis ? at : one)); })),
      ...(shape.length > 1 ? [field(say("channel"), seen.channel, shape[0], (at) => { seen.channel = at; }, true)] : []));
  }

  function drawWay() {
    way.replaceChildren(...path.map((value, i) => {
      const shape = shapeOf(net, value);
      const area = areaOf(found.found.get(value), shape);
      const hull = hullOf(area, Math.max(1, shape.length - 1));
      const canvas = el("canvas", { "aria-hidden": "true" });
      const line = el("li", {}, button([canvas, el("span", { class: "name" }, nameOf(net, value)), el("span", { class: "count" }, say("of map", { seen: written(hull.map(([a, b]) => b - a + 1)), all: written(shape.length > 1 ? shape.slice(1) : shape) }))],
        () => { seen.step = i; slider.value = i; draw(); }, { class: "step" }));
      paint(canvas, shape, area, 44, {});
      return line;
    }));
  }

  // A map with what is seen of it: `picture` below it, `frame` around it in places of the map.
  function paint(canvas, shape, area, largest, { picture, frame, unit, profile, grid }) {
    const [h, w] = planeOf(shape);
    const edges = frame ?? [[0, h - 1], [0, w - 1]];
    const top = Math.min(0, edges[0][0]);
    const left = Math.min(0, edges[1][0]);
    const high = Math.max(h - 1, edges[0][1]) - top + 1;
    const wide = Math.max(w - 1, edges[1][1]) - left + 1;
    const scale = Math.min(largest / wide, largest / high);
    const context = sized(canvas, Math.max(2, wide * scale), Math.max(2, Math.max(high * scale, h === 1 ? 18 : 0)));
    const y = (row) => (row - top) * scale;
    const x = (column) => (column - left) * scale;
    const tall = (rowsOf) => (h === 1 && high === 1 ? 18 : rowsOf * scale);
    context.fillStyle = colours.padding;
    context.fillRect(0, 0, wide * scale, tall(high));
    context.fillStyle = colours.map;
    context.fillRect(x(0), y(0), w * scale, tall(h));
    if (picture) context.drawImage(picture, x(0), y(0), w * scale, tall(h));
    context.fillStyle = picture ? colours.over : colours.seen;
    if (!isEmpty(area) && !profile) {
      for (const [across, along] of planeProducts(area, Math.max(1, shape.length - 1))) {
        for (const [a, b] of across) for (const [c, d] of along) context.fillRect(x(c), y(a), (d - c + 1) * scale, tall(b - a + 1));
      }
    }
    if (profile) heatOn(context, profile, x, y, scale, [h, w]);
    if (grid && scale >= 6) {
      context.strokeStyle = colours.grid;
      context.lineWidth = 1;
      context.beginPath();
      for (let i = 0; i <= w; i++) { context.moveTo(x(i), y(0)); context.lineTo(x(i), y(0) + tall(h)); }
      for (let i = 0; i <= h; i++) { context.moveTo(x(0), y(i)); context.lineTo(x(w), y(i)); }
      context.stroke();
    }
    if (frame) {
      context.strokeStyle = colours.frame;
      context.lineWidth = 2;
      context.setLineDash([6, 4]);
      context.strokeRect(x(frame[1][0]) + 1, y(frame[0][0]) + 1, (frame[1][1] - frame[1][0] + 1) * scale - 2, tall(frame[0][1] - frame[0][0] + 1) - 2);
      context.setLineDash([]);
    }
    if (unit) {
      const size = Math.max(scale, 3);
      context.fillStyle = colours.unit;
      context.fillRect(x(unit[1]), y(unit[0]), size, h === 1 ? 18 : size);
    }
  }

  // How much each pixel counts: the profiles of both axes, multiplied.
  function heatOn(context, [rowsAt, columnsAt], x, y, scale, [h, w]) {
    const [r, g, b] = colours.heat.match(/[\d.]+/g).map(Number);
    rowsAt.weights.forEach((down, i) => {
      const row = rowsAt.start + i;
      if (row < 0 || row >= h) return;
      columnsAt.weights.forEach((across, j) => {
        const column = columnsAt.start + j;
        if (column < 0 || column >= w) return;
        context.fillStyle = `rgba(${r}, ${g}, ${b}, ${(down * across) / 65025})`;
        context.fillRect(x(column), y(row), Math.ceil(scale), Math.ceil(scale));
      });
    });
  }

  function profileOf(value) {
    const axes = net.effective.profiles[value - inputs];
    const borders = net.borders.fields[net.borders.of[value]][0];
    if (!axes || !borders || seen.input !== 0) return null;
    const drawn = axes.map((units, axis) => {
      const span = Array.isArray(borders[axis]) && borders[axis].length === 3 ? borders[axis][0] / borders[axis][1].length : null;
      const at = units[seen.unit[axis] % units.length];
      if (!at || span === null) return null;
      const bytes = Uint8Array.from(atob(at[1]), (one) => one.charCodeAt(0));
      return { start: at[0] + Math.floor(seen.unit[axis] / units.length) * span * units.length, weights: [...bytes] };
    });
    if (drawn.includes(null)) return null;
    return drawn.length === 1 ? [{ start: 0, weights: [255] }, drawn[0]] : drawn.slice(-2);
  }

  let colours = {};

  function takeColours() {
    const names = { padding: "--padding", map: "--map", seen: "--seen", over: "--over", frame: "--frame", unit: "--unit", heat: "--hot", grid: "--line" };
    colours = Object.fromEntries(Object.entries(names).map(([name, variable]) => [name, colourOf(app.root, variable)]));
  }

  function draw() {
    drawUnits();
    const value = path[seen.step];
    const shape = shapeOf(net, value);
    const area = areaOf(found.found.get(value), shape);
    const onImage = value < inputs;
    const outer = onImage && seen.channel === null && shape.length > 1 && !seen.local ? withoutBorders(net, seen.value, seen.unit, value) : null;
    const frame = outer && !outer.includes(null) ? (outer.length === 1 ? [[0, 0], outer[0]] : outer.slice(-2)) : null;
    const profile = onImage && seen.heat ? profileOf(seen.value) : null;
    paint(image, shape, area, Math.min(LARGEST, app.root.clientWidth - 48), { picture: onImage ? seen.picture : null, frame, profile });
    heat.firstChild.disabled = !profileOf(seen.value);
    [...way.children].forEach((line, i) => line.firstChild.setAttribute("aria-current", String(i === seen.step)));
    const step = way.children[seen.step];
    way.scrollLeft = Math.min(Math.max(way.scrollLeft, step.offsetLeft + step.offsetWidth - way.offsetLeft - way.clientWidth), step.offsetLeft - way.offsetLeft);
    say_what(value, shape, area, outer, onImage);
  }

  function say_what(value, shape, area, outer, onImage) {
    const axes = Math.max(1, shape.length - 1);
    const hull = hullOf(area, axes);
    const all = (shape.length > 1 ? shape.slice(1) : shape).reduce((a, b) => a * b, 1);
    const count = sizeOf(area);
    const between = hull.reduce((product, [a, b]) => product * (b - a + 1), 1);
    const unit = `${nameOf(net, seen.value)}[${unitOf().join(",")}]`;
    const lines = [
      [say("seen"), say("pixels", { seen: grouped(count), all: grouped(all) })],
      [say("from to"), hull.map(([a, b]) => `${a}..${b}`).join(" x ")],
      [say("holes"), grouped(between - count)],
    ];
    if (outer && onImage) {
      lines.push([say("without borders"), outer.map((ends) => (ends ? `${ends[0]}..${ends[1]}` : "?")).join(" x ")]);
      const beyond = outer.map((ends, axis) => (ends ? Math.max(0, -ends[0]) + Math.max(0, ends[1] - shape[axis + 1] + 1) : null));
      lines.push([say("in padding"), written(beyond)]);
    }
    const sigma = net.effective.sigmas[net.effective.sigma[seen.value - inputs]];
    if (sigma && onImage) lines.push([say("sigma"), sigma.map((one) => (one === null ? "?" : String(one))).join(" x ")]);
    facts.replaceChildren(...lines.flatMap(([name, what]) => [el("dt", {}, name), el("dd", {}, what)]));
    where.textContent = say("unit sees", { unit, map: nameOf(net, value) });
    image.setAttribute("aria-label", `${where.textContent} ${lines.map(([name, what]) => `${name}: ${what}`).join("; ")}`);
    warning.textContent = found.unknown === null ? "" : say("reads unknown", { name: net.nodes.name[found.unknown] });
  }

  function drawUnits() {
    const shape = shapeOf(net, seen.value);
    const plane = planeOf(shape);
    const unit = shape.length > 2 ? seen.unit.slice(-2) : [0, seen.unit.at(-1)];
    paint(map, shape, shape.length > 2 ? [] : 0n, MAP, { unit, grid: plane[0] * plane[1] <= MOST_CELLS });
    map.setAttribute("aria-label", say("map of", { name: nameOf(net, seen.value), unit: seen.unit.join(",") }));
  }

  function unitAt(event) {
    const shape = shapeOf(net, seen.value);
    const [h, w] = planeOf(shape);
    const at = [Math.floor((event.offsetY / map.clientHeight) * h), Math.floor((event.offsetX / map.clientWidth) * w)];
    return moveTo(at);
  }

  function moveTo([row, column]) {
    const [h, w] = planeOf(shapeOf(net, seen.value));
    const at = [Math.min(h - 1, Math.max(0, row)), Math.min(w - 1, Math.max(0, column))];
    const axes = seen.unit.length;
    seen.unit = axes === 1 ? [at[1]] : [...seen.unit.slice(0, axes - 2), ...at];
    follow();
  }

  map.addEventListener("click", unitAt);
  map.addEventListener("pointermove", (event) => { if (event.buttons === 1) unitAt(event); });
  map.addEventListener("keydown", (event) => {
    const by = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key];
    if (!by) return;
    event.preventDefault();
    const now = seen.unit.length === 1 ? [0, seen.unit[0]] : seen.unit.slice(-2);
    moveTo([now[0] + by[0], now[1] + by[1]]);
  });

  async function take(given) {
    if (!given) return;
    try {
      seen.picture = await createImageBitmap(given);
      draw();
    } catch {
      warning.textContent = say("no image");
    }
  }

  app.on("select", (at) => {
    if (at === null) return;
    const node = rows[at].node;
    if (net.nodes.shape[node]) choose(inputs + node);
  });
  app.on("theme", () => { takeColours(); drawWay(); draw(); });
  app.on("shown", () => { takeColours(); follow(); });

  return el("section", { id: "fields" }, el("h2", {}, say("receptive fields")), el("p", { class: "hint" }, say("click a unit")),
    el("div", { class: "units" },
      el("div", { class: "of-unit" }, el("label", { class: "wide" }, say("layer"), " ", layers), place, map, others, local),
      el("div", { class: "of-image" }, drop, el("div", { class: "tools" }, slider), where),
      el("div", { class: "told-of-it" }, facts, heat, el("p", { class: "hint" }, say("profiles multiplied"), " ", text(net.effective.notes[1])),
        el("label", { class: "file" }, say("own image"), file), el("p", { class: "hint" }, say("stays here")), warning)),
    way);
}
