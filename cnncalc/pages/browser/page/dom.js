// Elements, numbers as people read them, and equations. Nothing here is made of text that could be markup.

const MATHML = "http://www.w3.org/1998/Math/MathML";
const SVG = "http://www.w3.org/2000/svg";
const OF_MATH = new Set(["mrow", "mi", "mn", "mo", "mtext", "msub", "msup", "mfrac"]);

function filled(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "css") for (const [key, text] of Object.entries(value)) element.style.setProperty(key, text);
    else element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

// An element of HTML: attributes, `on...` listeners, `css` properties, then what is in it.
export function el(name, attributes, ...children) {
  return filled(document.createElement(name), attributes, children);
}

// The same of SVG.
export function svg(name, attributes, ...children) {
  return filled(document.createElementNS(SVG, name), attributes, children);
}

// A button; `pressed` and `expanded` are said to those who listen.
export function button(label, onclick, attributes = {}) {
  return el("button", { type: "button", onclick, ...attributes }, label);
}

// 25,557,032; numbers beyond 2^53 come as text.
export function grouped(value) {
  if (value === null || value === undefined) return "?";
  const text = typeof value === "number" && !Number.isInteger(value) ? value.toFixed(2) : String(value);
  if (/^-?\d+\.\d+$/.test(text)) return text.replace(/\B(?=(\d{3})+\.)/, ",");
  if (!/^-?\d+$/.test(text)) return text;
  return text.replace(/\B(?=(\d{3})+$)/g, ",");
}

// A count, the sizes of a shape as 6x28x28, or ? for what is not known.
export function written(value) {
  if (!Array.isArray(value)) return grouped(value);
  return value.length ? value.map((part) => (part === null ? "?" : String(part))).join("x") : "?";
}

// 12.5
export function perCent(value) {
  return value === null || value === undefined ? "?" : value.toFixed(1);
}

// What a value is sorted by, and how large it is drawn: sizes go by how many elements they are.
export function magnitude(value) {
  if (value === null || value === undefined) return -1;
  if (Array.isArray(value)) {
    const known = value.filter((part) => typeof part === "number");
    return known.length ? known.reduce((a, b) => a * b, 1) : -1;
  }
  return Number(value);
}

function copied(node, values, names) {
  if (!OF_MATH.has(node.localName)) return document.createTextNode(node.textContent);
  const made = document.createElementNS(MATHML, node.localName);
  if (!node.childNodes.length && node.localName === "mn") made.textContent = grouped(values.shift());
  else if (!node.childNodes.length && node.localName === "mtext") made.textContent = names[values.shift()];
  else {
    for (const child of node.childNodes) {
      made.append(child.nodeType === Node.ELEMENT_NODE ? copied(child, values, names) : child.textContent);
    }
  }
  return made;
}

const parsedFormulas = new Map();

function parsedFormula(formula) {
  if (!parsedFormulas.has(formula)) {
    const text = `<math xmlns="${MATHML}">${formula}</math>`;
    parsedFormulas.set(formula, new DOMParser().parseFromString(text, "application/xml").documentElement);
  }
  return parsedFormulas.get(formula);
}

// An equation, [formula, ...values], as what stands between its signs of equality: each a list of <math>, so that a
// line may be broken behind an operator.
export function equationParts(line, formulas, names) {
  const values = line.slice(1);
  const parts = [[]];
  let piece = [];
  const close = () => {
    if (!piece.length) return;
    const math = document.createElementNS(MATHML, "math");
    math.setAttribute("displaystyle", "true");
    math.append(...piece);
    parts.at(-1).push(math);
    piece = [];
  };
  for (const child of parsedFormula(formulas[line[0]]).children) {
    const sign = child.localName === "mo" ? child.textContent : "";
    if (sign === "=") {
      close();
      parts.push([]);
      continue;
    }
    const made = copied(child, values, names);
    piece.push(made);
    if (piece.length > 1 && (sign === "+" || sign === "−" || sign === "×")) {
      made.setAttribute("form", "infix");
      close();
    }
  }
  close();
  return parts;
}

// A colour of the style sheet, as canvas needs it.
export function colourOf(root, variable) {
  const probe = el("span", { css: { color: `var(${variable})` } });
  root.append(probe);
  const found = getComputedStyle(probe).color;
  probe.remove();
  return found;
}

// A text that fits into a canvas, its end kept: where names are long they differ there.
export function fitted(context, text, width) {
  let shown = text;
  for (let first = 1; context.measureText(shown).width > width && first < text.length; first++) shown = `…${text.slice(first)}`;
  return shown;
}

// A picture's canvas, sharp on every screen: its context, in CSS pixels. Where there is less room it shrinks as a whole.
export function sized(canvas, width, height) {
  const ratio = window.devicePixelRatio || 1;
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(height * ratio);
  canvas.style.setProperty("width", `${width}px`);
  canvas.style.setProperty("height", "auto");
  const context = canvas.getContext("2d");
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  return context;
}
