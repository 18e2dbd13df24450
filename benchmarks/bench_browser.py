"""How long a redraw takes in the browser, from a new state of the model to the second frame after it.

Run with `python3 -m k8snet_course test benchmarks`; it needs Chromium.  The first row replaces nothing: it
is what two frames cost by themselves.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from k8snet_course.cluster import Cluster
from k8snet_course.show import PacketWalk
from tests.browser.conftest import QUIET
from tests.browser.pages import MODEL, SHOW
from tests.conftest import find_tool

FRAMES = "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    chromium = find_tool("chromium")
    if chromium is None:
        pytest.skip("needs chromium on this system, which is not there")
    with sync_playwright() as playwright:
        made = playwright.chromium.launch(executable_path=chromium, args=QUIET)
        yield made
        made.close()


def walk_of(pods: int) -> PacketWalk:
    cluster = Cluster()
    for number in range(pods):
        cluster.add_pod(f"pod-{number}")
    return PacketWalk(cluster, cluster.send("pod-0", "pod-1"))


@pytest.fixture(scope="module")
def page(browser: Browser) -> Page:
    walk = walk_of(2)
    page = browser.new_page(viewport={"width": 1000, "height": 900})
    page.set_content(f"<!doctype html><title>benchmark</title><style>{walk._css}</style><div id=root></div>")
    page.evaluate(f"() => {{ {MODEL} }}")
    source = (SHOW / "walk.js").read_text(encoding="utf-8")
    values = {"state": walk.state, "step": 0, "way": 0, "challenge": False}
    page.evaluate("([source, values]) => load(source, values)", [source, values])
    return page


@pytest.mark.benchmark(group="two frames, and a redraw within them, by pods")
@pytest.mark.parametrize("pods", [0, 3, 20], ids=["nothing", "3 pods", "20 pods"])
def test_redraw(benchmark: Any, page: Page, pods: int) -> None:
    states = [walk_of(pods).state, walk_of(pods + 1).state] if pods else [None, None]

    def redraw() -> None:
        states.reverse()
        page.evaluate(f"(state) => {{ if (state) model.set('state', state); return {FRAMES} }}", states[0])

    benchmark.pedantic(redraw, rounds=30, warmup_rounds=3)
