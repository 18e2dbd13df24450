"""The widget's script on walks with Services, doors, several connections and large clusters: no Jupyter and no network."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from k8snet_course.show import PacketWalk
from tests.browser.pages import Open, resize, walk_page
from tests.show.clusters import LATER, cluster_of

pytestmark = pytest.mark.needs("chromium")


def page_of(open_page: Open, name: str, **settings: Any) -> tuple[Page, PacketWalk]:
    walk = PacketWalk(*LATER[name])
    return walk_page(open_page, walk, reduced_motion="reduce", **settings), walk


def step_with(walk: PacketWalk, part: str) -> int:
    return next(number for number, step in enumerate(walk.state["ways"][0]["steps"]) if step[part])


def test_the_lock_at_the_door_stays_from_its_step_on_and_has_the_reason_as_title(open_page: Open) -> None:
    for name, word in (("denied at the door", "denied"), ("allowed at the door", "allowed")):
        page, walk = page_of(open_page, name)
        at = step_with(walk, "door")
        door = page.locator("svg .door")
        expect(door).to_have_count(0)
        page.evaluate("(step) => model.set('step', step)", at)
        expect(door.locator("text")).to_have_text(word)
        assert door.locator("title").text_content() == walk.state["ways"][0]["steps"][at]["why"]
        expect(page.locator(".k8-live")).to_contain_text(f"At the door of the pod: {word}.")
        page.keyboard.press("Tab")
        page.keyboard.press("End")
        expect(door).to_have_count(1)
        page.keyboard.press("Home")
        expect(door).to_have_count(0)


def test_the_virtual_address_is_marked_at_the_step_that_rewrites_it(open_page: Open) -> None:
    page, walk = page_of(open_page, "to a node port")
    at = step_with(walk, "service")
    star = page.locator("svg .box.chosen .star")
    expect(page.locator("svg .box.virtual.now")).to_have_count(0)
    expect(star).to_be_hidden()
    page.evaluate("(step) => model.set('step', step)", at)
    expect(page.locator("svg .box.virtual.now")).to_have_count(1)
    expect(star).to_be_visible()
    expect(page.locator("svg .rewritten text")).to_have_text(walk.state["ways"][0]["steps"][at]["note"]["lines"])
    expect(page.locator(".k8-facts")).to_contain_text("service web NodePort 192.168.1.3:30080")
    expect(page.locator("svg .box.chosen")).to_have_count(1)
    page.locator("svg .box.virtual .name").click()
    expect(page.get_by_role("region", name="Tables of node-2")).to_be_visible()


def test_the_answer_s_rewriting_is_said_in_a_line_a_side(open_page: Open) -> None:
    page, walk = page_of(open_page, "to a load balancer")
    back = next(index for index, way in enumerate(walk.state["ways"]) if way["name"] == "back")
    at = next(number for number, step in enumerate(walk.state["ways"][back]["steps"]) if step["note"])
    page.evaluate("([way, step]) => { model.set('way', way); model.set('step', step) }", [back, at])
    expect(page.locator("svg .rewritten text")).to_have_count(2)
    expect(page.locator("svg .rewritten text").nth(1)).to_contain_text("destination")


def test_the_keyboard_goes_on_from_one_connection_to_the_next_and_back_again(open_page: Open) -> None:
    page, walk = page_of(open_page, "two connections")
    first, second = (walk.state["ways"][number] for number in (0, 2))
    page.keyboard.press("Tab")
    page.keyboard.press("End")
    count = len(first["steps"])
    expect(page.locator(".k8-count")).to_have_text(f"Connection 1 of 2, step {count} of {count}")
    expect(page.get_by_role("button", name="Next step")).to_be_enabled()
    page.keyboard.press("ArrowRight")
    expect(page.locator(".k8-count")).to_have_text(f"Connection 2 of 2, step 1 of {len(second['steps'])}")
    expect(page.locator(".k8-number").first).to_have_text(str(second["steps"][0]["number"]))
    expect(page.locator(".k8-live")).to_contain_text("Connection 2 of 2. Step 1 of")
    expect(page.locator("svg .k8-gone")).to_have_count(count)
    expect(page.get_by_role("button", name="Connection 2 of 2: way there")).to_have_attribute("aria-pressed", "true")
    page.keyboard.press("ArrowLeft")
    expect(page.locator(".k8-count")).to_have_text(f"Connection 1 of 2, step {count} of {count}")
    expect(page.locator("svg .k8-gone")).to_have_count(0)
    page.get_by_role("button", name="Connection 2 of 2: way back").click()
    page.get_by_role("button", name="Last step").click()
    page.get_by_role("button", name="Next step").click()
    expect(page.get_by_role("button", name="Connection 1 of 2: way back")).to_have_attribute("aria-pressed", "true")


def test_a_challenge_must_be_passed_before_the_next_connection(open_page: Open) -> None:
    page, walk = page_of(open_page, "two connections", challenge=True)
    expect(page.get_by_role("button", name="Next step")).to_be_disabled()
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowRight")
    steps = walk.state["ways"][0]["steps"]
    expect(page.locator(".k8-count")).to_have_text(f"Connection 1 of 2, step 1 of {len(steps)}")
    for step in steps[1:]:
        right = next(number for number, choice in enumerate(step["quiz"]["choices"]) if choice["right"])
        page.locator(".k8-choice").nth(right).click()
    page.get_by_role("button", name="Next step").click()
    expect(page.locator(".k8-count")).to_contain_text("Connection 2 of 2, step 1 of")


def test_a_walk_begins_in_the_pod_that_uses_its_node_s_network(open_page: Open) -> None:
    page, _ = page_of(open_page, "agent to agent")
    expect(page.locator("svg .box.hostpod.now")).to_have_attribute("data-at", "default/agent-1|")
    page.keyboard.press("Tab")
    page.keyboard.press("End")
    expect(page.locator("svg .box.hostpod.now")).to_have_attribute("data-at", "default/agent-2|")


def test_tables_that_were_not_sent_are_asked_for_and_shown_when_they_come(open_page: Open) -> None:
    there = cluster_of(101, 2)
    walk = PacketWalk(there, there.send("frontend", "node-1"))
    page = walk_page(open_page, walk)
    page.get_by_role("button", name="node-1", exact=True).click()
    pane = page.get_by_role("region", name="Tables of node-1")
    expect(pane.get_by_role("status")).to_have_text("Asking the kernel for these tables …")
    assert page.evaluate("model.get('opened')") == "node-1"
    walk.opened = "node-1"
    page.evaluate("(tables) => model.set('tables', tables)", walk.tables)
    expect(pane.get_by_role("status")).to_have_count(0)
    expect(pane.locator("h5").first).to_have_text("$ ip route")
    page.evaluate("(state) => { model.set('opened', ''); model.set('tables', {}); model.set('state', state) }",
                  PacketWalk(there, there.send("frontend", "node-1", port=None)).state)
    expect(pane.get_by_role("status")).to_be_visible()
    assert page.evaluate("model.get('opened')") == "node-1", "an open pane asks again for another walk"


@pytest.mark.parametrize("width", [1366, 1000, 680])
def test_twenty_pods_on_four_nodes_fit_a_laptop_s_notebook(open_page: Open, width: int) -> None:
    page, _ = page_of(open_page, "to a Service of many")
    resize(page, width)
    assert page.evaluate("() => document.documentElement.scrollWidth <= window.innerWidth")
    least = page.evaluate("""() => Math.min(...[...document.querySelectorAll('.k8-scene svg .text')].map(
        (text) => parseFloat(getComputedStyle(text).fontSize) * text.getScreenCTM().a))""")
    assert least >= (10 if width >= 1000 else 7), "the picture's text stays readable"
