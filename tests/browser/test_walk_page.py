"""The widgets' scripts alone: a page in the system's Chromium, a model made by hand, no Jupyter and no network."""

from __future__ import annotations

import pytest
from playwright.sync_api import expect

from k8snet_course import Cluster
from k8snet_course.show import PacketWalk
from k8snet_course.show.grid import Grid
from tests.browser.pages import SHOW, Open, cluster, resize, walk_page

pytestmark = pytest.mark.needs("chromium")


def test_the_keyboard_steps_and_the_step_is_spoken(open_page: Open) -> None:
    page = walk_page(open_page)
    page.keyboard.press("Tab")
    expect(page.locator(".k8-walk")).to_be_focused()
    expect(page.locator(".k8-live")).to_have_text("")
    page.keyboard.press("ArrowRight")
    expect(page.locator(".k8-count")).to_have_text("Step 2 of 5")
    expect(page.locator(".k8-live")).to_contain_text("Step 2 of 5, pod frontend: route. of 2 routes '10.244.0.0/24' wins")
    expect(page.locator(".k8-won .k8-row")).to_contain_text("10.244.0.0/24 dev eth0")
    expect(page.locator(".k8-lost")).to_contain_text("/0 matches, but is shorter")
    page.keyboard.press("End")
    expect(page.locator(".k8-current")).to_contain_text("deliver")
    reason = "nginx in backend listens on TCP port 80 and takes the packet"
    expect(page.locator(".k8-verdict")).to_have_text(f"✓ delivered: {reason}.")
    expect(page.locator("svg .end text")).to_have_text("✓ delivered")
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Home")
    expect(page.locator(".k8-count")).to_have_text("Step 1 of 5")


def test_jupyter_does_not_see_the_keys_that_the_widget_takes(open_page: Open) -> None:
    page = walk_page(open_page)
    page.evaluate("() => { window.keys = []; document.addEventListener('keydown', (event) => keys.push(event.key)); }")
    page.locator(".k8-walk").focus()
    for key in ("ArrowRight", "End", "Home", "a"):
        page.keyboard.press(key)
    assert page.evaluate("keys") == ["a"]


def test_buttons_are_buttons_with_names_and_stop_at_the_ends(open_page: Open) -> None:
    page = walk_page(open_page)
    for name in ("First step", "Previous step"):
        expect(page.get_by_role("button", name=name)).to_be_disabled()
    page.get_by_role("button", name="Next step").click()
    expect(page.get_by_role("button", name="First step")).to_be_enabled()
    page.get_by_role("button", name="Last step").click()
    expect(page.get_by_role("button", name="Next step")).to_be_disabled()
    outline = page.evaluate("""() => { const button = document.querySelector('.k8-back'); button.focus({focusVisible: true});
        return getComputedStyle(button).outlineStyle }""")
    assert outline == "solid"


def test_a_click_in_the_list_jumps_there_and_back_again_on_the_way_back(open_page: Open) -> None:
    page = walk_page(open_page)
    page.locator(".k8-step", has_text="bridge").click()
    expect(page.locator(".k8-count")).to_have_text("Step 4 of 5")
    expect(page.locator("svg .box.now")).to_have_count(1)
    assert page.locator("svg .box.now").get_attribute("data-at") == "node-1|cni0"
    page.get_by_role("button", name="Way back").click()
    expect(page.get_by_role("button", name="Way back")).to_have_attribute("aria-pressed", "true")
    expect(page.locator(".k8-count")).to_have_text("Step 1 of 5")
    expect(page.locator(".k8-hop-name").first).to_contain_text("pod backend")
    expect(page.locator("svg .walk.back")).to_have_count(1)


def test_the_current_step_stays_in_sight_and_the_page_does_not_scroll(open_page: Open) -> None:
    there = Cluster(nodes=2)
    for name in ("a", "b"):
        there.add_pod(name)
    page = walk_page(open_page, PacketWalk(there, there.send("a", "laptop")))
    page.locator(".k8-walk").focus()
    page.keyboard.press("End")
    seen = page.evaluate("""() => { const list = document.querySelector('.k8-list').getBoundingClientRect();
        const now = document.querySelector('.k8-current').getBoundingClientRect();
        return now.top > list.top - 1 && now.bottom < list.bottom + 1 }""")
    assert seen
    assert page.evaluate("window.scrollY") == 0


def test_a_challenge_asks_explains_and_keeps_the_score(open_page: Open) -> None:
    page = walk_page(open_page)
    page.get_by_role("checkbox").check()
    expect(page.locator(".k8-step").nth(1)).to_have_text("?")
    expect(page.get_by_role("button", name="Next step")).to_be_disabled()
    choices = page.evaluate("() => model.get('state').ways[0].steps[1].quiz.choices.map((choice) => choice.right)")
    wrong, right = choices.index(False), choices.index(True)
    page.locator(".k8-walk").focus()
    page.keyboard.press(str(wrong + 1))
    expect(page.locator(".k8-reason")).to_contain_text("Not so.")
    expect(page.locator(".k8-live")).to_contain_text("Not so.")
    expect(page.locator(".k8-count")).to_have_text("Step 1 of 5")
    page.keyboard.press(str(right + 1))
    expect(page.locator(".k8-count")).to_have_text("Step 2 of 5")
    expect(page.locator(".k8-live")).to_contain_text("Right. Step 2 of 5")
    expect(page.locator(".k8-score")).to_have_text("0 of 1 right at once")
    for _ in range(3):
        page.evaluate("""() => { const next = model.get('step') + 1;
            const index = model.get('state').ways[0].steps[next].quiz.choices.findIndex((choice) => choice.right);
            document.querySelectorAll('.k8-choice')[index].click() }""")
    expect(page.locator(".k8-count")).to_have_text("Step 5 of 5")
    expect(page.locator(".k8-score")).to_have_text("3 of 4 right at once")
    expect(page.locator(".k8-quiz")).to_have_count(0)


def flannel(port: int | None = 80, target: str = "backend") -> PacketWalk:
    there = Cluster(nodes=2, cni="flannel")
    there.add_pod("frontend", node="node-1")
    there.add_pod("backend", node="node-2")
    return PacketWalk(there, there.send("frontend", target, port=port))


def step_of(walk: PacketWalk, action: str) -> int:
    return [step["action"] for step in walk.state["ways"][0]["steps"]].index(action)


def test_the_tables_of_a_device_open_and_close_by_keyboard(open_page: Open) -> None:
    page = walk_page(open_page, flannel())
    expect(page.locator(".k8-pane")).to_be_hidden()
    button = page.get_by_role("button", name="node-1", exact=True)
    button.focus()
    expect(button).to_have_attribute("aria-expanded", "false")
    page.keyboard.press("Enter")
    pane = page.get_by_role("region", name="Tables of node-1")
    expect(pane).to_be_visible()
    expect(pane).to_be_focused()
    expect(button).to_have_attribute("aria-expanded", "true")
    expect(pane.locator("h5").first).to_have_text("$ ip route")
    expect(pane.locator("pre").first).to_contain_text("10.244.1.0/24 via 10.244.1.0 dev flannel.1 onlink")
    expect(pane.locator("h5", has_text="iptables -t nat -S")).to_have_count(1)
    page.keyboard.press("ArrowRight")
    expect(page.locator(".k8-count")).to_contain_text("Step 2 of")
    expect(pane).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.locator(".k8-pane")).to_be_hidden()
    expect(button).to_be_focused()
    button.press("Enter")
    page.get_by_role("button", name="Close").press("Enter")
    expect(page.locator(".k8-pane")).to_be_hidden()


def test_a_click_on_a_device_in_the_picture_opens_its_tables(open_page: Open) -> None:
    page = walk_page(open_page, flannel())
    page.locator('svg [data-at="default/backend|"] .name').click()
    expect(page.get_by_role("region", name="Tables of backend")).to_contain_text("default via 10.244.1.1 dev eth0")
    page.locator('svg [data-at="node-2|flannel.1"] .name').click()
    expect(page.get_by_role("region", name="Tables of node-2")).to_be_visible()
    page.locator('svg [data-at="router|"] .name').click()
    expect(page.get_by_role("region", name="Tables of node-2")).to_be_visible()
    page.evaluate("(state) => model.set('state', state)", flannel(None, "laptop").state)
    expect(page.locator(".k8-pane")).to_be_hidden()


def test_the_headers_are_shown_from_the_outside_in_and_the_mark_gets_an_envelope(open_page: Open) -> None:
    walk = flannel()
    page = walk_page(open_page, walk, reduced_motion="reduce")
    names = page.locator(".k8-packet .k8-name")
    for action, wanted, total in (
        ("resolve", ["IP", "TCP"], "40 bytes, MTU of eth0: 1450 bytes"),
        ("encapsulate", ["IP", "UDP", "VXLAN", "Ethernet", "IP", "TCP"], "▲ wrapped: 90 bytes, MTU of eth0: 1500 bytes"),
        ("decapsulate", ["IP", "TCP"], "▼ unwrapped: 40 bytes, MTU of cni0: 1450 bytes"),
    ):
        page.evaluate("(step) => model.set('step', step)", step_of(walk, action))
        expect(names).to_have_text(wanted)
        expect(page.locator(".k8-total")).to_have_text(total)
        expect(page.locator("svg .envelope")).to_have_count(1 if action == "encapsulate" else 0)
    assert page.locator("svg .tube").count() > 2


def test_an_envelope_is_put_on_when_the_packet_has_arrived(open_page: Open) -> None:
    walk = flannel()
    page = walk_page(open_page, walk, reduced_motion="no-preference")
    at = step_of(walk, "encapsulate")
    page.evaluate("(step) => model.set('step', step)", at)
    expect(page.locator("svg .envelope")).to_have_count(1)
    page.evaluate("(step) => model.set('step', step)", step_of(walk, "decapsulate") - 1)
    begun = page.evaluate("""async (step) => { model.set('step', step); await null; await null;
        return document.querySelectorAll('svg .envelope').length }""", step_of(walk, "decapsulate"))
    assert begun == 1, "still wrapped on its way to the tunnel"
    expect(page.locator("svg .envelope")).to_have_count(0)


def test_what_is_rewritten_stands_in_the_picture_at_its_step_only(open_page: Open) -> None:
    walk = flannel(None, "laptop")
    page = walk_page(open_page, walk, reduced_motion="reduce")
    at = step_of(walk, "translate")
    expect(page.locator("svg .rewritten")).to_have_count(0)
    page.evaluate("(step) => model.set('step', step)", at)
    expect(page.locator("svg .rewritten text")).to_have_text("source 10.244.0.2 → 192.168.1.2")
    page.evaluate("(step) => model.set('step', step)", at + 1)
    expect(page.locator("svg .rewritten")).to_have_count(0)


def test_a_packet_moves_along_the_wire_and_stands_still_when_motion_is_unwanted(open_page: Open) -> None:
    moving = walk_page(open_page, reduced_motion="no-preference")
    still = walk_page(open_page, reduced_motion="reduce")
    for page, moves in ((moving, True), (still, False)):
        page.evaluate("() => model.set('step', 2)")
        seen = page.evaluate("""async () => { let now = performance.now(); let frames = []; const seen = new Set();
            performance.now = () => now; // a clock and frames of its own: a busy machine draws few
            window.requestAnimationFrame = (run) => frames.push(run);
            window.cancelAnimationFrame = () => { frames = [] };
            model.set('step', 3); await null; await null;
            for (let frame = 0; frame < 30; frame += 1) {
                seen.add(document.querySelector('.packet-mark').getAttribute('transform'));
                now += 25; frames.splice(0).forEach((run) => run(now)) }
            return [...seen] }""")
        assert (len(seen) > 4) is moves
        place = page.evaluate("() => { const {x, y} = model.get('state').ways[0].steps[3]; return `translate(${x} ${y})` }")
        assert seen[-1] == place


def test_another_walk_of_the_same_cluster_leaves_the_picture_in_place(open_page: Open) -> None:
    there = cluster()
    page = walk_page(open_page)
    walk = PacketWalk(there, there.send("frontend", "backend", port=81))
    page.evaluate("() => { window.before = document.querySelector('svg') }")
    page.evaluate("(state) => model.set('state', state)", walk.state)
    assert page.evaluate("() => document.querySelector('.k8-scene svg') === before")
    page.keyboard.press("Tab")
    page.keyboard.press("End")
    expect(page.locator(".k8-verdict")).to_contain_text("✕ refused")


def test_another_cluster_is_drawn_without_a_gap(open_page: Open) -> None:
    page = walk_page(open_page)
    more = cluster()
    more.add_pod("database")
    state = PacketWalk(more, more.send("frontend", "database")).state
    result = page.evaluate("""(state) => new Promise((done) => {
        const root = document.querySelector('.k8-walk'); const heights = [root.offsetHeight];
        new MutationObserver(() => heights.push(root.offsetHeight)).observe(root, {childList: true, subtree: true});
        model.set('state', state);
        requestAnimationFrame(() => requestAnimationFrame(() => done({heights})))
    })""", state)
    assert "database" in (page.locator(".k8-scene svg").text_content() or "")
    assert max(result["heights"]) - min(result["heights"]) < 2, "the widget keeps its height"


def test_texts_are_never_read_as_markup(open_page: Open) -> None:
    there = cluster()
    state = PacketWalk(there, there.send("frontend", "backend")).state
    evil = "<img src=x onerror=alert(1)>"
    for step in state["ways"][0]["steps"]:
        step.update(hop=evil, why=evil, action=evil, link=evil, asked=evil)
        step["rows"] = [{"row": evil, "matched": True, "won": True, "why": evil}]
    walk = PacketWalk(there)
    page = open_page("walk.js", walk._css, {"state": state, "step": 1, "way": 0, "challenge": True})
    expect(page.locator("img")).to_have_count(0)


def test_two_widgets_on_a_page_share_no_id_and_one_that_leaves_stops_listening(open_page: Open) -> None:
    page = walk_page(open_page)
    page.evaluate("""() => { const other = document.createElement('div'); other.id = 'root2'; document.body.append(other) }""")
    source = (SHOW / "walk.js").read_text(encoding="utf-8")
    page.evaluate("""async (source) => { const url = URL.createObjectURL(new Blob([source], {type: 'text/javascript'}));
        const module = (await import(url)).default; window.stop();
        document.getElementById('root').replaceChildren(); const listening = model.listeners();
        window.one = module.render({model, el: document.getElementById('root')});
        window.two = module.render({model, el: document.getElementById('root2')}); window.leftOver = listening }""", source)
    assert page.evaluate("leftOver") == 0
    ids = page.evaluate("() => [...document.querySelectorAll('[id]')].map((element) => element.id)")
    assert len(ids) == len(set(ids))
    page.evaluate("() => model.set('step', 2)")
    for number in (0, 1):
        expect(page.locator(".k8-count").nth(number)).to_have_text("Step 3 of 5")


def test_narrow_pages_need_no_sideways_scrolling(open_page: Open) -> None:
    page = walk_page(open_page, challenge=True)
    for width in (1400, 900, 600, 380):
        resize(page, width)
        assert page.evaluate("() => document.documentElement.scrollWidth <= window.innerWidth"), width


def test_a_board_replaces_only_the_table_that_changed_and_speaks(open_page: Open) -> None:
    tables = [Grid.of("Pods", ("name",), [("frontend",)]).html, Grid.of("Routes", ("row",), [("default",)]).html]
    css = (SHOW / "board.css").read_text(encoding="utf-8")
    page = open_page("board.js", css, {"notice": "", "failed": False, "tables": tables})
    page.evaluate("() => { window.second = document.querySelectorAll('table')[1] }")
    changed = [Grid.of("Pods", ("name",), [("<b>web</b>",)]).html, tables[1]]
    page.evaluate("""(tables) => { model.set('tables', tables); model.set('failed', true);
        model.set('notice', '<i>full</i>') }""", changed)
    assert page.evaluate("() => document.querySelectorAll('table')[1] === second")
    expect(page.locator("table").first).to_contain_text("<b>web</b>")
    expect(page.get_by_role("status")).to_have_text("✕ <i>full</i>")
    page.evaluate("(tables) => model.set('tables', tables.slice(0, 1))", changed)
    expect(page.locator("table")).to_have_count(1)
