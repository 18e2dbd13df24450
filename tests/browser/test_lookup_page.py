"""The resolver stepper's script alone: a page in the system's Chromium, a model made by hand, no Jupyter and no network."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from k8snet_course.dns import Outside, ResolvConf, lookup
from k8snet_course.show.lookup_steps import LookupSteps, lookup_state
from tests.browser.pages import Open, resize

pytestmark = pytest.mark.needs("chromium")

DNS = "10.96.0.10"
CONF = ResolvConf((DNS,), ("default.svc.cluster.local", "svc.cluster.local", "cluster.local"), ("ndots:5",))
WORLD = {DNS: Outside({"www.example.com": ("203.0.113.9",)})}


def state_of(name: str = "www.example.com", conf: ResolvConf | None = CONF, resolver: str = "glibc") -> dict[str, Any]:
    return lookup_state(lookup(CONF, name, WORLD, resolver), conf, "client", [(DNS, "the cluster's DNS server")])


def steps_page(open_page: Open, state: dict[str, Any] | None = None, step: int = 0, **settings: Any) -> Page:
    return open_page("lookup_steps.js", LookupSteps._css, {"state": state or state_of(), "step": step}, **settings)


def test_the_keyboard_steps_and_each_query_is_spoken(open_page: Open) -> None:
    page = steps_page(open_page)
    page.keyboard.press("Tab")
    expect(page.locator(".k8-lookup")).to_be_focused()
    expect(page.locator(".k8-live")).to_have_text("")
    page.keyboard.press("ArrowRight")
    expect(page.locator(".k8-count")).to_have_text("Query 2 of 8")
    expect(page.locator(".k8-live")).to_contain_text(
        "Query 2 of 8: www.example.com.default.svc.cluster.local. AAAA? search domain 1 of 3, default.svc.cluster.local")
    expect(page.locator(".k8-then")).to_have_text("there is no such name: the next name is tried.")
    expect(page.locator(".k8-verdict")).to_have_text("The lookup goes on.")
    page.keyboard.press("End")
    expect(page.locator(".k8-verdict")).to_have_text("✓ 203.0.113.9: name 4 of those tried, www.example.com., has the address.")
    expect(page.locator(".k8-live")).to_contain_text("203.0.113.9: name 4 of those tried")
    page.keyboard.press("ArrowLeft")
    expect(page.locator(".k8-answer")).to_contain_text("www.example.com. 30 IN A 203.0.113.9")
    page.keyboard.press("Home")
    expect(page.locator(".k8-count")).to_have_text("Query 1 of 8")
    assert page.evaluate("model.saves") == 4


def test_jupyter_does_not_see_the_keys_that_the_widget_takes(open_page: Open) -> None:
    page = steps_page(open_page)
    page.evaluate("() => { window.keys = []; document.addEventListener('keydown', (event) => keys.push(event.key)); }")
    page.locator(".k8-lookup").focus()
    for key in ("ArrowRight", "ArrowDown", "End", "Home", "a"):
        page.keyboard.press(key)
    assert page.evaluate("keys") == ["a"]


def test_the_line_in_use_is_marked_by_a_sign_and_not_by_colour_alone(open_page: Open) -> None:
    page = steps_page(open_page)
    lines, words = page.locator(".k8-line"), page.locator(".k8-line mark")
    expect(page.get_by_role("region", name="/etc/resolv.conf in client")).to_be_visible()
    expect(lines).to_have_text([f"▶search {' '.join(CONF.search)}", f"▶nameserver {DNS}", "▶options ndots:5"])
    for step, domain in enumerate(CONF.search):
        page.evaluate("(step) => model.set('step', step)", 2 * step)
        expect(words).to_have_text([domain, DNS, "ndots:5"])
        expect(lines.first).to_have_attribute("aria-current", "true")
    page.evaluate("() => model.set('step', 6)")
    expect(words).to_have_text([DNS, "ndots:5"])
    expect(lines.first).to_have_text(f"search {' '.join(CONF.search)}")
    assert lines.first.get_attribute("aria-current") is None
    expect(page.locator(".k8-detail h4")).to_have_text("www.example.com. A?")


def test_what_was_put_behind_the_name_stands_apart(open_page: Open) -> None:
    page = steps_page(open_page, step=2)
    expect(page.locator(".k8-detail h4")).to_have_text("www.example.com.svc.cluster.local. A?")
    expect(page.locator(".k8-added")).to_have_text("svc.cluster.local.")
    expect(page.locator(".k8-server")).to_have_text(f"{DNS}, the cluster's DNS server")
    assert page.locator(".k8-added").evaluate("(part) => getComputedStyle(part).boxShadow") != "none"


def test_buttons_have_names_and_stop_at_the_ends_and_a_click_in_the_list_jumps(open_page: Open) -> None:
    page = steps_page(open_page)
    for name in ("First query", "Previous query"):
        expect(page.get_by_role("button", name=name)).to_be_disabled()
    page.get_by_role("button", name="Next query").click()
    expect(page.get_by_role("button", name="First query")).to_be_enabled()
    page.locator(".k8-step").nth(6).click()
    expect(page.locator(".k8-count")).to_have_text("Query 7 of 8")
    expect(page.locator(".k8-current")).to_contain_text("A✓found")
    page.keyboard.press("ArrowRight")
    expect(page.locator(".k8-lookup")).to_be_focused()
    for name in ("Next query", "Last query"):
        expect(page.get_by_role("button", name=name)).to_be_disabled()
    expect(page.locator(".k8-hop-name")).to_have_text([f"{number}www.example.com.{domain}" for number, domain in
                                                       enumerate([*(f"{each}." for each in CONF.search), ""], 1)])


def test_another_lookup_comes_in_place_and_one_without_queries_or_file_too(open_page: Open) -> None:
    page = steps_page(open_page, step=5)
    page.evaluate("(state) => { model.set('step', 0); model.set('state', state) }", state_of("nope"))
    expect(page.locator(".k8-plan")).to_contain_text("'nope' has no dot, fewer than ndots:5")
    expect(page.locator(".k8-count")).to_have_text("Query 1 of 8")
    page.evaluate("(state) => model.set('state', state)", state_of(DNS))
    expect(page.locator(".k8-plan")).to_contain_text("No server is asked.")
    expect(page.locator(".k8-verdict")).to_have_text(f"✓ {DNS}: an address needs no lookup.")
    expect(page.locator(".k8-bar")).to_be_hidden()
    expect(page.locator(".k8-list")).to_be_hidden()
    expect(page.locator(".k8-file")).to_be_visible()
    page.evaluate("(state) => model.set('state', state)", state_of(conf=None))
    expect(page.locator(".k8-file")).to_be_hidden()
    expect(page.locator(".k8-why")).to_have_text("the search domain default.svc.cluster.local is put behind the name.")


def test_stepping_keeps_the_height_of_the_widget(open_page: Open) -> None:
    page = steps_page(open_page)
    heights = []
    for step in range(7):  # the last one ends the lookup, whose sentence may take two lines
        page.evaluate("(step) => model.set('step', step)", step)
        heights.append(page.evaluate("() => document.querySelector('.k8-lookup').offsetHeight"))
    assert max(heights) - min(heights) < 2


def test_texts_are_never_read_as_markup(open_page: Open) -> None:
    evil = "<img src=x onerror=alert(1)>"
    state = state_of()
    for step in state["steps"]:
        step.update(name=evil, typed=evil, added=evil, type=evil, server=evil, who=evil, answer=evil, status=evil, why=evil,
                    next=evil, records=[evil], say=evil)
    state.update(label=evil, plan=evil, file=evil, conf=[[evil, evil]], end={"good": True, "text": evil})
    page = steps_page(open_page, state, step=7)
    expect(page.locator(".k8-then")).to_contain_text(evil)
    expect(page.locator("img")).to_have_count(0)


def test_nothing_moves_when_motion_is_unwanted(open_page: Open) -> None:
    for wanted, seconds in (("reduce", "0s"), ("no-preference", "0.15s")):
        page = steps_page(open_page, reduced_motion=wanted)
        assert page.locator(".k8-line").first.evaluate("(line) => getComputedStyle(line).transitionDuration") == seconds


def test_narrow_pages_need_no_sideways_scrolling(open_page: Open) -> None:
    page = steps_page(open_page, step=2)
    for width in (1400, 900, 600, 360):
        resize(page, width)
        assert page.evaluate("() => document.documentElement.scrollWidth <= window.innerWidth"), width


def test_one_that_leaves_the_page_stops_listening(open_page: Open) -> None:
    page = steps_page(open_page)
    assert page.evaluate("() => { const before = model.listeners(); stop(); return [before, model.listeners()] }") == [2, 0]
