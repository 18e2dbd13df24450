"""Chapter 6 as a learner uses it: another plugin, something broken, and the header stack of a tunnel, by keyboard."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.browser.lab import Lab

pytestmark = pytest.mark.needs("chromium")


def test_switch_the_plugin_and_break_a_row(lab: Lab) -> None:
    lab.open("notebooks/06_across_nodes.ipynb")
    lab.run_all()
    assert lab.errors() == []
    panel = lab.bring("PathPanel(", ".k8-panel")
    plugin = panel.get_by_label("Plugin", exact=True)
    verdict = panel.locator(".k8-verdict")
    walk = panel.locator(".k8-walk")
    plugin.select_option(label="calico")
    expect(walk.locator(".k8-scene svg").first).to_contain_text("tunl0")
    plugin.select_option(label="flannel")
    expect(walk.locator(".k8-scene svg").first).to_contain_text("flannel.1")
    lab.press(walk, "Home")
    for _ in range(20):
        if "encapsulate" in (walk.locator(".k8-detail h4").text_content() or ""):
            break
        before = walk.locator(".k8-count").text_content() or ""
        lab.press(walk, "ArrowRight")
        expect(walk.locator(".k8-count")).not_to_have_text(before)
    expect(walk.locator(".k8-detail")).to_contain_text("VXLAN")
    lab.photograph("chapter-6-tunnel", walk)
    lab.press(walk, "End")
    expect(verdict).to_contain_text("delivered")
    broken = panel.get_by_label("Break", exact=True)
    name = next(text for text in broken.locator("option").all_text_contents() if re.search("FDB", text))
    broken.focus()
    broken.select_option(label=name)
    expect(walk.locator(".k8-count")).to_have_text(re.compile("Step 1 of"))
    lab.press(walk, "End")
    expect(verdict).to_contain_text("no neighbour")
    for theme in ("JupyterLab Dark", "JupyterLab Light"):
        lab.theme(theme)
        lab.photograph(f"chapter-6-{theme.rpartition(' ')[2].lower()}", panel)
