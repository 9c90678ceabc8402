// What pages do beside links and forms. Everything here is an improvement: without it, each page works by links and forms.
"use strict";

/** Put editors in the place of the text areas that ask for one. */
function showEditors() {
  if (!window.ioruntimeEditor) return;
  const nonce = document.querySelector('meta[name="editor-nonce"]').content;
  for (const area of document.querySelectorAll("textarea[data-editor]")) {
    const form = area.form;
    const submit = area.id === "payload" ? document.getElementById("invoke") : document.getElementById("save");
    window.ioruntimeEditor.replace(area, {
      language: area.dataset.editor,
      label: area.dataset.label,
      nonce,
      onChange: () => form.dispatchEvent(new Event("input", {bubbles: true})),
      onSubmit: () => form.requestSubmit(submit),
    });
    const label = document.querySelector(`label[for="${area.id}"]`);
    if (label) label.removeAttribute("for");
  }
}

/** Tell what is not saved, and ask before it is left. */
function watchChanges() {
  for (const form of document.querySelectorAll("form[data-watch]")) {
    const note = form.querySelector("#saved");
    let changed = false;
    form.addEventListener("input", () => {
      if (!changed) note.innerHTML = '<span class="badge warn">Not saved</span>';
      changed = true;
    });
    form.addEventListener("htmx:afterRequest", (event) => { if (event.detail.successful) changed = false; });
    window.addEventListener("beforeunload", (event) => { if (changed) event.preventDefault(); });
  }
}

document.addEventListener("click", async (event) => {
  const copy = event.target.closest("[data-copy]");
  if (copy) {
    try {
      await navigator.clipboard.writeText(copy.dataset.copy);
      copy.textContent = "Copied";
    } catch {
      copy.textContent = "Select and copy it by hand";
    }
  }
  const add = event.target.closest("[data-add]");
  if (add) {
    const template = document.getElementById(add.dataset.add);
    const row = template.content.firstElementChild.cloneNode(true);
    template.before(row);
    row.querySelector("input").focus();
  }
  const remove = event.target.closest("[data-remove]");
  if (remove) remove.closest(".pair").remove();
});

/** Show the fields of one kind only while that kind is chosen. */
function followChoices() {
  const kind = document.querySelector("select[data-shows]");
  if (!kind) return;
  const follow = () => {
    for (const part of document.querySelectorAll("[data-when-kind]")) part.hidden = part.dataset.whenKind !== kind.value;
  };
  kind.addEventListener("change", follow);
  follow();
}

showEditors();
watchChanges();
followChoices();
