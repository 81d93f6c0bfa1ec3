// Exact sets of elements of a map, as unions of products: as in fields/sets/regions.py, with BigInt for integers.
//
// A region of one axis is a BigInt, bit i for place i; a region of more axes is a list of [places, region of the others],
// the places disjoint, the regions different. What is empty is 0n, or a list without entries.

export function whole(n) {
  return (1n << BigInt(n)) - 1n;
}

// The places of runs, [first, last, first, last, ...].
export function ofRuns(ends) {
  let found = 0n;
  for (let i = 0; i < ends.length; i += 2) found |= whole(ends[i + 1] - ends[i] + 1) << BigInt(ends[i]);
  return found;
}

export function isEmpty(region) {
  return typeof region === "bigint" ? region === 0n : region.length === 0;
}

// The elements whose place on every axis is among these.
export function product(places) {
  if (places.some((mask) => mask === 0n)) return places.length === 1 ? 0n : [];
  return places.slice(0, -1).reduceRight((rest, mask) => [[mask, rest]], places.at(-1));
}

export function everything(shape) {
  return product(shape.map(whole));
}

function keyOf(region) {
  if (typeof region === "bigint") return region.toString(36);
  return `(${region.map(([mask, rest]) => `${mask.toString(36)}:${keyOf(rest)}`).join(",")})`;
}

// The elements of either.
export function union(a, b) {
  if (isEmpty(a)) return b;
  if (isEmpty(b)) return a;
  if (typeof a === "bigint") return a | b;
  return keyOf(a) === keyOf(b) ? a : joined([...a, ...b]);
}

// The region of parts that may overlap.
export function joined(parts) {
  const byRest = new Map();
  for (const [mask, rest] of parts) {
    if (mask === 0n || isEmpty(rest)) continue;
    const key = keyOf(rest);
    byRest.set(key, [(byRest.get(key)?.[0] ?? 0n) | mask, rest]);
  }
  let found = new Map();
  for (let [mask, rest] of byRest.values()) {
    const next = new Map();
    const put = (places, region) => {
      const key = keyOf(region);
      next.set(key, [(next.get(key)?.[0] ?? 0n) | places, region]);
    };
    for (let [places, known] of found.values()) {
      const common = places & mask;
      if (common) {
        put(common, union(known, rest));
        mask ^= common;
        places ^= common;
      }
      if (places) put(places, known);
    }
    if (mask) put(mask, rest);
    found = next;
  }
  const first = (mask) => mask & -mask;
  return [...found.values()].sort((a, b) => (first(a[0]) < first(b[0]) ? -1 : 1));
}

// Disjoint products that make up the region: for each, the places on every axis.
export function products(region) {
  if (typeof region === "bigint") return region ? [[region]] : [];
  return region.flatMap(([mask, rest]) => products(rest).map((places) => [mask, ...places]));
}

// For every axis the places that some element has.
export function shadows(region, axes) {
  const found = Array(axes).fill(0n);
  for (const places of products(region)) places.forEach((mask, axis) => (found[axis] |= mask));
  return found;
}

export function bitCount(mask) {
  let count = 0;
  for (const digit of mask.toString(16)) count += [0, 1, 1, 2, 1, 2, 2, 3, 1, 2, 2, 3, 2, 3, 3, 4][parseInt(digit, 16)];
  return count;
}

// How many elements there are.
export function sizeOf(region) {
  if (typeof region === "bigint") return bitCount(region);
  return region.reduce((sum, [mask, rest]) => sum + bitCount(mask) * sizeOf(rest), 0);
}

// Places in a row, as [first, last].
export function runsOf(mask) {
  const text = mask.toString(2);
  const found = [];
  for (let end = text.length; end > 0; ) {
    const last = text.lastIndexOf("1", end - 1);
    if (last < 0) break;
    const before = text.lastIndexOf("0", last);
    found.push([text.length - 1 - last, text.length - 2 - before]);
    end = before;
    if (before <= 0) break;
  }
  return found;
}

export function placesOf(mask) {
  return runsOf(mask).flatMap(([first, last]) => Array.from({ length: last - first + 1 }, (_, i) => first + i));
}

// Place i moved to i * step.
export function spread(mask, step) {
  return step === 1 || mask < 2n ? mask : BigInt(`0b${[...mask.toString(2)].join("0".repeat(step - 1))}`);
}

// Of the places first, first + step, ... those that are set, moved to 0, 1, ...
export function everyNth(mask, step, first) {
  if (step === 1) return mask >> BigInt(first);
  const text = mask.toString(2);
  let found = "";
  for (let i = text.length - 1 - first; i >= 0; i -= step) found = text[i] + found;
  return found ? BigInt(`0b${found}`) : 0n;
}

// The places, and those `step`, 2 `step`, ... further on, `times` in all.
export function repeated(mask, times, step) {
  for (let done = 1; done < times; ) {
    const more = Math.min(done, times - done);
    mask |= mask << BigInt(more * step);
    done += more;
  }
  return mask;
}

// The region of a vector that holds the elements of a map row by row.
export function ravelled(region, shape) {
  if (typeof region === "bigint") return region;
  const inner = shape.slice(1).reduce((a, b) => a * b, 1);
  return region.reduce((sum, [mask, rest]) => sum | (spread(mask, inner) * ravelled(rest, shape.slice(1))), 0n);
}

// The region of a map of this shape whose elements, row by row, are these of a vector.
export function unravelled(mask, shape) {
  if (shape.length === 1) return mask;
  const inner = shape.slice(1).reduce((a, b) => a * b, 1);
  if (mask === whole(inner * shape[0])) return everything(shape);
  const text = mask.toString(2).padStart(inner * shape[0], "0");
  const parts = [];
  for (let i = 0; i < shape[0]; i++) {
    const chunk = BigInt(`0b${text.slice(text.length - (i + 1) * inner, text.length - i * inner)}`);
    if (chunk) parts.push([1n << BigInt(i), unravelled(chunk, shape.slice(1))]);
  }
  return joined(parts);
}

// The region with axis i being what axis order[i] was.
export function permuted(region, order) {
  return products(region).reduce((found, places) => union(found, product(order.map((axis) => places[axis]))), []);
}
