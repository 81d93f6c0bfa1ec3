// Questions asked backwards: their fields, examples that fill them in, and a Python of their own, so that the text can be
// changed and the report answers while one of them is searched.
import { startPython } from "./python.js";

const LONGEST = 10_000; // milliseconds that a search may take
const HOLDS_UP = 1_000; // one that takes longer is stopped by the next question
const SHOWN = ["params", "macs", "flops", "receptive_field", "activation_bytes", "peak_activation_bytes"];

// `word` is asked whenever a text is shown: the language changes.
export function createSolve(panel, word, onState) {
  const { net, find, where, best } = panel.elements;
  const examples = panel.querySelector(".examples");
  let shownFor; // the text and the language of the examples that are there
  let ask;

  // What can be the most or the least: numbers of a network, and what is sought
  function offerBest(chosen = best.value) {
    const sought = [...find.value.matchAll(/(?:^|[,，;])\s*([\p{L}_][\p{L}\p{N}_]*)/gu)].map(([, name]) => name).filter((name) => name !== "size");
    const names = [...new Set([...sought, ...SHOWN])];
    const group = (sign, key) => {
      const element = document.createElement("optgroup");
      element.label = word(key);
      element.append(...names.map((name) => new Option(word(`${key}Of`, { name }), sign + name)));
      return element;
    };
    best.replaceChildren(new Option(word("everySolution"), ""), group("+", "most"), group("-", "least"));
    if ([...best.options].some(({ value }) => value === chosen)) best.value = chosen;
  }

  return {
    offerBest: () => offerBest(),

    // Whether the network is the one in the editor
    get isAboutText() {
      return !net.value.trim();
    },

    // The words of the command line, or null where nothing was asked yet
    argv(named) {
      const typed = (field, option) => field.value.trim().replace(new RegExp(`^--${option}[ =]`), "").replace(/^(['"])(.*)\1$/, "$2").trim();
      const [finds, conditions, text] = [typed(find, "find"), typed(where, "where"), typed(net, "expression")];
      if (!finds && !conditions) return null;
      const spec = text ? ["-e", text] : named;
      const extreme = best.value ? [best.value[0] === "+" ? "--maximize" : "--minimize", best.value.slice(1)] : [];
      return ["solve", ...spec, ...(finds ? ["--find", finds] : []), ...(conditions ? ["--where", conditions] : []), ...extreme];
    },

    // Its Python starts when the card is opened, while one types.
    start() {
      ask ??= startPython(onState, LONGEST);
    },

    // Resolves to what the command prints. Rejects with `slow` where it was stopped.
    search(request) {
      this.start();
      ask.stopOlderThan(HOLDS_UP);
      return ask("command", request);
    },

    stop: () => ask?.stop(),

    // The fields as a link or an example has them
    fill(fields) {
      for (const name of ["net", "find", "where"]) panel.elements[name].value = fields[name] ?? "";
      offerBest(fields.best ?? "");
    },

    // `find` resolves to the examples for a text
    async offerExamples(key, find, submit) {
      if (key === shownFor) return;
      shownFor = key;
      const offered = await find().catch(() => []); // of a text with problems there are none
      if (key === shownFor) examples.replaceChildren(...offered.map((example) => {
        const button = document.createElement("button");
        button.type = "button";
        button.textContent = word(`example_${example.about}`, example);
        button.onclick = () => {
          this.fill(example);
          submit();
        };
        return button;
      }));
    },
  };
}
