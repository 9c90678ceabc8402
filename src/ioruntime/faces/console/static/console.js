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

/** Keep a list that grows by itself from growing for ever. */
document.addEventListener("htmx:sseMessage", (event) => {
  const rows = event.target.closest("[data-most]");
  while (rows && rows.children.length > Number(rows.dataset.most)) rows.lastElementChild.remove();
});

/** Draw the charts, and again when there is more. */
async function drawCharts() {
  const place = document.querySelector("[data-charts]");
  if (!place || !window.uPlot) return;
  const style = getComputedStyle(document.documentElement);
  const colour = (name) => style.getPropertyValue(name).trim();
  const resolved = (name) => {
    const probe = document.createElement("span");
    probe.style.color = `var(${name})`;
    place.append(probe);
    const value = getComputedStyle(probe).color;
    probe.remove();
    return value;
  };
  const axis = {stroke: resolved("--text-faint"), font: `12px ${colour("--sans")}`, grid: {stroke: resolved("--line"), width: 1}, ticks: {show: false}};
  const clock = (_, splits) => splits.map((at) => new Date(at * 1e3).toISOString().slice(11, 16));
  const line = (label, name, dots) => ({label, stroke: resolved(name), width: 2, points: {show: dots, size: 5, fill: resolved(name)}});
  const wanted = {
    rate: [["succeeded", "Succeeded", "--part-run"], ["failed", "Failed", "--bad"]],
    latency: [["p50", "Median", "--part-run"], ["p95", "95 %", "--part-init"], ["p99", "99 %", "--bad"]],
    failed: [["failed", "Failed", "--bad"]],
    cold: [["cold", "Cold starts", "--part-init"]],
  };
  const read = async () => (await fetch(place.dataset.charts)).json();
  const columns = (points, series) => [points.at, ...series.map(([key]) => points[key])];
  const points = await read();
  const drawn = [...document.querySelectorAll("[data-chart]")].map((box) => {
    const series = wanted[box.dataset.chart];
    const options = {
      width: box.clientWidth, height: 200, tzDate: (at) => uPlot.tzDate(new Date(at * 1e3), "UTC"),
      scales: {y: {range: (_, least, most) => [0, Math.max(1, most * 1.1)]}},
      axes: [{...axis, values: clock}, {...axis, size: 52}], legend: {show: series.length > 1, live: false},
      series: [{}, ...series.map(([, label, name]) => line(label, name, box.dataset.chart === "latency"))],
      cursor: {y: false},
    };
    return {box, series, chart: new uPlot(options, columns(points, series), box)};
  });
  new ResizeObserver(() => drawn.forEach(({box, chart}) => chart.setSize({width: box.clientWidth, height: 200}))).observe(place);
  place.dataset.drawn = "yes";
  setInterval(async () => {
    if (document.hidden) return;
    try {
      const more = await read();
      drawn.forEach(({chart, series}) => chart.setData(columns(more, series)));
    } catch { /* the server is away; the next time it may be back */ }
  }, 5000);
}

showEditors();
drawCharts();
watchChanges();
followChoices();
