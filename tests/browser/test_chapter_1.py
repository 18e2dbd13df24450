"""Chapter 1 as a learner uses it: run, step with the keyboard, take the challenge, change the cluster."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.browser.lab import Lab

pytestmark = pytest.mark.needs("chromium")


@pytest.fixture
def chapter(lab: Lab) -> Lab:
    lab.open("notebooks/01_single_node.ipynb")
    lab.run_all()
    assert lab.errors() == []
    return lab


def test_step_with_the_keyboard(chapter: Lab) -> None:
    walk = chapter.page.locator(".jp-OutputArea-output .k8-walk").first
    walk.scroll_into_view_if_needed()
    steps = walk.locator(".k8-count")
    expect(steps).to_have_text(re.compile(r"Step 1 of \d+"))
    chapter.press(walk, "ArrowRight")
    expect(steps).to_have_text(re.compile("Step 2 of"))
    expect(walk.locator(".k8-live")).to_contain_text("route")
    chapter.press(walk, "End")
    expect(walk.locator(".k8-verdict")).to_contain_text("delivered: nginx in backend listens on TCP port 80")
    expect(walk.locator(".k8-current")).to_contain_text("deliver")
    chapter.press(walk, "ArrowLeft", "Home")
    expect(steps).to_have_text(re.compile("Step 1 of"))
    walk.locator(".k8-next").click()
    expect(steps).to_have_text(re.compile("Step 2 of"))
    expect(walk.locator("svg[role=img]").first).to_have_attribute("aria-labelledby", re.compile("title"))
    chapter.photograph("walk", walk)


def test_challenge_says_why_a_choice_is_wrong(chapter: Lab) -> None:
    walk = chapter.page.locator(".jp-OutputArea-output .k8-walk").first
    walk.scroll_into_view_if_needed()
    walk.locator(".k8-challenge").check()
    question = walk.locator(".k8-quiz")
    expect(question).to_be_visible()
    choices = question.locator(".k8-choice").count()
    assert 3 <= choices <= 4
    for number in range(1, choices + 1):
        chapter.press(walk, str(number))
        if "Step 2 of" in (walk.locator(".k8-count").text_content() or ""):
            break
        expect(walk.locator(".k8-reason").last).to_contain_text("Not so.")
        chapter.photograph("challenge", walk)
    expect(walk.locator(".k8-count")).to_have_text(re.compile("Step 2 of"))
    expect(walk.locator(".k8-score")).to_contain_text("right at once")


def test_a_control_changes_the_cluster(chapter: Lab) -> None:
    page = chapter.page
    panel = page.locator(".jp-OutputArea-output .k8-panel").first
    panel.scroll_into_view_if_needed()
    board = panel.locator(".k8snet.k8-board")
    expect(board).to_contain_text("10.244.0.3")
    expect(board).not_to_contain_text("database")
    add = panel.get_by_role("button", name="Add pod")
    chapter.press(add, "Enter")
    expect(board.locator(".k8-notice")).to_contain_text("database got 10.244.0.4.")
    expect(panel.locator(".k8-scene svg")).to_contain_text("database")
    panel.get_by_label("Addresses of the node").select_option(label="/29: 8 addresses, 5 for pods")
    expect(board).to_contain_text("10.244.0.0/29")
    for got in ("cache got 10.244.0.5.", "web-1 got 10.244.0.6."):
        add.click()
        expect(board.locator(".k8-notice")).to_contain_text(got)
    add.click()
    notice = board.locator(".k8-failed")
    expect(notice).to_contain_text("no IP addresses available in range set")
    chapter.photograph("panel-full", panel)
    page.set_viewport_size({"width": 1366, "height": 1900})
    for theme in ("JupyterLab Dark", "JupyterLab Light"):
        chapter.theme(theme)
        page.wait_for_timeout(500)
        chapter.photograph(f"panel-{theme.rpartition(' ')[2].lower()}", panel)


def test_the_picture_for_the_readme(chapter: Lab) -> None:
    """Light and dark, as the first things a learner sees; the light one is the README's."""
    walk = chapter.page.locator(".jp-OutputArea-output .k8-walk").first
    walk.locator(".k8-bar").scroll_into_view_if_needed()
    for step in (2, 3, 4):
        chapter.press(walk, "ArrowRight")
        expect(walk.locator(".k8-count")).to_have_text(re.compile(f"Step {step} of"))
    for theme in ("JupyterLab Dark", "JupyterLab Light"):
        chapter.theme(theme)
        walk.evaluate("element => element.scrollIntoView({block: 'start'})")
        chapter.page.wait_for_timeout(700)
        assert chapter.photograph(f"chapter-1-{theme.rpartition(' ')[2].lower()}").stat().st_size > 20_000
