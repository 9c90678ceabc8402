// What the console's code editor is made of; scripts/vendor_console.py bundles it with CodeMirror into one file.
import {autocompletion, closeBrackets, closeBracketsKeymap, completionKeymap} from "@codemirror/autocomplete";
import {defaultKeymap, history, historyKeymap, indentWithTab} from "@codemirror/commands";
import {javascript} from "@codemirror/lang-javascript";
import {json} from "@codemirror/lang-json";
import {python} from "@codemirror/lang-python";
import {bracketMatching, foldGutter, foldKeymap, HighlightStyle, indentOnInput, indentUnit, syntaxHighlighting} from "@codemirror/language";
import {highlightSelectionMatches, searchKeymap} from "@codemirror/search";
import {Compartment, EditorState} from "@codemirror/state";
import {drawSelection, EditorView, highlightActiveLine, highlightActiveLineGutter, highlightSpecialChars, keymap, lineNumbers} from "@codemirror/view";
import {tags} from "@lezer/highlight";

const LANGUAGES = {javascript, json, python};

const theme = EditorView.theme({
  "&": {backgroundColor: "var(--code-background)", color: "var(--code-text)", fontSize: "13px"},
  "&.cm-focused": {outline: "none"},
  ".cm-content": {fontFamily: "var(--mono)", caretColor: "var(--code-text)", padding: "8px 0"},
  ".cm-scroller": {fontFamily: "var(--mono)", lineHeight: "20px", overflow: "auto"},
  ".cm-gutters": {backgroundColor: "var(--code-background)", color: "var(--text-faint)", border: "none", paddingLeft: "4px"},
  ".cm-activeLine, .cm-activeLineGutter": {backgroundColor: "var(--code-line)"},
  ".cm-cursor": {borderLeftColor: "var(--code-text)"},
  "&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground": {backgroundColor: "var(--code-selection)"},
  ".cm-matchingBracket": {backgroundColor: "var(--code-selection) !important", outline: "none"},
  ".cm-panels, .cm-tooltip": {backgroundColor: "var(--surface)", color: "var(--text)", border: "1px solid var(--line)"},
  ".cm-tooltip-autocomplete ul li[aria-selected]": {backgroundColor: "var(--accent)", color: "var(--on-accent)"},
});

const colours = HighlightStyle.define([
  {tag: [tags.keyword, tags.operatorKeyword, tags.controlKeyword, tags.moduleKeyword], color: "var(--code-keyword)"},
  {tag: [tags.string, tags.special(tags.string), tags.regexp], color: "var(--code-string)"},
  {tag: [tags.number, tags.bool, tags.null, tags.atom], color: "var(--code-number)"},
  {tag: [tags.comment, tags.docComment], color: "var(--code-comment)", fontStyle: "italic"},
  {tag: [tags.function(tags.variableName), tags.function(tags.propertyName), tags.definition(tags.function(tags.variableName))], color: "var(--code-function)"},
  {tag: [tags.propertyName, tags.attributeName], color: "var(--code-property)"},
  {tag: [tags.className, tags.typeName], color: "var(--code-property)"},
]);

/** Put an editor in the place of a textarea, which keeps the text for the form it is in. */
function replace(textarea, {language, nonce, label, readOnly, onChange, onSubmit}) {
  const mode = new Compartment();
  const of = (name) => (LANGUAGES[name] ? LANGUAGES[name]() : []);
  const extensions = [
    EditorView.cspNonce.of(nonce),
    keymap.of([{key: "Mod-s", run: () => (onSubmit && onSubmit(), true)}, {key: "Mod-Enter", run: () => (onSubmit && onSubmit(), true)}]),
    lineNumbers(), foldGutter(), highlightSpecialChars(), history(), drawSelection(), indentOnInput(), bracketMatching(),
    closeBrackets(), autocompletion(), highlightActiveLine(), highlightActiveLineGutter(), highlightSelectionMatches(),
    indentUnit.of(language === "python" ? "    " : "  "),
    // Tab moves on, as everywhere in a page, unless there is something to indent: Escape, then Tab, always leaves.
    keymap.of([...closeBracketsKeymap, ...defaultKeymap, ...searchKeymap, ...historyKeymap, ...foldKeymap, ...completionKeymap, indentWithTab]),
    theme, syntaxHighlighting(colours), mode.of(of(language)),
    EditorState.readOnly.of(Boolean(readOnly)),
    EditorView.contentAttributes.of({"aria-label": label, "aria-multiline": "true", tabindex: "0"}),
    EditorView.updateListener.of((update) => {
      if (update.docChanged) {
        textarea.value = update.state.doc.toString();
        if (onChange) onChange();
      }
    }),
  ];
  const view = new EditorView({state: EditorState.create({doc: textarea.value, extensions})});
  textarea.hidden = true;
  textarea.after(view.dom);
  // The scrolling part must be reachable without a mouse; the text inside it has the focus already.
  return {
    view,
    setLanguage: (name) => view.dispatch({effects: mode.reconfigure(of(name))}),
    setText: (text) => view.dispatch({changes: {from: 0, to: view.state.doc.length, insert: text}}),
  };
}

window.ioruntimeEditor = {replace};
