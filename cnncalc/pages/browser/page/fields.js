// What a unit sees, walked back to the image over the taps that exist: as in fields/sets/taps.py, over the same reads.

import { everyNth, everything, isEmpty, joined, ofRuns, permuted, placesOf, product, ravelled, repeated, shadows, spread, union, unravelled, whole } from "./regions.js";

function moved(mask, by) {
  return by >= 0 ? mask << BigInt(by) : mask >> BigInt(-by);
}

// Of n places along an axis, those that the wanted places read by this step: 0 the same, 1 all, {w}, {p} or {l}.
function pulled(step, wanted, n) {
  if (step === 0) return wanted;
  if (step === 1) return wanted ? whole(n) : 0n;
  if (step.l) return placesOf(wanted).reduce((found, place) => found | ofRuns(step.l[place]), 0n);
  if (step.w) {
    const [kernel, stride, before, dilation] = step.w;
    return moved(repeated(spread(wanted, stride), kernel, dilation), -before) & whole(n);
  }
  let found = 0n;
  step.p.forEach((taps, phase) => {
    const units = everyNth(wanted, step.p.length, phase);
    if (units) for (const tap of taps) found |= moved(units, tap);
  });
  return found & whole(n);
}

function channelsRead(channels, readers, c) {
  if (channels === null) return readers ? whole(c) : 0n;
  if (typeof channels === "number") return moved(readers, channels) & whole(c);
  let found = 0n;
  for (const [some, read] of channels) if (ofRuns(some) & readers) found |= ofRuns(read);
  return found;
}

function placesRead(steps, sizes, wanted) {
  if (steps.every((step) => step === 0)) return wanted;
  if (steps.every((step) => step === 1)) return everything(sizes);
  if (typeof wanted === "bigint") return pulled(steps[0], wanted, sizes[0]);
  return joined(wanted.map(([mask, rest]) => [pulled(steps[0], mask, sizes[0]), placesRead(steps.slice(1), sizes.slice(1), rest)]));
}

function through([, channels, steps], shape, wanted) {
  const c = shape[0];
  if (typeof wanted === "bigint") return product([channelsRead(channels, wanted, c), ...shape.slice(1).map(whole)]);
  return joined(wanted.map(([mask, rest]) => [channelsRead(channels, mask, c), placesRead(steps, shape.slice(1), rest)]));
}

// The shape of a value: of an input, or of an operation's output.
export function shapeOf(net, value) {
  const inputs = net.inputs.length;
  return value < inputs ? net.inputs[value][1] : net.nodes.shape[value - inputs];
}

export function nameOf(net, value) {
  const inputs = net.inputs.length;
  return value < inputs ? net.inputs[value][0] : net.nodes.name[value - inputs];
}

// What a unit of a value depends on, value by value: {value: region}. `unit` is a place, or a channel and a place;
// `local` leaves out what gates bring. `unknown` is the first operation on the way of which reads are not known.
export function seenBy(net, value, unit, local = false) {
  const inputs = net.inputs.length;
  const shape = shapeOf(net, value);
  const places = unit.map((place) => 1n << BigInt(place));
  const found = new Map([[value, product(unit.length === shape.length ? places : [whole(shape[0]), ...places])]]);
  for (let node = value - inputs; node >= 0; node--) {
    const wanted = found.get(inputs + node);
    if (wanted === undefined || isEmpty(wanted)) continue;
    const rule = net.reads.of[node];
    if (rule === null) return { found, unknown: node };
    for (const [source, region] of readOf(net, node, net.reads.rules[rule], wanted, local)) {
      found.set(source, found.has(source) ? union(found.get(source), region) : region);
    }
  }
  return { found, unknown: null };
}

function readOf(net, node, reads, wanted, local) {
  const sources = net.nodes.reads[node];
  const shapes = sources.map((source) => shapeOf(net, source));
  if (reads === "ravelled") return [[sources[0], unravelled(ravelled(wanted, net.nodes.shape[node]), shapes[0])]];
  if (!Array.isArray(reads)) {
    const back = reads.order.map((_, axis) => reads.order.indexOf(axis));
    return [[sources[0], permuted(wanted, back)]];
  }
  return reads.filter((read) => !(local && read[3])).map((read) => [sources[read[0]], through(read, shapes[read[0]], wanted)]);
}

// Whether gates or statistics of whole maps are anywhere in the network.
export function hasGates(net) {
  return net.reads.rules.some((rule) => Array.isArray(rule) && rule.some((read) => read[3]));
}

// The pixels of an input of which any channel is seen: a region of its axes; of a vector of its elements.
export function areaOf(region, shape) {
  if (shape.length === 1) return region;
  return region.reduce((area, [, rest]) => union(area, rest), shape.length === 2 ? 0n : []);
}

// Per axis [first, last] of what is seen; null where nothing is.
export function hullOf(area, axes) {
  if (isEmpty(area)) return null;
  return shadows(area, axes).map((mask) => [mask.toString(2).length - 1 - mask.toString(2).lastIndexOf("1"), mask.toString(2).length - 1]);
}

// Per axis [first, last] of what the unit would see of an input if the image went on at its borders; null: no saying.
export function withoutBorders(net, value, unit, input) {
  const along = net.borders.fields[net.borders.of[value]][input];
  if (!along) return null;
  const shape = shapeOf(net, value);
  const places = unit.slice(unit.length - (shape.length - 1));
  const sizes = net.inputs[input][1].slice(1);
  return along.map((field, axis) => {
    if (field === 0) return [0, sizes[axis] - 1];
    if (field === null) return null;
    if (field.length === 2) return field;
    if (places.length !== along.length || shape.length !== along.length + 1) return null;
    const [span, lows, highs] = field;
    const turns = Math.floor(places[axis] / lows.length);
    const phase = places[axis] % lows.length;
    return lows[phase] === null ? null : [lows[phase] + turns * span, highs[phase] + turns * span];
  });
}
