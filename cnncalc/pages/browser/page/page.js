// The page: `show(root, data)` draws it into an element, and again when it is called with other data.

import { derivationView } from "./derivation.js";
import { differenceView } from "./difference.js";
import { button, el, written } from "./dom.js";
import { nameOf } from "./fields.js";
import { graphView } from "./graph.js";
import { memoryView } from "./memory.js";
import { openAtFirst, pathTo, rowsOf } from "./rows.js";
import { notesOf } from "./sections.js";
import { tableView } from "./table.js";
import { toolsView } from "./tools.js";
import { treemapView } from "./treemap.js";
import { unitsView } from "./units.js";

const NARROW = 600; // pixels of a page in which the kinds are no column at first
const THEMES = ["light", "dark"];
const CARDS = ["params", "macs", "flops", "connections", "peak_activation_bytes", "receptive_field"];

const shownIn = new WeakMap(); // what ends the listeners of the page that an element shows

// What is chosen: it stays when the language changes, as far as the data has it.
function newState(data) {
  return { language: data.language, network: 0, theme: null, of: new Map() };
}

function stateOf(state, data, width) {
  if (!state.of.has(state.network)) {
    const net = data.networks[state.network];
    const rows = rowsOf(net);
    state.of.set(state.network, {
      rows, open: openAtFirst(rows), selected: null, sort: null, filter: "", heat: "macs", area: "macs",
      columns: new Set(net.columns.filter((column) => column.usual && !(column.key === "kind" && width < NARROW)).map((column) => column.key)),
    });
  }
  return state.of.get(state.network);
}

// Draws the page of some data (docs/report.md) into an element, in place of what is there. Gives what changes it:
// `speak(language)` and `remove()`.
export function show(root, data) {
  const state = newState(data);
  const at = Object.fromEntries(data.languages.map((language, i) => [language, i]));
  const ended = new AbortController();
  shownIn.get(root)?.abort();
  shownIn.set(root, ended);

  function text(place) {
    const found = data.texts[place];
    return Array.isArray(found) ? found[at[state.language]] : found;
  }

  function say(key, values = {}) {
    return text(data.own[key]).replace(/\{(\w+)\}/g, (_, name) => values[name] ?? "");
  }

  function draw(focus = null) {
    const net = data.networks[state.network];
    const own = stateOf(state, data, root.clientWidth || window.innerWidth);
    const heard = new Map();
    const app = {
      root, data, net, rows: own.rows, state: own, say, text,
      nameOf: (value) => nameOf(net, value),
      on: (event, listener) => heard.set(event, [...(heard.get(event) ?? []), listener]),
      emit: (event, what) => (heard.get(event) ?? []).forEach((listener) => listener(what)),
      explain: (place, key) => app.emit("explain", [place, key]),
      turn,
      select(place) {
        if (place !== null) for (const above of pathTo(own.rows, place).slice(0, -1)) if (!own.open.has(above)) { own.open.add(above); app.emit("fold"); }
        own.selected = place;
        app.emit("select", place);
      },
      fold(place) {
        if (own.open.has(place)) own.open.delete(place); else own.open.add(place);
        app.emit("fold");
      },
      foldAll(open) {
        own.open = new Set(open ? own.rows.filter((row) => row.children.length && row.type === 0).map((row) => row.place) : []);
        app.emit("fold");
      },
    };
    root.classList.add("look", "report");
    root.lang = state.language === "zh" ? "zh-CN" : state.language;
    if (root.id === "cnncalc") document.documentElement.lang = root.lang;
    root.replaceChildren(...[
      header(app),
      el("main", {}, [
        el("div", { class: "top" }, cards(app), warnings(app)),
        data.difference ? differenceView(app) : null,
        el("div", { class: "split" }, graphView(app), tableView(app)),
        treemapView(app),
        memoryView(app),
        unitsView(app),
        toolsView(app),
        el("section", { id: "notes" }, el("h2", {}, say("notes")), notesOf(app, net.notes)),
      ]),
      derivationView(app),
      el("footer", {}, say("made by", { name: data.generator })),
    ]);
    app.emit("shown");
    current = app;
    if (focus) root.querySelector(`[data-focus="${focus}"]`)?.focus();
  }

  let current = null;

  // The page of a network, which is drawn if another one is shown.
  function turn(network, focus) {
    if (network !== state.network) {
      state.network = network;
      draw(focus);
    }
    return current;
  }

  function header(app) {
    const { net } = app;
    const languages = data.languages.map((language) => button({ en: "English", zh: "中文" }[language] ?? language, () => speak(language, `language-${language}`),
      { "aria-pressed": String(state.language === language), lang: language === "zh" ? "zh-CN" : language, "data-focus": `language-${language}` }));
    const theme = button(say("light or dark"), () => {
      const now = state.theme ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
      state.theme = THEMES[1 - THEMES.indexOf(now)];
      root.dataset.theme = state.theme;
      current.emit("theme");
    }, { class: "theme" });
    const networks = data.networks.length > 1 ? el("div", { class: "chips networks", role: "group", "aria-label": say("network") }, data.networks.map((one, i) =>
      button(text(one.title), () => turn(i, `network-${i}`), { "aria-pressed": String(state.network === i), "data-focus": `network-${i}` }))) : null;
    return el("header", {}, el("div", { class: "title" }, el("h1", {}, net.name || say("network")), el("p", { class: "inputs" }, text(net.title))), networks,
      el("div", { class: "switches" }, el("div", { class: "chips", role: "group", "aria-label": say("language") }, languages), theme));
  }

  function cards(app) {
    const { net } = app;
    const known = CARDS.filter((key) => net.totals[key] !== null && net.totals[key] !== undefined);
    const values = known.map((key) => written(net.totals[key]) + (net.totals.left_out[key] ? " + ?" : ""));
    return el("div", { class: "cards", css: { "--digits": String(Math.max(0, ...values.map((value) => value.length))) } }, known.map((key, i) =>
      el("div", { class: "card" }, el("span", { class: "what" }, text(net.quantities[key].heading)),
        button(values[i], () => app.explain(-1, key), { class: "number", title: say("how", { name: key }) }))));
  }

  function warnings(app) {
    const broken = app.net.expectations.filter(([, , , holds]) => !holds);
    if (!broken.length) return null;
    return el("ul", { class: "broken" }, broken.map(([name, expected, actual]) => el("li", {}, say("not as expected", { name, expected, actual: written(actual) }))));
  }

  function speak(language, focus = null) {
    state.language = language;
    draw(focus);
  }

  window.addEventListener("beforeprint", () => current.emit("print"), { signal: ended.signal });
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => current.emit("theme"), { signal: ended.signal });
  draw();
  return { speak, remove() { ended.abort(); root.replaceChildren(); } };
}
