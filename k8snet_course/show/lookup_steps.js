// The resolver stepper: shows, query by query, what the kernel has computed.  It decides nothing about names.
//
// The model holds `state` (the plan, the words of the resolv.conf, the queries with their texts, and the outcome) and `step`.
// Every text goes into the page as text.

const SVG = "http://www.w3.org/2000/svg";

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

function name(text) { // a long name may break behind each dot, and nowhere else
  return text.split(/(?<=\.)/).flatMap((label, index) => (index ? [document.createElement("wbr"), label] : [label]));
}

function kind(mark) {
  return { "✓": "k8-yes", "∅": "" }[mark] ?? "k8-no";
}

function icon(sign) {
  const svg = document.createElementNS(SVG, "svg");
  const attributes = { viewBox: "0 0 16 16", width: 14, height: 14, "aria-hidden": "true" };
  for (const [name, value] of Object.entries(attributes)) svg.setAttribute(name, value);
  svg.append(document.createElementNS(SVG, "path"));
  svg.firstChild.setAttribute("d", sign);
  return svg;
}

function render({ model, el }) {
  const state = () => model.get("state");
  const last = () => state().steps.length - 1;
  const step = () => Math.max(0, Math.min(model.get("step"), last()));
  let told = false; // nothing is said before somebody has done something

  // -- the parts that stay --------------------------------------------------------------------------------------------
  const button = (which, sign, label, key, go) => make("button", { type: "button", class: `k8-button k8-${which}`,
    "aria-label": label, title: `${label} (${key})`, onclick: go }, icon(sign));
  const toFirst = button("first", "M2 2h2.5v12H2zM14 2v12L5.5 8z", "First query", "Home", () => goTo(0));
  const back = button("back", "M12.5 2v12L3.5 8z", "Previous query", "←", () => goTo(step() - 1));
  const next = button("next", "M3.5 2v12l9-6z", "Next query", "→", () => goTo(step() + 1));
  const toLast = button("last", "M11.5 2H14v12h-2.5zM2 2v12l8.5-6z", "Last query", "End", () => goTo(last()));
  const count = make("span", { class: "k8-count" });
  const plan = make("p", { class: "k8-plan" });
  const bar = make("div", { class: "k8-bar" },
    make("div", { class: "k8-buttons", role: "group", "aria-label": "Queries" }, toFirst, back, next, toLast), count);
  const live = make("div", { class: "k8-live", "aria-live": "polite", role: "status" });
  const list = make("ol", { class: "k8-list", "aria-label": "Queries, by name" });
  const file = make("section", { class: "k8-file" });
  const detail = make("div", { class: "k8-detail" });
  const side = make("div", { class: "k8-side" }, file, detail);
  const body = make("div", { class: "k8-body" }, list, side);
  const verdict = make("p", { class: "k8-verdict" });
  const root = make("div", { class: "k8snet k8-walk k8-lookup", tabindex: "0", role: "group", "data-lm-suppress-shortcuts": "true" },
    plan, bar, live, body, verdict);
  el.append(root);

  function goTo(wanted) {
    const target = Math.max(0, Math.min(wanted, last()));
    if (target === step()) return;
    model.set("step", target);
    model.save_changes();
  }

  function jump(index) {
    root.focus({ preventScroll: true }); // the list is made anew, and the button in it that was pressed is gone
    goTo(index);
  }

  // -- the list -------------------------------------------------------------------------------------------------------
  function showList() {
    const items = [];
    let group = null;
    let place = 0;
    state().steps.forEach((one, index) => {
      if (one.place !== place) {
        place = one.place;
        group = make("ol", { class: "k8-steps" });
        items.push(make("li", { class: "k8-hop" }, make("div", { class: "k8-hop-name" },
          make("span", { class: "k8-number" }, String(place)), make("span", {}, ...name(one.name))), group));
      }
      const current = index === step();
      group.append(make("li", {}, make("button", { type: "button", class: `k8-step${current ? " k8-current" : ""}`, tabindex: "-1",
        "aria-current": current ? "step" : false, onclick: () => jump(index) },
        make("span", { class: "k8-mark", "aria-hidden": "true" }, current ? "▶" : index < step() ? "•" : ""),
        make("span", { class: "k8-type" }, one.type),
        make("span", { class: `k8-sign ${kind(one.mark)}`, "aria-hidden": "true" }, one.mark),
        make("span", {}, one.status === "NOERROR" ? "found" : one.status))));
    });
    list.replaceChildren(...items);
    const current = list.querySelector(".k8-current");
    if (current) { // scroll the list only, never the page
      const above = current.getBoundingClientRect().top - list.getBoundingClientRect().top;
      if (above < 30 || above > list.clientHeight - 40) list.scrollTop += above - list.clientHeight / 2;
    }
  }

  // -- the file and the details ---------------------------------------------------------------------------------------
  function showFile(used) {
    file.hidden = !state().conf.length;
    const marked = new Set(used.map((place) => place.join(" ")));
    const lines = state().conf.map((words, number) => {
      const texts = words.flatMap((word, at) => [at ? " " : null, marked.has(`${number} ${at}`) ? make("mark", {}, word) : word]);
      const inUse = used.some(([line]) => line === number);
      return make("li", { class: `k8-line${inUse ? " k8-used" : ""}`, "aria-current": inUse ? "true" : false },
        make("span", { class: "k8-arrow", "aria-hidden": "true" }, inUse ? "▶" : ""),
        make("span", { class: "k8-words" }, ...texts.filter((text) => text !== null)));
    });
    file.setAttribute("aria-label", state().file);
    file.replaceChildren(make("p", { class: "k8-file-name" }, state().file), make("ol", {}, ...lines));
  }

  function fact(term, part, ...content) {
    return [make("dt", {}, term), make("dd", { class: part }, ...content)];
  }

  function showDetail(one) {
    const again = one.attempt > 1 ? ` (asked for the ${["second", "third", "fourth", "fifth"][one.attempt - 2] ?? "next"} time)` : "";
    const sign = make("span", { class: `k8-sign ${kind(one.mark)}`, "aria-hidden": "true" }, one.mark);
    const records = one.records.length
      ? make("ul", { class: "k8-records" }, ...one.records.map((record) => make("li", {}, record))) : null;
    detail.replaceChildren(
      make("h4", {}, ...name(one.typed), one.added ? make("span", { class: "k8-added" }, ...name(one.added)) : null, ` ${one.type}?`),
      make("dl", { class: "k8-facts" },
        ...fact("this name", "k8-why", `${one.why}.`),
        ...fact("asked", "k8-server", one.server, one.who ? `, ${one.who}` : "", again),
        ...fact("answer", "k8-answer", make("p", { class: "k8-status" }, sign, " ", one.answer), records),
        ...fact("then", "k8-then", `${one.next}.`)));
  }

  // -- all of it ------------------------------------------------------------------------------------------------------
  function update() {
    const some = last() >= 0;
    root.setAttribute("aria-label", state().label);
    plan.textContent = `${state().label}. ${state().plan}`;
    for (const part of [bar, list, detail]) part.hidden = !some;
    body.hidden = !some && !state().conf.length;
    const over = step() === last() || !some;
    const { good, text } = state().end;
    verdict.className = `k8-verdict ${over ? (good ? "k8-good" : "k8-bad") : ""}`;
    verdict.textContent = over ? `${good ? "✓" : "✕"} ${text}` : "The lookup goes on.";
    const one = state().steps[step()];
    showFile(some ? one.used : []);
    if (some) {
      toFirst.disabled = back.disabled = step() === 0;
      next.disabled = toLast.disabled = step() === last();
      count.textContent = `Query ${step() + 1} of ${last() + 1}`;
      showList();
      showDetail(one);
    }
    if (told) live.textContent = `${some ? one.say : state().plan}${over ? ` ${text}` : ""}`;
    told = true;
  }

  let waiting = false; // several traits change together: draw once
  function soon() {
    if (waiting) return;
    waiting = true;
    queueMicrotask(() => { waiting = false; update(); });
  }

  function onKey(event) {
    if (event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
    const moves = { ArrowRight: step() + 1, ArrowLeft: step() - 1, ArrowDown: step() + 1, ArrowUp: step() - 1, Home: 0, End: last() };
    if (!(event.key in moves) || last() < 0) return;
    event.preventDefault();
    event.stopPropagation(); // Jupyter must not take it for one of its own
    const hadButton = root.contains(document.activeElement) && document.activeElement !== root;
    goTo(moves[event.key]);
    if (hadButton) queueMicrotask(() => { // the button in hand may have been disabled, or replaced in the list
      if (document.activeElement?.disabled || !root.contains(document.activeElement)) root.focus({ preventScroll: true });
    });
  }
  root.addEventListener("keydown", onKey);
  model.on("change:state", soon);
  model.on("change:step", soon);
  update();

  return () => {
    model.off("change:state", soon);
    model.off("change:step", soon);
  };
}

export default { render };
