"""The appendix as a learner uses it: a lab in real Linux, and the panel that compares it with the model."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from tests.browser.lab import Lab

pytestmark = pytest.mark.needs("chromium", "ip", "bridge", "iptables-restore", "root")


def test_break_a_row_and_real_linux_says_the_same(lab: Lab) -> None:
    lab.open("notebooks/A_real_linux.ipynb")
    lab.run_all()
    assert lab.errors() == []
    panel = lab.bring("RealPanel(", ".k8-panel")
    expect(panel).to_contain_text("The two agree.")
    expect(panel.locator("table").first).to_contain_text("from 10.244.1.2, TTL 62")
    plugin = panel.get_by_label("Plugin", exact=True)
    lab.press(plugin, "ArrowDown")
    expect(plugin.locator("option:checked")).to_have_text("calico-bgp")
    expect(plugin).to_be_focused()  # and JupyterLab has not taken the key for itself
    expect(panel.locator("table").first).to_contain_text("TTL 62")
    lab.press(plugin, "ArrowDown")
    expect(panel.locator("table").first).to_contain_text("(VXLAN)")
    broken = panel.get_by_label("Break", exact=True)
    broken.focus()
    broken.select_option(label="node-3 does not forward")
    expect(panel.locator("table").first).to_contain_text("no answer")
    expect(panel).to_contain_text("The two agree.")
    for theme in ("JupyterLab Dark", "JupyterLab Light"):
        lab.theme(theme)
        lab.photograph(f"chapter-a-{theme.rpartition(' ')[2].lower()}", panel)
