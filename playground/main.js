// The page: what is typed goes to Python in its worker, what comes back is shown. No number is made here.
import { createEditor } from "./editor.bundle.js";
import { createSolve, createSweep } from "./families.js";
import { fromFragment, toFragment } from "./link.js";
import { startPython } from "./python.js";
import { showReport } from "./report.js";
import { createSearch } from "./search.js";
import { LANGUAGES, wordsIn } from "./words.js";

const PAUSE = 250; // milliseconds without a key before the text is read
const FIRST = "lenet5";
const TOOLS = ["explain", "check", "solve", "sweep", "field"];
const LARGEST = 1_500_000_000; // bytes of a model: what Python can hold in a page
const QUANTITIES = ["output", "params", "connections", "macs", "flops", "receptive_field", "parameter_bytes", "activation_bytes"];

const at = (id) => document.getElementById(id);
let state = { spec: null, lang: navigator.language?.startsWith("zh") ? "zh" : "en", tool: "explain", fields: {} };
let word = wordsIn(state.lang);
let rows = [];
let round = 0; // only the newest text is shown, whatever order answers come in
let turn = 0; // and of the questions about it the newest
let lastAbout = "";
let networks = [];
let kinds = [];
let model = null; // {file, why, unknown, before}: what is shown where no spec says a model; `before` was in the editor

const ask = startPython(({ progress, failed }) => {
  if (failed) say("failed", { why: failed });
  else if (progress) say(progress);
});
const editor = createEditor(at("editor"), { label: "cnncalc", kinds: () => kinds, onChange: changed });
const readSoon = later(PAUSE, update);
const search = createSearch(({ failed }) => failed && say("failed", { why: failed }));
const inWords = (key, values) => word(key, values);
const cards = { solve: createSolve(at("panel-solve"), inWords), sweep: createSweep(at("panel-sweep"), inWords) };

// A question about what is open: the text, or a model that no text says.
const askAbout = (name, request = {}) =>
  model ? ask(name, { ...request, unknown: model.unknown }, model.file) : ask(name, { ...request, spec: state.spec });

// How a command names it, with the option that it needs.
const FILE = "network.yaml";
const reading = () => (model?.unknown ? ["--allow-unknown"] : []);
const named = () => [...reading(), FILE];

function say(key, values) {
  at("state").textContent = word(key, values);
  at("state").dataset.key = key;
}

function later(pause, work) {
  let timer;
  return () => {
    clearTimeout(timer);
    timer = setTimeout(work, pause);
  };
}

function changed() {
  at("state").dataset.key = "typed";
  readSoon();
}

function complain(error) {
  if (error.slow) say("slow");
  else say("broken", { why: error.message });
}

function translate() {
  word = wordsIn(state.lang);
  document.documentElement.lang = state.lang === "zh" ? "zh-CN" : "en";
  for (const element of document.querySelectorAll("[data-text]")) element.textContent = word(element.dataset.text);
  for (const element of document.querySelectorAll("[data-label]")) element.setAttribute("aria-label", word(element.dataset.label));
  for (const element of document.querySelectorAll("[data-hint]")) element.placeholder = word(element.dataset.hint);
  at("language").value = state.lang;
  for (const card of Object.values(cards)) card.offerChoices();
  if (["loading", "unpack", "import", "ready"].includes(at("state").dataset.key)) say(at("state").dataset.key);
}

async function offerNetworks() {
  ({ networks } = await ask("choices", { lang: state.lang }));
  const groups = new Map([["", [new Option(`(${word("own")})`, "")]]]);
  for (const { family, name, title } of networks) {
    if (!groups.has(family)) groups.set(family, []);
    groups.get(family).push(new Option(title === name ? name : `${name}: ${title}`, name));
  }
  at("networks").replaceChildren(...[...groups].flatMap(([family, options]) => {
    if (!family) return options;
    const group = document.createElement("optgroup");
    group.label = family;
    group.append(...options);
    return [group];
  }));
  at("networks").value = networks.find(({ spec }) => spec === editor.text)?.name ?? "";
}

// Reads the text anew: its problems, the report, and the question below it.
async function update() {
  const mine = ++round;
  const spec = (state.spec = editor.text);
  at("networks").value = networks.find((network) => network.spec === spec)?.name ?? "";
  say("counting");
  keepLink();
  try {
    const problems = model ? [] : await ask("problems", { spec, lang: state.lang });
    if (mine !== round) return;
    showProblems(problems);
    const broken = problems.some(({ severity }) => severity === "error");
    at("right").classList.toggle("stale", broken);
    at("right").dataset.note = word("picture");
    if (!broken) {
      const answer = await askAbout("command", { argv: ["analyze", ...named(), "--format", "json"] });
      if (mine !== round) return;
      if (answer.status !== 0) return complain(new Error(answer.err));
      rows = JSON.parse(answer.out).layers;
      offerLayers();
      await showReport(at("report"), { ask: askAbout, lang: state.lang, isCurrent: () => mine === round });
      if (mine !== round) return;
      await answerQuestion(false);
    }
    if (mine === round) say("ready");
  } catch (error) {
    if (mine === round) complain(error);
  }
}

function showProblems(problems) {
  editor.mark(problems);
  at("problems").replaceChildren(...problems.map(({ line, column, problem, hint, severity }) => {
    const item = document.createElement("li");
    item.className = severity;
    const place = document.createElement("button");
    place.textContent = `${line}:${column}`;
    place.onclick = () => editor.goTo(line, column);
    item.append(place, ` ${problem}`);
    if (hint) {
      const more = document.createElement("small");
      more.textContent = hint;
      item.append(" ", more);
    }
    return item;
  }));
}

// Names of layers in both choices of one; what was chosen stays where it still exists.
function offerLayers() {
  for (const select of document.querySelectorAll("select[name=layer]")) {
    const before = select.value || state.fields.layer;
    const first = select.closest("form").id === "panel-explain" ? [new Option(word("all"), "")] : [];
    const named = rows.filter(({ output }) => first.length || output?.length > 1);
    select.replaceChildren(...first, ...named.map(({ name }) => new Option(name, name)));
    if ([...select.options].some(({ value }) => value === before)) select.value = before;
    else if (first.length && rows.length) select.value = rows[0].name;
  }
  const quantity = document.querySelector("select[name=quantity]");
  if (!quantity.options.length) quantity.append(new Option(word("all"), ""), ...QUANTITIES.map((name) => new Option(name, name)));
}

function chooseTool(tool) {
  state.tool = tool;
  for (const name of TOOLS) {
    at(`tab-${name}`).setAttribute("aria-selected", name === tool);
    at(`tab-${name}`).tabIndex = name === tool ? 0 : -1;
    at(`panel-${name}`).hidden = name !== tool;
  }
}

const fieldsOf = (tool) => Object.fromEntries(new FormData(at(`panel-${tool}`)));

// The address that gives this page again: the text, the language, the question as it stands in its fields.
async function linkOf() {
  const fields = fieldsOf(state.tool);
  return `${location.href.split("#")[0]}#${await toFragment({ ...state, fields, spec: editor.text })}`;
}

// What the open tool asks of the command line, or null where nothing was asked yet.
function question() {
  const fields = fieldsOf(state.tool);
  const html = ["--format", "html", "--lang", state.lang];
  if (state.tool === "explain") {
    return ["command", ["explain", ...named(), ...[fields.layer, fields.layer && fields.quantity].filter(Boolean), ...html]];
  }
  if (state.tool === "check") {
    // Blanks round the sign are as people write them; a sentence without a sign goes as it is
    const answers = fields.answers.split("\n").map((line) => line.trim().replace(/\s*[=:＝：]\s*/, "=")).filter(Boolean);
    return answers.length ? ["command", ["check", ...reading(), ...html, "--explain", "--", FILE, ...answers]] : null;
  }
  if (state.tool in cards) {
    const asked = cards[state.tool].question(["network.yaml"]);
    return asked && [asked[0], [...asked[1], ...html]];
  }
  const row = rows.find(({ name }) => name === fields.layer);
  if (!row) return null;
  const unit = fields.unit.trim() || row.output.slice(1).map((size) => Math.floor(size / 2)).join(",");
  drawUnits(row, unit);
  return ["drawing", ["rf", ...named(), "--unit", `${row.name}[${unit}]`, "--svg", "OUT", ...html]];
}

// `anew` also where the question is not about the text that has changed.
async function answerQuestion(anew = true) {
  const asked = question();
  keepLink();
  const card = cards[state.tool];
  if (card) openCard(card);
  const about = JSON.stringify([asked, !card || card.isAboutText ? state.spec : null]);
  if (!anew && about === lastAbout) return;
  lastAbout = about;
  const mine = ++turn;
  const isCurrent = () => mine === turn;
  const shown = at("answer").shadowRoot ?? at("answer").attachShadow({ mode: "open" });
  if (!asked) return shown.replaceChildren();
  const [name, argv] = asked;
  if (!card) return showAnswer(await askAbout(name, { argv }), shown, isCurrent);
  if (model && card.isAboutText) return showAnswer({ status: 2, out: "", err: word("noFamily") }, shown, isCurrent);
  const waiting = setTimeout(() => isCurrent() && showSearch(shown), 300);
  try {
    showAnswer(await search.run(name, { argv, spec: state.spec }), shown, isCurrent);
  } catch (error) {
    if (!error.slow) throw error;
    showAnswer({ status: 2, out: "", err: word("slowSearch") }, shown, isCurrent);
  } finally {
    clearTimeout(waiting);
  }
}

function openCard(card) {
  search.start();
  const { tool } = state;
  const find = async () => (await ask("examples", { spec: state.spec }))[tool];
  card.offerExamples(`${state.lang} ${state.spec}`, find, () => answerQuestion().catch(complain));
}

// What takes longer can be stopped.
function showSearch(shown) {
  const text = document.createElement("p");
  const button = document.createElement("button");
  button.textContent = word("stop");
  button.onclick = () => {
    turn++; // nobody waits for it any longer
    search.stop();
    text.replaceChildren(word("stopped"));
  };
  text.append(word("searching"), " ", button);
  shown.replaceChildren(text);
}

function showAnswer({ status, out, err, picture }, shown, isCurrent) {
  if (!isCurrent()) return;
  shown.replaceChildren();
  if (picture) {
    const image = new Image();
    image.src = URL.createObjectURL(new Blob([picture], { type: "image/svg+xml" }));
    image.style.maxWidth = "100%";
    image.alt = word(state.tool);
    image.onload = () => URL.revokeObjectURL(image.src);
    shown.append(image);
  }
  if (out.startsWith("<!doctype") && (!picture || state.tool === "sweep")) {
    const page = new DOMParser().parseFromString(out, "text/html");
    const style = document.createElement("style");
    style.textContent = ".cnncalc h1 { display: none } .cnncalc h2 { font-size: 1.05em }";
    shown.append(page.querySelector(".cnncalc"), style);
  }
  if (status > 1 || err) {
    const text = document.createElement("pre");
    text.style.cssText = "white-space: pre-wrap; color: var(--error)";
    text.textContent = err.replace(/^[^]*?--help[^\n]*\n\n/, ""); // how it is called in a terminal
    shown.append(text);
  }
}

// The map of a layer as a grid to click; large maps as one area.
function drawUnits(row, unit) {
  const [height, width] = row.output.length > 2 ? row.output.slice(-2) : [1, row.output.at(-1)];
  const chosen = unit.split(",").map(Number);
  const drawing = at("units");
  drawing.setAttribute("viewBox", `0 0 ${width} ${height}`);
  drawing.style.aspectRatio = `${width} / ${height}`;
  const part = (name, attributes) => {
    const element = document.createElementNS("http://www.w3.org/2000/svg", name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    return element;
  };
  const lines = [];
  if (width <= 64 && height <= 64) {
    for (let x = 1; x < width; x++) lines.push(`M${x} 0V${height}`);
    for (let y = 1; y < height; y++) lines.push(`M0 ${y}H${width}`);
  }
  drawing.replaceChildren(
    part("rect", { class: "map", width, height }),
    part("path", { class: "grid", d: lines.join("") }),
    part("rect", { class: "chosen", x: chosen.at(-1) || 0, y: (row.output.length > 2 ? chosen.at(-2) : 0) || 0, width: 1, height: 1 }),
  );
  drawing.onclick = (event) => {
    const box = drawing.getBoundingClientRect();
    const place = (share, size) => Math.min(Math.max(Math.floor(share * size), 0), size - 1);
    const x = place((event.clientX - box.left) / box.width, width);
    const y = place((event.clientY - box.top) / box.height, height);
    const others = row.output.slice(1, -2).map((size) => Math.floor(size / 2));
    at("panel-field").elements.unit.value = (row.output.length > 2 ? [...others, y, x] : [x]).join(",");
    answerQuestion().catch(complain);
  };
}

// A model stays on this machine: no link holds it.
const keepLink = later(300, async () => {
  history.replaceState(null, "", model ? location.href.split("#")[0] : await linkOf());
});

async function open(file) {
  try {
    if (/\.ya?ml$/i.test(file.name)) return write(await file.text());
    if (file.size > LARGEST) return say("unread", { name: file.name, why: word("large") });
    say("reading", { name: file.name, size: sizeOf(file) });
    round++; // an answer on its way is about what was open before
    const { spec, error, why, unknown } = await ask("model", { lang: state.lang }, file);
    if (error) return say("unread", { name: file.name, why: error });
    if (spec !== undefined) return write(spec);
    const before = model ? model.before : editor.text;
    model = { file, why, unknown, before };
    showModel();
  } catch (error) {
    complain(error);
  }
}

const sizeOf = ({ size }) => (size < 1e6 ? `${Math.ceil(size / 1e3)} kB` : `${(size / 1e6).toFixed(1)} MB`);

// A text to edit, in place of what was open.
function write(text) {
  model = null;
  showModel();
  editor.text = text;
}

// Where no spec says what is open, the editor says why, and is read alone.
function showModel() {
  editor.locked = model !== null;
  at("back").hidden = model === null;
  at("share").disabled = model !== null;
  at("share").title = model ? word("stays") : "";
  if (!model) return;
  const lines = word("fromFile", { name: model.file.name, size: sizeOf(model.file), why: model.why });
  const text = lines.split("\n").map((line) => `# ${line}\n`).join("");
  if (editor.text === text) readSoon();
  else editor.text = text; // which reads it
}

// A link that comes while the page is open, or with it.
async function openLink() {
  try {
    const found = await fromFragment(location.hash);
    if (!found) return false;
    state = {
      spec: found.spec,
      lang: LANGUAGES.includes(found.lang) ? found.lang : state.lang,
      tool: TOOLS.includes(found.tool) ? found.tool : "explain",
      fields: found.fields ?? {},
    };
    chooseTool(state.tool);
    if (state.tool in cards) cards[state.tool].fill(state.fields);
    else for (const [name, value] of Object.entries(state.fields)) {
      const field = at(`panel-${state.tool}`).elements[name];
      if (field && field.tagName !== "SELECT") field.value = value;
    }
    return true;
  } catch {
    say("cut");
    return false;
  }
}

function listen() {
  for (const name of TOOLS) {
    at(`tab-${name}`).onclick = () => {
      chooseTool(name);
      answerQuestion().catch(complain);
    };
    at(`tab-${name}`).onkeydown = ({ key }) => {
      const step = { ArrowRight: 1, ArrowLeft: -1 }[key];
      if (!step) return;
      const next = TOOLS[(TOOLS.indexOf(name) + step + TOOLS.length) % TOOLS.length];
      at(`tab-${next}`).focus();
      at(`tab-${next}`).click();
    };
    at(`panel-${name}`).onsubmit = (event) => {
      event.preventDefault();
      answerQuestion().catch(complain);
    };
    for (const select of at(`panel-${name}`).querySelectorAll("select")) {
      select.onchange = () => {
        if (name === "field") at("panel-field").elements.unit.value = "";
        answerQuestion().catch(complain);
      };
    }
  }
  at("networks").onchange = () => {
    const chosen = networks.find(({ name }) => name === at("networks").value);
    if (chosen) write(chosen.spec);
  };
  at("language").onchange = async () => {
    state.lang = at("language").value;
    translate();
    for (const select of document.querySelectorAll("select[name=quantity]")) select.replaceChildren();
    await offerNetworks();
    if (model) await open(model.file); // which says anew why no spec says it
    else await update();
  };
  at("back").onclick = () => write(model.before);
  at("share").onclick = async () => {
    const link = await linkOf();
    history.replaceState(null, "", link);
    try {
      await navigator.clipboard.writeText(link);
      say("copied");
    } catch {
      say("address"); // a browser may keep pages from the clipboard; the address line has the link
    }
  };
  at("file").onchange = () => at("file").files[0] && open(at("file").files[0]);
  addEventListener("dragover", (event) => {
    event.preventDefault();
    at("drop").hidden = false;
  });
  addEventListener("dragleave", (event) => !event.relatedTarget && (at("drop").hidden = true));
  addEventListener("drop", (event) => {
    event.preventDefault();
    at("drop").hidden = true;
    if (event.dataTransfer.files[0]) open(event.dataTransfer.files[0]);
  });
  addEventListener("hashchange", async () => {
    if (await openLink()) {
      translate();
      write(state.spec);
    }
  });
}

async function begin() {
  const linked = await openLink();
  translate();
  chooseTool(state.tool);
  listen();
  if (at("state").dataset.key !== "cut") say("loading");
  if (linked) editor.text = state.spec;
  navigator.serviceWorker?.register("service-worker.js").catch(() => {}); // without it the page works, with a network
  try {
    await offerNetworks();
    kinds = JSON.parse((await ask("command", { argv: ["kinds", "--format", "json"] })).out).kinds.map(({ name }) => name);
    // Whoever typed while Python was loading keeps that text
    if (!linked && !editor.text) editor.text = networks.find(({ name }) => name === FIRST).spec;
    at("networks").value = networks.find(({ spec }) => spec === editor.text)?.name ?? "";
    await update();
  } catch (error) {
    complain(error);
  }
}

begin();
