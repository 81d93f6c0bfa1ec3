// The editor: CodeMirror with the colours of the spec language and problems at their columns.
import { autocompletion, completionKeymap } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap, indentWithTab } from "@codemirror/commands";
import { HighlightStyle, StreamLanguage, syntaxHighlighting } from "@codemirror/language";
import { lintGutter, lintKeymap, setDiagnostics } from "@codemirror/lint";
import { Compartment, EditorState } from "@codemirror/state";
import { EditorView, drawSelection, highlightActiveLine, keymap, lineNumbers } from "@codemirror/view";
import { tags } from "@lezer/highlight";

const KEYS = /^(name|source|params|inputs?|defaults|blocks|layers|outputs|expect)(?=\s*:)/;

const language = StreamLanguage.define({
  name: "cnncalc",
  startState: () => ({ kind: false }),
  token(stream, state) {
    if (stream.sol()) state.kind = false;
    if (stream.eatSpace()) return null;
    if (stream.peek() === "#") {
      stream.skipToEnd();
      return "comment";
    }
    if (stream.match(/^-(?=\s)/)) {
      state.kind = true;
      return "punctuation";
    }
    if (stream.match(KEYS)) return "keyword";
    if (stream.match(/^[\w./-]+(?=\s*:)/)) return "propertyName";
    if (stream.match(/^:/)) {
      state.kind = true;
      return "punctuation";
    }
    if (stream.match(/^\$(\([^)]*\)|[\w.]+)/)) return "variableName";
    if (stream.match(/^"[^"]*"?|^'[^']*'?/)) return "string";
    if (stream.match(/^[A-Za-z_]*\d[\dx.,%]*(?![\w])/)) return "number";
    if (stream.match(/^[\w-]+/)) {
      const first = state.kind;
      state.kind = false;
      return first ? "typeName" : null;
    }
    stream.next();
    return null;
  },
  languageData: { commentTokens: { line: "#" } },
});

const colours = HighlightStyle.define(
  Object.entries({
    comment: "comment", keyword: "keyword", propertyName: "name", variableName: "variable", number: "number",
    typeName: "kind", string: "string", punctuation: "comment",
  }).map(([tag, name]) => ({ tag: tags[tag], color: `var(--code-${name})` })),
);

export function createEditor(parent, { label, kinds, onChange }) {
  const completion = (context) => {
    const word = context.matchBefore(/(?:-|:)\s+[\w-]*$/);
    if (!word) return null;
    const from = word.from + word.text.search(/[\w-]*$/);
    return { from, options: kinds().map((name) => ({ label: name, type: "type" })), validFor: /^[\w-]*$/ };
  };
  const locked = new Compartment();
  const view = new EditorView({
    parent,
    state: EditorState.create({
      extensions: [
        lineNumbers(), history(), drawSelection(), highlightActiveLine(), lintGutter(), language,
        syntaxHighlighting(colours), autocompletion({ override: [completion], activateOnTyping: false }),
        keymap.of([...completionKeymap, ...lintKeymap, ...defaultKeymap, ...historyKeymap, indentWithTab]),
        EditorView.contentAttributes.of({ "aria-label": label, spellcheck: "false" }),
        EditorView.updateListener.of((update) => update.docChanged && onChange()),
        locked.of([]),
      ],
    }),
  });
  return {
    get text() {
      return view.state.doc.toString();
    },
    set text(text) {
      view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: text } });
    },
    focus: () => view.focus(),
    // Whether the text can be read and copied alone
    set locked(on) {
      view.dispatch({ effects: locked.reconfigure(on ? [EditorState.readOnly.of(true), EditorView.lineWrapping] : []) });
      view.dom.classList.toggle("locked", on);
    },
    // Lines and columns count from 1, columns in characters as Python has them
    mark(problems) {
      const doc = view.state.doc;
      const shown = problems.map(({ line, column, width, problem, hint, severity }) => {
        const { from, to, text } = doc.line(Math.min(Math.max(line, 1), doc.lines));
        const letters = [...text];
        const start = Math.min(from + letters.slice(0, column - 1).join("").length, to);
        const marked = letters.slice(column - 1, column - 1 + width).join("").length;
        return { from: start, to: Math.min(start + marked, to), severity, message: hint ? `${problem}\n${hint}` : problem };
      });
      view.dispatch(setDiagnostics(view.state, shown));
    },
    goTo(line, column) {
      const place = view.state.doc.line(Math.min(line, view.state.doc.lines));
      view.dispatch({ selection: { anchor: Math.min(place.from + column - 1, place.to) }, scrollIntoView: true });
      view.focus();
    },
  };
}
