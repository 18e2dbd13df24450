"""Pages with one of the widgets' scripts in them: the system's Chromium, a model made by hand, no Jupyter and no network."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from playwright.sync_api import Page

import k8snet_course.show
from k8snet_course import Cluster
from k8snet_course.show import PacketWalk

SHOW = Path(k8snet_course.show.__file__).parent
MODEL = """
window.fakeModel = (values) => {
  const on = {};
  return {
    saves: 0,
    get: (name) => values[name],
    set(name, value) {
      if (values[name] === value) return;
      values[name] = value;
      (on["change:" + name] || []).forEach((run) => run());
    },
    save_changes() { this.saves += 1; },
    on(event, run) { (on[event] = on[event] || []).push(run); },
    off(event, run) { on[event] = (on[event] || []).filter((other) => other !== run); },
    listeners: () => Object.values(on).flat().length,
  };
};
window.load = async (source, values) => {
  const url = URL.createObjectURL(new Blob([source], {type: "text/javascript"}));
  const module = (await import(url)).default;
  window.model = fakeModel(values);
  window.stop = module.render({model: window.model, el: document.getElementById("root")});
};
"""

Open = Callable[..., Page]


def cluster() -> Cluster:
    made = Cluster()
    made.add_pod("frontend")
    made.add_pod("backend")
    return made


def resize(page: Page, width: int) -> None:
    """Give the window another width, and wait until everything has been laid out in it."""
    page.set_viewport_size({"width": width, "height": 900})
    page.wait_for_function("(width) => window.innerWidth === width", arg=width)
    page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")


def walk_page(open_page: Open, walk: PacketWalk | None = None, challenge: bool = False, **settings: Any) -> Page:
    there = cluster()
    walk = walk or PacketWalk(there, there.send("frontend", "backend"))
    return open_page("walk.js", walk._css, {"state": walk.state, "step": 0, "way": 0, "challenge": challenge}, **settings)
