// The memory timeline: what is alive while each operation runs, value by value, with the peak.

import { button, colourOf, el, fitted, grouped, sized, written } from "./dom.js";
import { nameOf, shapeOf } from "./fields.js";
import { rowOfNode } from "./rows.js";

const TIMELINE_HEIGHT = 240;
const TRAINING_HEIGHT = 140;
const ABOVE = 22; // room for the name of the peak
const MOST_NAMED = 8; // values that are named of a step

export function memoryView(app) {
  const { net, rows, say, text } = app;
  const { memory } = net;
  if (!memory) return null;
  const inputs = net.inputs.length;
  const steps = memory.held.length;
  const bytes = memory.bytes.map(Number);
  const held = memory.held.map(Number);
  const peak = Math.max(...held);
  const canvas = el("canvas", { class: "timeline", tabindex: "0", role: "img", "aria-label": say("memory of", { name: net.name, bytes: grouped(net.totals.peak_activation_bytes), where: net.totals.peak_at || "?" }) });
  const told = el("p", { class: "told", role: "status" });
  let chosen = null;
  let colours = {};

  // What is alive at a step, the oldest first.
  function aliveAt(step) {
    const found = [];
    for (let value = 0; value <= inputs + step; value++) if (memory.last[value] >= step) found.push(value);
    return found;
  }

  const familyOf = (value) => (value < inputs ? "input" : net.families[net.nodes.kind[value - inputs]]?.[0] ?? "other");

  function takeColours() {
    const families = new Set(["input", ...Object.values(net.families).map(([family]) => family), "other"]);
    colours = Object.fromEntries([...families].map((family) => [family, colourOf(app.root, `--${family}`)]));
    for (const name of ["text", "muted", "line", "hot", "surface", "accent"]) colours[`-${name}`] = colourOf(app.root, `--${name}`);
  }

  function draw() {
    const width = canvas.parentElement?.clientWidth || 800;
    const context = sized(canvas, width, TIMELINE_HEIGHT);
    const each = width / steps;
    const y = (amount) => TIMELINE_HEIGHT - 1 - (amount / peak) * (TIMELINE_HEIGHT - ABOVE - 2);
    context.strokeStyle = colours["-line"];
    for (const part of [0.25, 0.5, 0.75]) {
      context.beginPath();
      context.moveTo(0, y(peak * part));
      context.lineTo(width, y(peak * part));
      context.stroke();
    }
    let alive = [];
    for (let step = 0; step < steps; step++) {
      alive = step ? alive.filter((value) => memory.last[value] >= step) : aliveAt(0).slice(0, -1);
      if (memory.last[inputs + step] >= step) alive.push(inputs + step);
      let level = 0;
      for (const value of alive) {
        context.fillStyle = colours[familyOf(value)] ?? colours.other;
        const top = y(level + bytes[value]);
        context.fillRect(step * each, top, Math.max(each - (each > 4 ? 1 : 0), 0.5), Math.max(y(level) - top - (y(level) - top > 3 ? 1 : 0), 0));
        level += bytes[value];
      }
    }
    const at = held.indexOf(peak);
    context.fillStyle = context.strokeStyle = colours["-hot"];
    context.lineWidth = 1.5;
    context.strokeRect(at * each, y(peak), Math.max(each, 2), TIMELINE_HEIGHT - 1 - y(peak));
    context.font = "600 12px system-ui, sans-serif";
    const amount = ` · ${grouped(net.totals.peak_activation_bytes)}`;
    const label = fitted(context, nameOf(net, inputs + at), width - context.measureText(amount).width) + amount;
    const wide = context.measureText(label).width;
    context.fillText(label, Math.min(Math.max(0, at * each - wide / 2), width - wide), 14);
    if (chosen !== null) {
      context.strokeStyle = colours["-accent"];
      context.lineWidth = 2;
      context.strokeRect(chosen * each, ABOVE, Math.max(each, 2), TIMELINE_HEIGHT - ABOVE - 1);
    }
  }

  function choose(step) {
    chosen = Math.min(steps - 1, Math.max(0, step));
    const alive = aliveAt(chosen).sort((a, b) => bytes[b] - bytes[a]);
    const named = alive.slice(0, MOST_NAMED).map((value) => `${nameOf(net, value)} (${written(shapeOf(net, value))}): ${grouped(memory.bytes[value])}`).join("; ");
    told.textContent = say("alive", { name: nameOf(net, inputs + chosen), bytes: grouped(memory.held[chosen]), values: alive.length > MOST_NAMED ? `${named}; …` : named });
    draw();
    app.emit("hover", rowOfNode(rows, chosen)?.place ?? null);
  }

  const stepAt = (event) => Math.floor((event.offsetX / canvas.clientWidth) * steps);
  canvas.addEventListener("pointermove", (event) => choose(stepAt(event)));
  canvas.addEventListener("click", (event) => {
    choose(stepAt(event));
    const row = rowOfNode(rows, chosen);
    if (row) app.select(row.place);
  });
  canvas.addEventListener("keydown", (event) => {
    const by = { ArrowLeft: -1, ArrowRight: 1, Home: -steps, End: steps }[event.key];
    if (!by) return;
    event.preventDefault();
    choose((chosen ?? held.indexOf(peak)) + by);
  });
  const training = trainingView(app);
  const box = el("div", { class: "timeline-box" }, canvas);
  new ResizeObserver(draw).observe(box);
  app.on("theme", () => { takeColours(); draw(); });
  app.on("shown", () => { takeColours(); draw(); told.textContent = say("memory hint"); });
  return el("section", { id: "memory" }, el("div", { class: "tools" }, el("h2", {}, say("memory")), button(text(net.quantities.peak_activation_bytes.heading), () => app.explain(-1, "peak_activation_bytes"), { title: say("how", { name: "peak_activation_bytes" }) })), box, told, training);
}

// What is held at each operation of a step of training, forward and then backward.
function trainingView(app) {
  const { net, rows, say, text } = app;
  const { training } = net;
  if (!training) return null;
  const held = training.held.map(Number);
  const most = Math.max(...held);
  const peak = held.indexOf(most);
  const phaseOf = (step) => say(step < training.forward ? "phase forward" : "phase backward");
  const nodeAt = (step) => (step < training.forward ? step : training.backward[step - training.forward]);
  const nameAt = (step) => net.nodes.name[nodeAt(step)];
  const parts = training.at_peak.map(([kind, bytes]) => `${text(kind)} ${grouped(bytes)}`).join(", ");
  const summary = say("at the peak", { bytes: grouped(training.held[peak]), name: nameAt(peak), phase: phaseOf(peak), parts });
  const canvas = el("canvas", { class: "timeline of-training", tabindex: "0", role: "img", "aria-label": `${say("training")}: ${summary}` });
  const told = el("p", { class: "told", role: "status" }, say("training hint"));
  const box = el("div", { class: "timeline-box" }, canvas);
  let chosen = null;

  function draw() {
    const width = box.clientWidth || 800;
    const context = sized(canvas, width, TRAINING_HEIGHT);
    const colours = Object.fromEntries(["bar", "block", "hot", "accent"].map((name) => [name, colourOf(app.root, `--${name}`)]));
    const each = width / held.length;
    held.forEach((amount, step) => {
      context.fillStyle = step < training.forward ? colours.bar : colours.block;
      const high = (amount / most) * (TRAINING_HEIGHT - ABOVE);
      context.fillRect(step * each, TRAINING_HEIGHT - high, Math.max(each - (each > 4 ? 1 : 0), 0.5), high);
    });
    context.lineWidth = 2;
    for (const [step, colour] of [[peak, colours.hot], [chosen, colours.accent]]) {
      context.strokeStyle = context.fillStyle = colour;
      if (step !== null) context.strokeRect(step * each, ABOVE, Math.max(each, 2), TRAINING_HEIGHT - ABOVE - 1);
    }
    context.font = "600 12px system-ui, sans-serif";
    context.fillStyle = colours.hot;
    const label = fitted(context, `${nameAt(peak)}, ${phaseOf(peak)} · ${grouped(training.held[peak])}`, width);
    const wide = context.measureText(label).width;
    context.fillText(label, Math.min(Math.max(0, peak * each - wide / 2), width - wide), 14);
  }

  function choose(step) {
    chosen = Math.min(held.length - 1, Math.max(0, step));
    told.textContent = say("held", { name: nameAt(chosen), phase: phaseOf(chosen), bytes: grouped(training.held[chosen]) });
    draw();
    app.emit("hover", rowOfNode(rows, nodeAt(chosen))?.place ?? null);
  }

  canvas.addEventListener("pointermove", (event) => choose(Math.floor((event.offsetX / canvas.clientWidth) * held.length)));
  canvas.addEventListener("keydown", (event) => {
    const by = { ArrowLeft: -1, ArrowRight: 1, Home: -held.length, End: held.length }[event.key];
    if (!by) return;
    event.preventDefault();
    choose((chosen ?? peak) + by);
  });
  new ResizeObserver(draw).observe(box);
  app.on("theme", draw);
  app.on("shown", draw);
  return el("div", { class: "training" }, el("h3", {}, say("training")), box, told, el("p", { class: "hint" }, summary));
}
