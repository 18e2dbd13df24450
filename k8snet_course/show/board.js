// A board: a line that is read out when it changes, and tables, each replaced only when it has changed.
// The tables' markup was made and escaped in Python; the notice goes into the page as text.
// The board's panel keeps its keys: JupyterLab would move to the next cell when an arrow is pressed on a dropdown.

function render({ model, el }) {
  const root = document.createElement("div");
  root.className = "k8snet k8-board";
  const notice = document.createElement("p");
  notice.setAttribute("role", "status");
  notice.setAttribute("aria-live", "polite");
  const tables = document.createElement("div");
  tables.className = "k8-grids";
  root.append(notice, tables);
  el.append(root);
  let shown = [];

  function say() {
    const failed = model.get("failed");
    notice.className = `k8-notice${failed ? " k8-failed" : ""}`;
    const text = model.get("notice");
    const said = text && failed ? `✕ ${text}` : text;
    notice.hidden = !said && tables.children.length > 0;
    if (notice.textContent !== said) notice.textContent = said;
  }

  function lay() {
    const wanted = model.get("tables");
    wanted.forEach((html, index) => {
      if (shown[index] === html) return;
      const holder = document.createElement("template");
      holder.innerHTML = html;
      const table = holder.content.firstElementChild;
      if (tables.children[index]) tables.children[index].replaceWith(table);
      else tables.append(table);
    });
    while (tables.children.length > wanted.length) tables.lastElementChild.remove();
    shown = [...wanted];
  }

  function keepKeys({ target }) { // JupyterLab looks for the mark on what has the focus; on the panel it would not see it
    if (target.closest?.(".k8-panel")?.contains(root)) target.dataset.lmSuppressShortcuts = "true";
  }

  const events = { "change:notice": say, "change:failed": say, "change:tables": lay };
  for (const [name, run] of Object.entries(events)) model.on(name, run);
  document.addEventListener("focusin", keepKeys);
  lay();
  say();
  return () => {
    document.removeEventListener("focusin", keepKeys);
    for (const [name, run] of Object.entries(events)) model.off(name, run);
  };
}

export default { render };
