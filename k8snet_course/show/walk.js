// The packet walk: shows, step by step, what the kernel has computed.  It decides nothing about networks.
//
// The model holds `state` (the picture, for each way its steps with text, path, headers and question, and the tables of the
// devices on the way), `step`, `way` (an index) and `challenge`.  A way may have a `next`: the way of the connection that goes on
// where it ends.  Tables that are too large to be sent with the state come in `tables` when their device is named in `opened`.
// Every text goes into the page as text; the picture's markup was made and escaped in Python.

const SVG = "http://www.w3.org/2000/svg";
const MOVE_MS = 450;
let views = 0;

function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "onclick") element.addEventListener("click", value);
    else if (value === true) element.setAttribute(name, "");
    else if (value !== false && value != null) element.setAttribute(name, value);
  }
  element.append(...children.filter((child) => child != null));
  return element;
}

function draw(parent, tag, attributes, text) {
  const element = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  if (text !== undefined) element.textContent = text;
  parent.append(element);
  return element;
}

function render({ model, el }) {
  const mine = `k8w${++views}`;
  const still = window.matchMedia("(prefers-reduced-motion: reduce)");
  let frame = 0;
  let shownSvg = "";
  let spoken = "";
  let reached = {}; // in a challenge: the furthest step that has been earned, for each way
  let wrong = new Set(); // the wrong choices tried at this question
  let score = { right: 0, asked: 0 };
  let shown = { step: -1, way: -1 };
  let open = ""; // the device whose tables are shown

  // -- the parts that stay ------------------------------------------------------------------------------------------
  const scene = make("div", { class: "k8-scene" });
  const button = (name, sign, label, key, go) => {
    const made = make("button", { type: "button", class: `k8-button k8-${name}`, "aria-label": label, title: `${label} (${key})`, onclick: go });
    draw(draw(made, "svg", { viewBox: "0 0 16 16", width: 14, height: 14, "aria-hidden": "true" }), "path", { d: sign });
    return made;
  };
  const first = button("first", "M2 2h2.5v12H2zM14 2v12L5.5 8z", "First step", "Home", () => goTo(0));
  const back = button("back", "M12.5 2v12L3.5 8z", "Previous step", "←", () => goTo(step() - 1));
  const next = button("next", "M3.5 2v12l9-6z", "Next step", "→", () => goTo(step() + 1));
  const last = button("last", "M11.5 2H14v12h-2.5zM2 2v12l8.5-6z", "Last step", "End", () => goTo(allowed()));
  const count = make("span", { class: "k8-count" });
  const ways = make("div", { class: "k8-ways", role: "group", "aria-label": "Direction" });
  const box = make("input", { type: "checkbox", class: "k8-challenge" });
  box.addEventListener("change", () => set({ challenge: box.checked }));
  const points = make("span", { class: "k8-score" });
  const bar = make("div", { class: "k8-bar" },
    make("div", { class: "k8-buttons", role: "group", "aria-label": "Steps" }, first, back, next, last), count, ways,
    make("span", { class: "k8-room" }), points,
    make("label", { class: "k8-toggle" }, box, " Challenge: what happens next?"));
  const verdict = make("p", { class: "k8-verdict" });
  const live = make("div", { class: "k8-live", "aria-live": "polite", role: "status" });
  const list = make("ol", { class: "k8-list", "aria-label": "Steps of the packet" });
  const detail = make("div", { class: "k8-detail" });
  const empty = make("p", { class: "k8-empty" }, "No packet has been sent yet.");
  const body = make("div", { class: "k8-body" }, list, detail);
  const devices = make("div", { class: "k8-devices", role: "group", "aria-label": "Tables of a device" });
  const pane = make("section", { class: "k8-pane", id: `${mine}pane`, tabindex: "-1" });
  const root = make("div", { class: "k8snet k8-walk", tabindex: "0", role: "group", "data-lm-suppress-shortcuts": "true" },
    scene, bar, verdict, live, empty, body, devices, pane);
  el.append(root);

  // -- reading and writing the model ----------------------------------------------------------------------------------
  const state = () => model.get("state");
  const way = () => state().ways[model.get("way")] ?? state().ways[0];
  const wayIndex = () => (state().ways[model.get("way")] ? model.get("way") : 0);
  const step = () => Math.max(0, Math.min(model.get("step"), way() ? way().steps.length - 1 : 0));
  const asking = () => model.get("challenge") && way() && step() < way().steps.length - 1 && step() >= earned();
  const earned = () => reached[wayIndex()] ?? 0;
  const allowed = () => (model.get("challenge") ? earned() : way().steps.length - 1);
  function set(values) {
    for (const [name, value] of Object.entries(values)) model.set(name, value);
    model.save_changes();
  }
  const before = () => state().ways.findIndex((one) => one.next === wayIndex());
  const onward = () => way().next != null && step() === way().steps.length - 1;
  function decided() { // whether the packet has come to where a Service's backend is chosen
    if (way().name !== "there" || way().steps.slice(0, step() + 1).some((one) => one.service)) return true;
    return state().ways.slice(0, wayIndex()).some((one) => one.name === "there" && one.steps.some((each) => each.service));
  }
  function goTo(wanted) {
    if (!way()) return;
    if (wanted > step() && onward()) {
      set({ way: way().next, step: 0 });
      return;
    }
    if (wanted < 0 && before() >= 0) {
      const index = before();
      const last = state().ways[index].steps.length - 1;
      set({ way: index, step: model.get("challenge") ? Math.min(last, reached[index] ?? 0) : last });
      return;
    }
    const target = Math.max(0, Math.min(wanted, allowed()));
    if (target !== step()) set({ step: target });
  }

  // -- the picture ----------------------------------------------------------------------------------------------------
  function showScene() {
    if (state().svg === shownSvg) return;
    shownSvg = state().svg;
    const holder = document.createElement("template");
    holder.innerHTML = shownSvg;
    const svg = holder.content.querySelector("svg");
    for (const name of ["title", "desc"]) {
      const part = svg.querySelector(`:scope > ${name}`);
      part.id = `${mine}${name}`;
    }
    svg.setAttribute("aria-labelledby", `${mine}title`);
    svg.setAttribute("aria-describedby", `${mine}desc`);
    const known = new Set(state().devices.map((one) => one.name));
    for (const group of svg.querySelectorAll("[data-at]")) {
      group.classList.toggle("k8-opens", known.has(group.dataset.at.split("|")[0]));
    }
    scene.replaceChildren(svg); // one change before the next frame: nothing flickers
    root.setAttribute("aria-label", state().label);
    shown = { step: -1, way: -1 };
  }

  function showPath(moved) {
    const svg = scene.firstElementChild;
    cancelAnimationFrame(frame);
    svg.querySelectorAll(".now").forEach((box) => box.classList.remove("now"));
    svg.querySelector(":scope > .k8-over")?.remove();
    if (!way()) return;
    const now = way().steps[step()];
    const over = draw(svg, "g", { class: "k8-over", "aria-hidden": "true" });
    const walk = draw(over, "g", { class: `walk ${way().name}` });
    svg.classList.toggle("k8-undecided", !decided());
    let leg = null;
    const gone = way().steps.slice(0, step() + 1);
    for (let index = before(); index >= 0; index = state().ways.findIndex((one) => one.next === index)) {
      state().ways[index].steps.forEach((one) => draw(walk, "path", { class: "leg k8-gone", d: one.path }));
    }
    gone.forEach((one) => { if (one.tube) draw(walk, "path", { class: "tube", d: one.path }); });
    gone.forEach((one) => { leg = draw(walk, "path", { class: "leg", d: one.path }); });
    for (const group of svg.querySelectorAll(".box")) {
      if (now.at.includes(group.dataset.at)) group.classList.add("now");
    }
    const finished = step() === way().steps.length - 1;
    const dot = draw(over, "g", { class: "packet-mark" });
    let wrapping = null;
    const wrap = (on) => {
      if (on && !wrapping) wrapping = dot.insertBefore(draw(dot, "path", { class: "envelope", d: state().envelope }), dot.firstChild);
      else if (!on && wrapping) { wrapping.remove(); wrapping = null; }
    };
    draw(dot, "circle", { class: "packet", r: 8 });
    gone.forEach((one) => { if (one.door) showDoor(over, one.door, dot); });
    if (now.note) showNote(over, now.note, dot);
    const place = (x, y) => dot.setAttribute("transform", `translate(${x} ${y})`);
    place(now.x, now.y);
    if (scene.scrollWidth > scene.clientWidth) {
      scene.scrollLeft = (now.x / 1000) * scene.scrollWidth - scene.clientWidth / 2;
    }
    const length = moved && !still.matches ? leg.getTotalLength() : 0;
    if (length < 1) {
      wrap(now.wrapped);
      if (finished) showEnd(over, dot);
      return;
    }
    const begin = performance.now();
    wrap(now.tube); // it is wrapped, or unwrapped, when it has arrived
    const run = (time) => {
      const part = Math.min(1, Math.max(0, (time - begin) / MOVE_MS));
      const eased = part * part * (3 - 2 * part);
      const at = leg.getPointAtLength(length * eased);
      place(at.x, at.y);
      leg.setAttribute("stroke-dasharray", part < 1 ? `${length * eased} ${length}` : "");
      if (part < 1) frame = requestAnimationFrame(run);
      else {
        leg.removeAttribute("stroke-dasharray");
        wrap(now.wrapped);
        if (finished) showEnd(over, dot);
      }
    };
    run(begin);
  }

  function showNote(over, note, before) { // what has just been rewritten, old -> new
    const label = draw(over, "g", { class: "rewritten" });
    draw(label, "rect", { x: note.x, y: note.y, width: note.width, height: note.height, rx: 4 });
    note.lines.forEach((text, index) => draw(label, "text", { x: note.x + note.width / 2,
      y: note.y + 14.5 + (note.height / note.lines.length) * index, "text-anchor": "middle" }, text));
    over.insertBefore(label, before);
  }

  function showDoor(over, door, before) { // what was decided at a pod's door
    const mark = draw(over, "g", { class: `door ${door.text}` });
    draw(mark, "title", {}, door.title);
    draw(mark, "rect", { x: door.x, y: door.y, width: door.width, height: door.height, rx: door.height / 2 });
    draw(mark, "path", { class: "lock", d: door.lock, transform: `translate(${door.x + 11} ${door.y + 8})` });
    draw(mark, "text", { x: door.x + 22, y: door.y + 13.5 }, door.text);
    over.insertBefore(mark, before);
  }

  function showEnd(over, dot) {
    const { text, x, y, width, mark } = way().end;
    const kind = `end ${way().delivered ? "arrived" : "lost"}`;
    const place = draw(dot, "g", { class: kind });
    draw(place, "circle", { r: 8.5 });
    draw(place, "path", { class: "sign", d: mark });
    const label = draw(over, "g", { class: kind });
    draw(label, "rect", { x, y, width, height: 22, rx: 11 });
    draw(label, "text", { x: x + width / 2, y: y + 15.5, "text-anchor": "middle" }, text);
  }

  // -- the list and the details ---------------------------------------------------------------------------------------
  function showList() {
    const items = [];
    let group = null;
    let number = 0;
    way().steps.forEach((one, index) => {
      const hidden = index > allowed();
      if (one.number !== number) {
        number = one.number;
        group = make("ol", { class: "k8-steps" });
        items.push(make("li", { class: "k8-hop" },
          make("div", { class: "k8-hop-name" }, make("span", { class: "k8-number" }, String(number)),
            hidden ? "?" : one.hop), hidden || !one.way ? null : make("div", { class: "k8-via" }, one.way), group));
      }
      const current = index === step();
      group.append(make("li", {},
        make("button", { type: "button", class: `k8-step${current ? " k8-current" : ""}`, "aria-current": current ? "step" : false,
          tabindex: "-1", disabled: hidden, onclick: () => { root.focus({ preventScroll: true }); goTo(index); } },
          make("span", { class: "k8-mark", "aria-hidden": "true" }, current ? "▶" : index < step() ? "•" : ""),
          hidden ? "?" : one.action, make("span", { class: "k8-link" }, !hidden && one.link ? `at ${one.link}` : ""))));
    });
    list.replaceChildren(...items);
    const current = list.querySelector(".k8-current");
    if (current) { // scroll the list only, never the page
      const above = current.getBoundingClientRect().top - list.getBoundingClientRect().top;
      if (above < 30 || above > list.clientHeight - 40) list.scrollTop += above - list.clientHeight / 2;
    }
  }

  function fact(name, ...content) {
    return [make("dt", {}, name), make("dd", {}, ...content)];
  }

  function rowsTable(one) {
    if (!one.rows.length) return null;
    const rows = one.rows.map((row) => make("tr", { class: row.won ? "k8-won" : "k8-lost" },
      make("td", { class: "k8-sign" }, row.won ? "★ wins" : row.matched ? "matches" : "no match"),
      make("td", { class: "k8-row" }, row.row), make("td", {}, row.why)));
    const more = one.others ? [make("tr", {}, make("td", { colspan: 3, class: "k8-more" }, `and ${one.others} more that do not match`))] : [];
    return make("table", { class: "k8-rows" },
      make("thead", {}, make("tr", {}, ...["", "row", "why"].map((head) => make("th", { scope: "col" }, head || "result")))),
      make("tbody", {}, ...rows, ...more));
  }

  function packetStack(packet) { // the outermost header first; what is inside stands further right
    const rows = packet.headers.map((header) => make("li", { class: `k8-header k8-depth${header.depth}` },
      make("span", { class: "k8-name" }, header.name), make("span", { class: "k8-value" }, header.text),
      make("span", { class: "k8-bytes" }, `${header.size} bytes`)));
    const sign = { wrapped: "▲ wrapped: ", unwrapped: "▼ unwrapped: " }[packet.grew] ?? "";
    const fits = packet.exit ? `, ${packet.exit}${packet.fits ? "" : " ✕ too big"}` : "";
    return [make("p", { class: `k8-total${packet.fits ? "" : " k8-toobig"}` }, `${sign}${packet.size} bytes${fits}`),
      make("ol", { class: "k8-packet", "aria-label": "Headers, the outermost first" }, ...rows)];
  }

  function showDetail() {
    const one = way().steps[step()];
    const facts = make("dl", { class: "k8-facts" });
    if (one.asked) facts.append(...fact("looked up", one.asked));
    if (one.changed.length) {
      facts.append(...fact("changed", make("ul", { class: "k8-changes" }, ...one.changed.map((change) => make("li", {},
        make("span", { class: "k8-field" }, change.field), " ",
        change.old ? make("del", {}, change.old) : make("span", { class: "k8-new" }, "new"), " → ", make("ins", {}, change.new))))));
    }
    if (one.service) facts.append(...fact("service", one.service));
    const table = rowsTable(one);
    if (table) facts.append(...fact("rows", table));
    facts.append(...fact("packet", ...packetStack(one.packet)));
    detail.replaceChildren(
      make("h4", {}, `${one.action} `, make("span", { class: "k8-link" }, `${one.hop}${one.link ? `, ${one.link}` : ""}`)),
      make("p", { class: "k8-why" }, `${one.why}.`), ...(asking() ? [quiz()] : []), facts);
  }

  // -- the tables of a device -------------------------------------------------------------------------------------------
  function showTables() {
    const held = devices.contains(document.activeElement) ? [...devices.children].indexOf(document.activeElement) : -1;
    const device = state().devices.find((one) => one.name === open);
    if (!device) open = "";
    devices.hidden = !state().devices.length;
    devices.replaceChildren(make("span", { class: "k8-devices-name" }, "Tables of"), ...state().devices.map((one) =>
      make("button", { type: "button", class: "k8-button k8-device", "aria-expanded": String(one.name === open),
        "aria-controls": pane.id, "data-device": one.name, onclick: () => openTables(one.name === open ? "" : one.name) }, one.label)));
    if (held >= 0) devices.children[held]?.focus({ preventScroll: true });
    pane.hidden = !device;
    if (!device) return;
    pane.setAttribute("aria-label", `Tables of ${device.label}`);
    const tables = device.tables ?? (model.get("tables") ?? {})[open];
    if (!tables && model.get("opened") !== open) set({ opened: open });
    const top = pane.scrollTop;
    pane.replaceChildren(
      make("div", { class: "k8-pane-head" }, make("h4", {}, `Tables of ${device.label}`),
        make("button", { type: "button", class: "k8-button k8-close", title: "Close (Esc)", onclick: () => openTables("") }, "Close")),
      tables ? "" : make("p", { class: "k8-asked", role: "status" }, "Asking the kernel for these tables …"),
      ...(tables ?? []).map((table) => make("div", { class: "k8-table" },
        make("h5", {}, `$ ${table.command}`), make("pre", { tabindex: "0" }, table.text))));
    pane.scrollTop = top;
  }

  function openTables(name) {
    const before = open;
    open = name;
    showTables();
    if (open) pane.focus({ preventScroll: true });
    else [...devices.children].find((one) => one.dataset.device === before)?.focus({ preventScroll: true });
  }

  scene.addEventListener("click", (event) => {
    const at = event.target.closest?.("[data-at]")?.dataset.at.split("|")[0];
    if (state().devices.some((one) => one.name === at)) openTables(at);
  });

  // -- challenge ------------------------------------------------------------------------------------------------------
  function quiz() {
    const asked = way().steps[step() + 1].quiz;
    const id = `${mine}question`;
    return make("div", { class: "k8-quiz", role: "group", "aria-labelledby": id },
      make("p", { class: "k8-question", id }, asked.text),
      make("ol", { class: "k8-choices" }, ...asked.choices.map((choice, index) => {
        const tried = wrong.has(index);
        return make("li", {},
          make("button", { type: "button", class: `k8-choice${tried ? " k8-tried" : ""}`, onclick: () => choose(index) },
            make("span", { class: "k8-key", "aria-hidden": "true" }, tried ? "✕" : String(index + 1)), make("span", {}, choice.text)),
          tried ? make("p", { class: "k8-reason" }, `Not so. ${choice.why}`) : null);
      })));
  }

  function choose(index) {
    const choice = asking() && way().steps[step() + 1].quiz.choices[index];
    if (!choice) return;
    if (!choice.right) {
      wrong.add(index);
      say(`Not so. ${choice.why}`);
      showDetail();
      detail.querySelectorAll(".k8-choice")[index]?.focus({ preventScroll: true });
      return;
    }
    score.asked += 1;
    score.right += wrong.size ? 0 : 1;
    wrong = new Set();
    reached[wayIndex()] = step() + 1;
    root.focus({ preventScroll: true });
    spoken = `Right. `;
    goTo(step() + 1);
  }

  function startChallenge() {
    wrong = new Set();
    score = { right: 0, asked: 0 };
    reached = {};
  }

  // -- all of it ------------------------------------------------------------------------------------------------------
  function say(text) {
    live.textContent = text;
  }

  function showBar() {
    const end = way().steps.length - 1;
    first.disabled = step() === 0;
    back.disabled = step() === 0 && before() < 0;
    last.disabled = step() >= allowed();
    next.disabled = step() >= allowed() && !onward();
    count.textContent = `${way().connection ? `${way().connection}, step` : "Step"} ${step() + 1} of ${end + 1}`;
    ways.replaceChildren(...(state().ways.length < 2 ? [] : state().ways.map((one, index) => make("button", { type: "button",
      class: `k8-button k8-way k8-${one.name}`, "aria-pressed": String(index === wayIndex()), "aria-label": one.title === one.label ? null : one.title,
      onclick: () => set({ way: index, step: 0 }) }, one.label))));
    box.checked = model.get("challenge");
    points.textContent = model.get("challenge") && score.asked ? `${score.right} of ${score.asked} right at once` : "";
    const over = step() === end;
    verdict.className = `k8-verdict ${over ? (way().delivered ? "k8-good" : "k8-bad") : ""}`;
    verdict.textContent = over ? `${way().delivered ? "✓" : "✕"} ${way().verdict}: ${way().reason}.` : way().packet;
  }

  function update() {
    const held = ways.contains(document.activeElement) ? wayIndex() : -1;
    showScene();
    const some = Boolean(way());
    for (const part of [bar, verdict, body]) part.hidden = !some;
    showTables();
    body.classList.toggle("k8-asking", Boolean(model.get("challenge")));
    empty.hidden = some;
    if (some) {
      const moved = shown.way === wayIndex() && step() === shown.step + 1;
      const asIs = shown.way === wayIndex() && step() === shown.step;
      if (!asIs) wrong = new Set();
      showBar();
      showPath(moved);
      showList();
      showDetail();
      const question = asking() ? ` ${way().steps[step() + 1].quiz.text}` : "";
      if (shown.step !== -1 || spoken) say(spoken + way().steps[step()].say + question);
      spoken = "";
      shown = { step: step(), way: wayIndex() };
      if (held >= 0) ways.children[held]?.focus({ preventScroll: true });
    } else {
      showPath(false);
    }
  }

  let waiting = false; // several traits change together: draw once
  function soon() {
    if (waiting) return;
    waiting = true;
    queueMicrotask(() => { waiting = false; update(); });
  }

  function onKey(event) {
    if (event.altKey || event.ctrlKey || event.metaKey || !way()) return;
    if (event.key === "Escape" && open) {
      event.preventDefault();
      event.stopPropagation();
      openTables("");
      return;
    }
    if (event.target.tagName === "PRE" && event.key.startsWith("Arrow")) return; // they scroll a wide table
    const moves = { ArrowRight: () => goTo(step() + 1), ArrowLeft: () => goTo(step() - 1), Home: () => goTo(0), End: () => goTo(allowed()) };
    const move = moves[event.key] ?? (asking() && /^[1-9]$/.test(event.key) ? () => choose(Number(event.key) - 1) : null);
    if (!move) return;
    event.preventDefault();
    event.stopPropagation(); // Jupyter must not take it for one of its own
    const hadButton = root.contains(document.activeElement) && document.activeElement !== root;
    move();
    if (hadButton && document.activeElement?.disabled) root.focus({ preventScroll: true });
  }
  root.addEventListener("keydown", onKey);

  const onState = () => { startChallenge(); soon(); };
  const onChallenge = () => {
    startChallenge();
    if (model.get("challenge") && step() !== 0) set({ step: 0 });
    soon();
  };
  model.on("change:state", onState);
  model.on("change:challenge", onChallenge);
  model.on("change:step", soon);
  model.on("change:way", soon);
  model.on("change:tables", soon);
  update();

  return () => {
    cancelAnimationFrame(frame);
    model.off("change:state", onState);
    model.off("change:challenge", onChallenge);
    model.off("change:step", soon);
    model.off("change:way", soon);
    model.off("change:tables", soon);
  };
}

export default { render };
