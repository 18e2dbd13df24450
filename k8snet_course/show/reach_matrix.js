// The reachability matrix: a table to move about in.  It decides nothing about networks.
//
// The model holds `state` (sources, targets, the kinds of results, and for each cell its result, reason and change), `row` and
// `column`.  Every text goes into the page as text.  One cell at a time can be reached with Tab; the arrow keys move between cells.

const MANY = 12; // with more targets than this, a cell shows its shape, and its words are read out and stand below the table

function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== false && value != null) element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child != null));
  return element;
}

function render({ model, el }) {
  const state = () => model.get("state");
  const clamp = (value, count) => Math.max(0, Math.min(value, count - 1));
  const row = () => clamp(model.get("row"), state().sources.length);
  const column = () => clamp(model.get("column"), state().targets.length);
  let pointed = null; // the cell under the mouse: [row, column]
  let used = false; // nothing is said before somebody has pointed at something
  let here = []; // the headers that are marked
  let active = null;

  const summary = make("p", { class: "k8-summary" });
  const table = make("table", { role: "grid", "aria-readonly": "true" });
  const frame = make("div", { class: "k8-frame" }, table);
  const decided = make("div", { class: "k8-decided", role: "status", "aria-live": "polite" });
  const legend = make("ul", { class: "k8-legend" });
  const root = make("div", { class: "k8snet k8-walk k8-matrix", role: "group", "data-lm-suppress-shortcuts": "true" },
    summary, frame, decided, legend);
  el.append(root);

  const cellAt = (y, x) => table.tBodies[0]?.rows[y]?.cells[x + 1];
  const placeOf = (td) => [td.parentElement.sectionRowIndex, td.cellIndex - 1];

  // -- the table ------------------------------------------------------------------------------------------------------
  function fill(td, [number, , change]) {
    const { kind, mark, text } = state().results[number];
    td.className = `k8-${kind}${change ? " k8-changed" : ""}`;
    td.replaceChildren(make("span", { class: "k8-shape", "aria-hidden": "true" }, mark), make("span", { class: "k8-word" }, text),
      ...(change ? [make("span", { class: "k8-was" }, change)] : []));
  }

  function build() {
    const head = make("tr", {}, make("th", { scope: "col" }, make("div", {}, "from \\ to")),
      ...state().targets.map((target) => make("th", { scope: "col", title: target }, make("span", {}, target))));
    const rows = state().sources.map((source, y) => make("tr", {}, make("th", { scope: "row", title: source }, source),
      ...state().rows[y].map(() => make("td", { tabindex: "-1" }))));
    table.replaceChildren(make("thead", {}, head), make("tbody", {}, ...rows));
  }

  let built = "";
  let filled = []; // what stands in each cell
  function showTable() {
    const held = table.contains(document.activeElement);
    const shape = JSON.stringify([state().sources, state().targets]);
    if (shape !== built) {
      build();
      built = shape;
      filled = state().rows.map(() => []);
      pointed = null;
      active = null;
      here = [];
    }
    state().rows.forEach((cells, y) => cells.forEach((cell, x) => {
      const wanted = `${state().results[cell[0]].text}\n${cell[2]}`;
      if (filled[y][x] !== wanted) fill(cellAt(y, x), cell);
      filled[y][x] = wanted;
    }));
    root.classList.toggle("k8-dense", state().targets.length > MANY);
    table.setAttribute("aria-label", `Who reaches whom: rows send, columns receive. ${state().summary}`);
    root.setAttribute("aria-label", "Reachability");
    summary.textContent = state().summary;
    const changed = state().rows.some((cells) => cells.some((cell) => cell[2]));
    const items = state().marks.map(([mark, text]) => make("li", {}, make("b", {}, mark), ` ${text}`));
    if (changed) items.push(make("li", {}, make("b", {}, "framed"), " changed"));
    legend.replaceChildren(...items);
    showPlace(held);
  }

  function showPlace(focus) {
    if (active) active.tabIndex = -1;
    active = cellAt(row(), column()) ?? null;
    if (!active) return;
    active.tabIndex = 0;
    if (focus && document.activeElement !== active) {
      active.focus({ preventScroll: true });
    }
    if (focus) reveal(active);
  }

  function reveal(td) { // scroll the table only, never the page, and keep clear of the headers that stick
    const box = frame.getBoundingClientRect();
    const at = td.getBoundingClientRect();
    const top = box.top + table.tHead.offsetHeight;
    const left = box.left + table.tHead.rows[0].cells[0].offsetWidth;
    const end = { bottom: box.top + frame.clientHeight, right: box.left + frame.clientWidth };
    if (at.top < top) frame.scrollTop -= top - at.top;
    else if (at.bottom > end.bottom) frame.scrollTop += at.bottom - end.bottom;
    if (at.left < left) frame.scrollLeft -= left - at.left;
    else if (at.right > end.right) frame.scrollLeft += at.right - end.right;
  }

  // -- which rule decided ---------------------------------------------------------------------------------------------
  function showDecided() {
    here.forEach((header) => header.classList.remove("k8-here"));
    here = [];
    const [y, x] = pointed ?? [row(), column()];
    const cell = state().rows[y]?.[x];
    if (!cell) {
      decided.replaceChildren(make("p", {}, "No pair has been asked."));
      return;
    }
    if (!used) {
      decided.replaceChildren(make("p", {}, "Point at a cell, or move about with the arrow keys: which rule or table decided is said here."));
      return;
    }
    const [number, reason, change, before] = cell;
    const { mark, text } = state().results[number];
    const lines = [make("p", {}, make("strong", {}, `${state().sources[y]} → ${state().targets[x]}`), ` ${mark} ${text}`),
      make("p", { class: "k8-why" }, `${reason}.`)];
    if (change) lines.push(make("p", { class: "k8-then" }, `Changed: ${change}${before ? `: ${before}` : ""}.`));
    decided.replaceChildren(...lines);
    here = [table.tHead.rows[0].cells[x + 1], table.tBodies[0].rows[y].cells[0]];
    here.forEach((header) => header.classList.add("k8-here"));
  }

  function goTo(y, x) {
    const [toY, toX] = [clamp(y, state().sources.length), clamp(x, state().targets.length)];
    pointed = null;
    used = true;
    if (toY !== row() || toX !== column()) {
      model.set("row", toY);
      model.set("column", toX);
      model.save_changes();
    }
    showPlace(true);
    showDecided();
  }

  function onKey(event) {
    if (event.altKey || event.metaKey || event.shiftKey || !event.target.closest?.("td")) return;
    const [y, x] = [row(), column()];
    const end = state().targets.length - 1;
    const moves = event.ctrlKey ? { Home: [0, 0], End: [state().sources.length - 1, end] } : {
      ArrowUp: [y - 1, x], ArrowDown: [y + 1, x], ArrowLeft: [y, x - 1], ArrowRight: [y, x + 1], Home: [y, 0], End: [y, end],
      PageUp: [y - 10, x], PageDown: [y + 10, x] };
    if (!(event.key in moves)) return;
    event.preventDefault();
    event.stopPropagation(); // Jupyter must not take it for one of its own
    goTo(...moves[event.key]);
  }

  table.addEventListener("keydown", onKey);
  table.addEventListener("focusin", (event) => {
    const td = event.target.closest("td");
    if (td) goTo(...placeOf(td));
  });
  table.addEventListener("mouseover", (event) => {
    const td = event.target.closest("td");
    if (!td) return;
    pointed = placeOf(td);
    used = true;
    showDecided();
  });
  table.addEventListener("mouseleave", () => {
    pointed = null;
    showDecided();
  });

  let waiting = false; // several traits change together: draw once
  let stale = true; // the table itself, and not only the place in it
  function update() {
    waiting = false;
    if (stale) showTable();
    else showPlace(table.contains(document.activeElement));
    stale = false;
    showDecided();
  }
  function soon() {
    if (!waiting) queueMicrotask(update);
    waiting = true;
  }
  const events = { "change:state": () => { stale = true; soon(); }, "change:row": soon, "change:column": soon };
  for (const [name, run] of Object.entries(events)) model.on(name, run);
  update();

  return () => {
    for (const [name, run] of Object.entries(events)) model.off(name, run);
  };
}

export default { render };
