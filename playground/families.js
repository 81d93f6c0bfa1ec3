// The cards about many networks at once, solve and sweep: their fields, what they ask of the command line, and examples
// that fill them in.
const SHOWN = ["params", "macs", "flops", "receptive_field", "activation_bytes", "peak_activation_bytes"];

// What a field holds, also where a whole option was typed or pasted: --find "k=1..11"
function typed(field, option = field.name) {
  return field.value.trim().replace(new RegExp(`^--${option}[ =]`), "").replace(/^(['"])(.*)\1$/, "$2").trim();
}

const optional = (option, value) => (value ? [`--${option}`, value] : []);

// `word` is asked whenever a text is shown: the language changes.
function createCard(panel, word, names) {
  const examples = panel.querySelector(".examples");
  const { net } = panel.elements;
  let shownFor; // the text and the language of the examples that are there
  return {
    // Whether the network is the one in the editor
    get isAboutText() {
      return !net.value.trim();
    },

    // How the command names the network
    spec(named) {
      const text = typed(net, "expression");
      return text ? ["-e", text] : named;
    },

    // The fields as a link or an example has them
    fill(fields) {
      for (const name of names) panel.elements[name].value = fields[name] ?? "";
    },

    // `find` resolves to the examples for a text
    async offerExamples(key, find, submit) {
      if (key === shownFor) return;
      shownFor = key;
      const offered = await find().catch(() => []); // of a text with problems there are none
      if (key !== shownFor) return;
      examples.replaceChildren(...offered.map((example) => {
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

// The names that stand before a sign or a comma: what varies
const namesIn = (text) => [...text.matchAll(/(?:^|[\n,，;])\s*([\p{L}_][\p{L}\p{N}_]*)(?=\s*(?:=|[,，;]|$))/gu)].map(([, name]) => name);

// Questions asked backwards
export function createSolve(panel, word) {
  const { find, where, best } = panel.elements;
  const card = createCard(panel, word, ["net", "find", "where"]);
  const fillTexts = card.fill;

  // What can be the most or the least: what is sought, and numbers of a network
  function offerChoices(chosen = best.value) {
    const names = new Set([...namesIn(find.value).filter((name) => name !== "size"), ...SHOWN]);
    const group = (sign, key) => {
      const element = document.createElement("optgroup");
      element.label = word(key);
      element.append(...[...names].map((name) => new Option(word(`${key}Of`, { name }), sign + name)));
      return element;
    };
    best.replaceChildren(new Option(word("everySolution"), ""), group("+", "most"), group("-", "least"));
    if ([...best.options].some(({ value }) => value === chosen)) best.value = chosen;
  }

  find.onchange = () => offerChoices();
  return Object.assign(card, {
    offerChoices: () => offerChoices(),

    // What is asked of the command line, or null where nothing was asked yet
    question(named) {
      if (!typed(find) && !typed(where)) return null;
      const extreme = best.value ? [best.value[0] === "+" ? "--maximize" : "--minimize", best.value.slice(1)] : [];
      return ["command", ["solve", ...this.spec(named), ...optional("find", typed(find)), ...optional("where", typed(where)), ...extreme]];
    },

    fill(fields) {
      fillTexts(fields);
      offerChoices(fields.best ?? "");
    },
  });
}

// All members of a family: a plot of two numbers, and a table
export function createSweep(panel, word) {
  const { over, where, across, up } = panel.elements;
  const card = createCard(panel, word, ["net", "over", "where"]);
  const fillTexts = card.fill;

  function offerChoices(chosen = { across: across.value, up: up.value }) {
    const names = [...new Set([...SHOWN, ...namesIn(over.value).filter((name) => name !== "input")])];
    for (const [select, usual] of [[across, "macs"], [up, "params"]]) {
      const wanted = chosen[select.name];
      select.replaceChildren(...names.map((name) => new Option(name, name)));
      select.value = names.includes(wanted) ? wanted : usual;
    }
  }

  over.onchange = () => offerChoices();
  return Object.assign(card, {
    offerChoices: () => offerChoices(),

    question(named) {
      const overs = over.value.split("\n").map((line) => line.replace(/^\s*--over[ =]/, "").trim()).filter(Boolean);
      if (!overs.length) return null;
      const axes = [across.value, up.value];
      const columns = [...new Set([...axes, "params", "macs"])].filter((name) => SHOWN.includes(name)).join(",");
      const varied = overs.flatMap((values) => ["--over", values]);
      const plot = ["--plot", axes.join(","), "--svg", "OUT"];
      return ["drawing", ["sweep", ...this.spec(named), ...varied, ...optional("where", typed(where)), "--columns", columns, ...plot]];
    },

    fill(fields) {
      fillTexts(fields);
      offerChoices(fields);
    },
  });
}
