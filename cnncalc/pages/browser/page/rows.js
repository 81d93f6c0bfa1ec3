// The rows of a network as a tree: blocks, rows of the table, and the operations of a row.

export const BLOCK = 0;
export const ROW = 1;
export const OPERATION = 2;
const MOST_AT_FIRST = 40; // rows that are seen before anybody unfolds

// [{place, type, name, label, kind, family, parent, depth, first, last, node, values, children}, ...]
export function rowsOf(net) {
  const columns = net.columns.filter(({ key }) => key !== "name" && key !== "kind" && key !== "inputs");
  const keysOf = (field) => columns.filter((column) => Boolean(column.field) === field).map((column) => column.key);
  const [fieldKeys, sharedKeys] = [keysOf(true), keysOf(false)];
  const rows = net.rows.map((data, place) => {
    const [type, ownName, ownKind, parent, first, last, node, shared, fields, inputs = net.nodes.reads[first]] = data;
    const [name, kind] = [ownName || net.nodes.name[node], ownKind || net.nodes.kind[node]];
    const values = { inputs };
    sharedKeys.forEach((key, i) => (values[key] = net.values[shared][i]));
    fieldKeys.forEach((key, i) => (values[key] = net.fields[fields][i]));
    return { place, type, name, kind, parent, first, last, node, values, depth: 0, children: [], label: name };
  });
  for (const row of rows) {
    [row.family, row.familyText] = net.families[net.nodes.kind[row.node]] ?? ["other", null];
    if (row.type === BLOCK) [row.family, row.familyText] = ["block", null];
    const above = rows[row.parent];
    if (!above) continue;
    row.depth = above.depth + 1;
    above.children.push(row.place);
    if (row.type !== OPERATION && row.name.startsWith(`${above.name}/`)) row.label = row.name.slice(above.name.length + 1);
    if (row.type === ROW && row.name === above.name) {
      row.label = row.name.split("/").at(-1);
      [above.family, above.familyText] = [row.family, row.familyText]; // a layer with what is appended to it
    }
    if (row.type === OPERATION) row.label = row.name === above.name ? row.kind : row.name.split("/").at(-1);
  }
  return rows;
}

// The places of the blocks that are open at first: as many levels as leave few rows.
export function openAtFirst(rows) {
  const blocks = rows.filter((row) => row.type === BLOCK);
  let open = new Set();
  for (let depth = 0; ; depth++) {
    const next = new Set(blocks.filter((row) => row.depth <= depth).map((row) => row.place));
    if (next.size === open.size) return open;
    if (visibleRows(rows, next).length > MOST_AT_FIRST) return open;
    open = next;
  }
}

// The rows that are seen when these are open, in order.
export function visibleRows(rows, open) {
  return rows.filter((row) => {
    for (let above = row.parent; above >= 0; above = rows[above].parent) if (!open.has(above)) return false;
    return true;
  });
}

// The row, not the operation, in which an operation is shown.
export function rowOfNode(rows, node) {
  return rows.find((row) => row.type === ROW && row.first <= node && node < row.last && includes(rows, row, node));
}

function includes(rows, row, node) {
  return row.node === node || row.children.some((place) => rows[place].node === node);
}

// A row and all that it lies in, from outside in.
export function pathTo(rows, place) {
  const path = [];
  for (let above = place; above >= 0; above = rows[above].parent) path.unshift(above);
  return path;
}

// Whether a block is a layer with what is appended to it: it is drawn as one.
export function isLayer(rows, row) {
  return row.type === BLOCK && row.children.some((place) => rows[place].name === row.name);
}
