// CodeMirror with our languages. Escape leaves it, so that the keyboard is never caught.
import { autocompletion, closeBrackets, closeBracketsKeymap, closeCompletion, completionKeymap, completionStatus } from "@codemirror/autocomplete";
import { defaultKeymap, history, historyKeymap } from "@codemirror/commands";
import { json } from "@codemirror/lang-json";
import { sql, StandardSQL } from "@codemirror/lang-sql";
import { yaml } from "@codemirror/lang-yaml";
import { bracketMatching, HighlightStyle, indentOnInput, syntaxHighlighting } from "@codemirror/language";
import { lintGutter, setDiagnostics, type Diagnostic } from "@codemirror/lint";
import { highlightSelectionMatches, search, searchKeymap } from "@codemirror/search";
import { Compartment, EditorState, Prec, type Extension } from "@codemirror/state";
import { drawSelection, EditorView, highlightActiveLine, highlightSpecialChars, keymap, lineNumbers, placeholder } from "@codemirror/view";
import { tags } from "@lezer/highlight";
import { useEffect, useRef } from "react";
import { insights, insightsCompletion, type Suggestion } from "./insights";

export type { Suggestion } from "./insights";
export interface Mark {
  from: number;
  to: number;
  severity: "error" | "warning" | "info";
  message: string;
}
export interface EditorProps {
  value: string;
  lang: "ql" | "sql" | "yaml" | "json";
  label: string;
  onChange?: (value: string) => void;
  /** Ctrl+Enter. */
  onRun?: () => void;
  /** Escape: where the keyboard goes on. */
  onLeave?: () => void;
  marks?: Mark[];
  fields?: Suggestion[];
  readOnly?: boolean;
  hint?: string;
  minHeight?: number;
  maxHeight?: number;
  /** The id of what describes it. */
  describedBy?: string;
}

const colours = HighlightStyle.define([
  { tag: [tags.keyword, tags.operatorKeyword, tags.modifier], color: "var(--accent)", fontWeight: "600" },
  { tag: [tags.function(tags.variableName), tags.standard(tags.name), tags.typeName], color: "var(--low)" },
  { tag: [tags.string, tags.special(tags.string)], color: "var(--clear)" },
  { tag: tags.regexp, color: "var(--high)" },
  { tag: [tags.number, tags.bool, tags.null], color: "var(--medium)" },
  { tag: [tags.propertyName, tags.special(tags.variableName)], color: "var(--accent)" },
  { tag: tags.comment, color: "var(--muted)", fontStyle: "italic" },
  { tag: tags.invalid, color: "var(--critical)" },
]);
const look = EditorView.theme({
  "&": { fontSize: "13px", color: "var(--ink)", backgroundColor: "transparent" },
  "&.cm-focused": { outline: "none" },
  ".cm-scroller": { fontFamily: "var(--mono)", lineHeight: "1.55", overflow: "auto" },
  ".cm-content": { caretColor: "var(--ink)", padding: "8px 0" },
  ".cm-cursor": { borderLeftColor: "var(--ink)" },
  ".cm-gutters": { backgroundColor: "transparent", color: "var(--muted)", border: "none" },
  ".cm-activeLine, .cm-activeLineGutter": { backgroundColor: "color-mix(in srgb, var(--accent) 6%, transparent)" },
  "&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground": { backgroundColor: "color-mix(in srgb, var(--accent) 28%, transparent)" },
  ".cm-tooltip": { backgroundColor: "var(--surface)", color: "var(--ink)", border: "1px solid var(--strong)", borderRadius: "6px", boxShadow: "0 6px 20px rgb(0 0 0 / 18%)", overflow: "hidden" },
  ".cm-tooltip-autocomplete > ul": { fontFamily: "var(--mono)", maxHeight: "16em" },
  ".cm-tooltip-autocomplete > ul > li[aria-selected]": { backgroundColor: "var(--accent)", color: "var(--surface)" },
  ".cm-completionDetail": { color: "inherit", opacity: "0.75", fontStyle: "normal", marginLeft: "1.2em" },
  ".cm-completionInfo": { maxWidth: "320px", padding: "6px 10px", fontFamily: "Inter Variable, system-ui, sans-serif", fontSize: "12px" },
  ".cm-diagnostic": { whiteSpace: "pre-wrap", padding: "6px 10px" },
  ".cm-placeholder": { color: "var(--muted)" },
  ".cm-panels": { backgroundColor: "var(--raised)", color: "var(--ink)" },
  ".cm-searchMatch": { backgroundColor: "color-mix(in srgb, var(--lamp) 40%, transparent)" },
});

/** Signs that hide or turn text, beside those that CodeMirror knows. */
const HIDDEN = /[\u00ad\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\uffa0]/g;

function grammar(lang: EditorProps["lang"], fields: () => Suggestion[]): Extension {
  if (lang === "yaml") return yaml();
  if (lang === "json") return json();
  if (lang === "sql") {
    const names = (context: Parameters<typeof insightsCompletion>[0]) => {
      const word = context.matchBefore(/[\w@.]+/);
      if (!word) return null;
      return { from: word.from, options: fields().map((field) => ({ label: field.name, detail: field.detail, type: "property" })), validFor: /^[\w@.]*$/ };
    };
    return [sql({ dialect: StandardSQL, upperCaseKeywords: true }), StandardSQL.language.data.of({ autocomplete: names })];
  }
  return [insights, insights.data.of({ autocomplete: (context: Parameters<typeof insightsCompletion>[0]) => insightsCompletion(context, fields()) })];
}

export default function EditorView_(props: EditorProps) {
  const { value, lang, label, marks, readOnly = false, hint, minHeight = 90, maxHeight = 420, describedBy } = props;
  const box = useRef<HTMLDivElement>(null);
  const view = useRef<EditorView | null>(null);
  const kept = useRef(props);
  kept.current = props;
  const parts = useRef({ lang: new Compartment(), reading: new Compartment() });

  useEffect(() => {
    const nonce = document.querySelector<HTMLMetaElement>("meta[name=nonce]")?.content ?? "";
    const { lang: langPart, reading } = parts.current;
    const run = (at: EditorView) => {
      closeCompletion(at);
      kept.current.onRun?.();
      return kept.current.onRun !== undefined;
    };
    const leave = (at: EditorView) => {
      if (completionStatus(at.state) !== null) return closeCompletion(at);
      if (kept.current.onLeave) kept.current.onLeave();
      else at.contentDOM.blur();
      return true;
    };
    const made = new EditorView({
      parent: box.current as HTMLDivElement,
      state: EditorState.create({
        doc: kept.current.value,
        extensions: [
          EditorView.cspNonce.of(nonce),
          Prec.highest(keymap.of([{ key: "Ctrl-Enter", mac: "Cmd-Enter", run }, { key: "Ctrl-Enter", run }])),
          lineNumbers(), history(), drawSelection(), highlightSpecialChars({ addSpecialChars: HIDDEN }), indentOnInput(), bracketMatching(), closeBrackets(),
          highlightActiveLine(), highlightSelectionMatches(), search({ top: true }), lintGutter(), autocompletion({ icons: false }),
          keymap.of([...closeBracketsKeymap, ...completionKeymap, ...searchKeymap, { key: "Escape", run: leave }, ...defaultKeymap, ...historyKeymap]),
          typedOver, syntaxHighlighting(colours), look, EditorView.lineWrapping,
          langPart.of(grammar(kept.current.lang, () => kept.current.fields ?? [])),
          reading.of(readingOf(kept.current)),
          ...(hint ? [placeholder(hint)] : []),
          EditorView.theme({ ".cm-scroller": { maxHeight: `${maxHeight}px`, minHeight: `${minHeight}px` }, ".cm-content, .cm-gutter": { minHeight: `${minHeight}px` } }),
          EditorView.updateListener.of((update) => {
            if (update.docChanged) kept.current.onChange?.(update.state.doc.toString());
          }),
        ],
      }),
    });
    view.current = made;
    return () => {
      made.destroy();
      view.current = null;
    };
    // Made once; what changes is told to it below.
  }, []);

  useEffect(() => {
    const at = view.current;
    if (!at || at.state.doc.toString() === value) return;
    at.dispatch({ changes: { from: 0, to: at.state.doc.length, insert: value } });
  }, [value]);
  useEffect(() => {
    view.current?.dispatch({ effects: parts.current.lang.reconfigure(grammar(lang, () => kept.current.fields ?? [])) });
  }, [lang]);
  useEffect(() => {
    view.current?.dispatch({ effects: parts.current.reading.reconfigure(readingOf({ label, readOnly, describedBy })) });
  }, [label, readOnly, describedBy]);
  useEffect(() => {
    const at = view.current;
    if (!at) return;
    const end = at.state.doc.length;
    const told: Diagnostic[] = (marks ?? []).map((mark) => ({ ...mark, from: Math.min(mark.from, end), to: Math.min(Math.max(mark.from, mark.to), end) }));
    at.dispatch(setDiagnostics(at.state, told));
  }, [marks]);
  return <div ref={box} className={readOnly ? "editor read-only" : "editor"} />;
}

// Where text replaces coloured text, the browser would keep the colour as an inline style, which the policy refuses; so we put it there.
const typedOver = EditorView.domEventHandlers({
  beforeinput(event, view) {
    const { state } = view;
    const { from, to, empty } = state.selection.main;
    if (event.inputType !== "insertText" || event.data === null || event.isComposing || state.readOnly || empty || state.selection.ranges.length > 1) return false;
    event.preventDefault();
    const text = event.data;
    const insert = () => state.update({ changes: { from, to, insert: text }, selection: { anchor: from + text.length }, userEvent: "input.type", scrollIntoView: true });
    if (!state.facet(EditorView.inputHandler).some((handler) => handler(view, from, to, text, insert))) view.dispatch(insert());
    return true;
  },
});

function readingOf({ label, readOnly, describedBy }: Pick<EditorProps, "label" | "readOnly" | "describedBy">): Extension {
  return [
    EditorState.readOnly.of(readOnly ?? false),
    EditorView.contentAttributes.of({
      "aria-label": label,
      "aria-readonly": String(readOnly ?? false),
      spellcheck: "false",
      tabindex: "0",
      ...(describedBy ? { "aria-describedby": describedBy } : {}),
    }),
  ];
}
