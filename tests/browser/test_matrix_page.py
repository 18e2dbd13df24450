"""The reachability matrix's script alone: a page in the system's Chromium, a model made by hand, no Jupyter and no network."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from k8snet_course.reachability import Pair, Reachability
from k8snet_course.show.matrix import Matrix
from k8snet_course.show.reach_matrix import ReachMatrix, matrix_state
from tests.browser.pages import Open, resize

pytestmark = pytest.mark.needs("chromium")

NAMES = ("web", "api", "db")


def small(denied: bool) -> Reachability:
    """Three pods; a route is missing from api to web, and a policy may keep web from db."""
    def result(source: str, target: str) -> Pair:
        if (source, target) == ("api", "web"):
            return Pair(source, target, "no_route", "node-1 has no route to 10.244.1.2")
        if denied and (source, target) == ("web", "db"):
            return Pair(source, target, "denied_ingress", "NetworkPolicy db-from-api isolates pod db")
        return Pair(source, target, "ok", f"nginx in {target} takes the packet")
    return Reachability(tuple(result(a, b) for a, b in product(NAMES, NAMES)))


def square(count: int) -> Reachability:
    names = [f"pod-{number}" for number in range(count)]
    return Reachability(tuple(Pair(a, b, "ok" if a <= b else "no_route", f"{a} to {b}") for a, b in product(names, names)))


def state_of(compared: bool = True) -> dict[str, Any]:
    return matrix_state(Matrix.of(small(True), small(False) if compared else None))


def matrix_page(open_page: Open, state: dict[str, Any] | None = None, row: int = 0, column: int = 0, **settings: Any) -> Page:
    values = {"state": state or state_of(), "row": row, "column": column}
    return open_page("reach_matrix.js", ReachMatrix._css, values, **settings)


def focused(page: Page) -> list[int]:
    place: list[int] = page.evaluate("() => { const td = document.activeElement; "
                                     "return [td.parentElement.sectionRowIndex, td.cellIndex - 1] }")
    return place


def test_the_table_has_headers_and_each_cell_a_shape_and_words(open_page: Open) -> None:
    page = matrix_page(open_page)
    grid = page.get_by_role("grid", name="Who reaches whom: rows send, columns receive.")
    expect(grid.get_by_role("columnheader")).to_have_text(["from \\ to", *NAMES])
    expect(grid.get_by_role("rowheader")).to_have_text(list(NAMES))
    expect(grid.get_by_role("gridcell")).to_have_text(
        ["✓ok", "✓ok", "✕denied ingresswas ok", "△no route", "✓ok", "✓ok", "✓ok", "✓ok", "✓ok"])
    expect(page.locator(".k8-summary")).to_have_text("7 of 9 pairs ok, 1 denied by a policy, 1 failed otherwise; 1 changed.")
    expect(page.locator(".k8-legend li")).to_have_text(["✓ ok", "✕ denied by a policy", "△ failed otherwise", "framed changed"])


def test_one_cell_is_in_the_tab_order_and_the_arrows_move_it(open_page: Open) -> None:
    page = matrix_page(open_page)
    expect(page.locator("td[tabindex='0']")).to_have_count(1)
    page.keyboard.press("Tab")
    assert focused(page) == [0, 0]
    for key, place in (("ArrowRight", [0, 1]), ("ArrowDown", [1, 1]), ("End", [1, 2]), ("ArrowRight", [1, 2]), ("Home", [1, 0]),
                       ("ArrowUp", [0, 0]), ("ArrowUp", [0, 0]), ("Control+End", [2, 2]), ("ArrowLeft", [2, 1]),
                       ("PageUp", [0, 1]), ("PageDown", [2, 1]), ("Control+Home", [0, 0])):
        page.keyboard.press(key)
        assert focused(page) == place, key
        assert page.evaluate("[model.get('row'), model.get('column')]") == place
        expect(page.locator("td[tabindex='0']")).to_have_count(1)
    page.keyboard.press("Shift+Tab")
    assert page.evaluate("document.activeElement.tagName") != "TD"


def test_the_focused_cell_says_which_rule_decided_and_what_was_before(open_page: Open) -> None:
    page = matrix_page(open_page)
    said = page.get_by_role("status")
    expect(said).to_contain_text("Point at a cell, or move about with the arrow keys")
    expect(said).to_have_attribute("aria-live", "polite")
    page.keyboard.press("Tab")
    expect(said.locator("p")).to_have_text(["web → web ✓ ok", "nginx in web takes the packet."])
    page.keyboard.press("End")
    expect(said.locator("p")).to_have_text(["web → db ✕ denied ingress", "NetworkPolicy db-from-api isolates pod db.",
                                            "Changed: was ok: nginx in db takes the packet."])
    expect(page.locator("th.k8-here")).to_have_text(["db", "web"])


def test_the_mouse_says_it_too_and_gives_way_to_the_focus(open_page: Open) -> None:
    page = matrix_page(open_page)
    said = page.locator(".k8-decided strong")
    page.locator("td").nth(5).click()
    expect(said).to_have_text("api → db")
    assert page.evaluate("[model.get('row'), model.get('column')]") == [1, 2]
    page.locator("td").nth(3).hover()
    expect(said).to_have_text("api → web")
    expect(page.locator(".k8-decided .k8-why")).to_have_text("node-1 has no route to 10.244.1.2.")
    page.locator(".k8-summary").hover()
    expect(said).to_have_text("api → db")
    assert page.evaluate("[model.get('row'), model.get('column')]") == [1, 2], "to point is not to choose"


def test_jupyter_does_not_see_the_keys_that_the_table_takes(open_page: Open) -> None:
    page = matrix_page(open_page)
    page.evaluate("() => { window.keys = []; document.addEventListener('keydown', (event) => keys.push(event.key)); }")
    page.locator("td").first.focus()
    for key in ("ArrowRight", "ArrowDown", "Home", "End", "a"):
        page.keyboard.press(key)
    assert page.evaluate("keys") == ["a"]


def test_another_matrix_of_the_same_pods_keeps_the_table_and_the_focus(open_page: Open) -> None:
    page = matrix_page(open_page, state_of(compared=False))
    page.locator("td").nth(2).focus()
    page.evaluate("() => { window.cells = [...document.querySelectorAll('td')]; window.words = cells[0].firstChild }")
    page.evaluate("(state) => model.set('state', state)", matrix_state(Matrix.of(small(False), small(True))))
    assert page.evaluate("() => cells.every((td, at) => td === document.querySelectorAll('td')[at])")
    assert page.evaluate("() => cells[0].firstChild === words"), "a cell that is as it was is left alone"
    expect(page.locator("td").nth(2)).to_have_text("✓okwas denied ingress")
    assert focused(page) == [0, 2]
    expect(page.locator(".k8-decided .k8-then")).to_contain_text("Changed: was denied ingress: NetworkPolicy db-from-api")


def test_one_of_fewer_pods_puts_the_focus_on_a_cell_that_there_is(open_page: Open) -> None:
    page = matrix_page(open_page)
    page.locator("td").last.focus()
    one = Reachability((Pair("web", "web", "refused", "nobody listens"),))
    page.evaluate("(state) => { model.set('row', 0); model.set('column', 0); model.set('state', state) }",
                  matrix_state(Matrix.of(one)))
    expect(page.locator("td")).to_have_text(["△refused"])
    assert focused(page) == [0, 0]
    page.evaluate("(state) => model.set('state', state)", matrix_state(Matrix.of(Reachability(()))))
    expect(page.locator("td")).to_have_count(0)
    expect(page.locator(".k8-decided")).to_have_text("No pair has been asked.")


def test_a_large_one_says_what_is_left_out_and_its_headers_stay_in_sight(open_page: Open) -> None:
    page = matrix_page(open_page, matrix_state(Matrix.of(square(43))))
    expect(page.locator("td")).to_have_count(1600)
    expect(page.locator(".k8-summary")).to_contain_text("And 3 more sources and 3 more targets, not shown.")
    expect(page.locator("td").first).to_have_text("✓ok")  # its words are there for those who listen
    page.locator("td").first.focus()
    page.keyboard.press("Control+End")
    seen = page.evaluate("""() => { const box = (one) => one.getBoundingClientRect();
        const frame = box(document.querySelector('.k8-frame')), td = box(document.activeElement);
        const top = box(document.querySelector('thead th:last-child'));
        const left = box(document.querySelector('tbody tr:last-child th'));
        return [Math.abs(top.top - frame.top) < 3, Math.abs(left.left - frame.left) < 3, td.top >= top.bottom - 1,
            td.left >= left.right - 1, td.bottom <= frame.bottom, td.right <= frame.right, window.scrollY === 0] }""")
    assert seen == [True] * 7
    page.keyboard.press("Control+Home")
    covered = page.evaluate("""() => { const box = (one) => one.getBoundingClientRect(); const td = box(document.activeElement);
        const [top, left] = ['thead th', 'tbody th'].map((header) => box(document.querySelector(header)));
        return td.top < top.bottom - 1 || td.left < left.right - 1 }""")
    assert not covered


def test_the_details_keep_their_height(open_page: Open) -> None:
    page = matrix_page(open_page)
    heights = []
    for number in (0, 2, 3):
        page.locator("td").nth(number).focus()
        heights.append(page.evaluate("() => document.querySelector('.k8-matrix').offsetHeight"))
    assert len(set(heights)) == 1


def test_a_cell_that_changed_has_a_frame_in_each_theme(open_page: Open) -> None:
    for theme in ("light", "dark"):
        page = matrix_page(open_page, color_scheme=theme)
        shadows = page.evaluate("() => [...document.querySelectorAll('td')].map((td) => getComputedStyle(td).boxShadow)")
        assert [shadow != "none" for shadow in shadows] == [number == 2 for number in range(9)]


def test_texts_are_never_read_as_markup(open_page: Open) -> None:
    evil = "<img src=x onerror=alert(1)>"
    state = state_of()
    state.update(sources=[evil] * 3, targets=[evil] * 3, summary=evil, marks=[[evil, evil]])
    for result in state["results"]:
        result.update(mark=evil, text=evil)
    state["rows"] = [[[0, evil, evil, evil]] * 3] * 3
    page = matrix_page(open_page, state)
    page.locator("td").first.focus()
    expect(page.locator(".k8-why")).to_contain_text(evil)
    expect(page.locator("img")).to_have_count(0)


def test_narrow_pages_need_no_sideways_scrolling_of_the_page(open_page: Open) -> None:
    for state in (state_of(), matrix_state(Matrix.of(square(30)))):
        page = matrix_page(open_page, state)
        for width in (1400, 600, 360):
            resize(page, width)
            assert page.evaluate("() => document.documentElement.scrollWidth <= window.innerWidth"), width


def test_one_that_leaves_the_page_stops_listening(open_page: Open) -> None:
    page = matrix_page(open_page)
    assert page.evaluate("() => { const before = model.listeners(); stop(); return [before, model.listeners()] }") == [3, 0]
