"""The resolver stepper without a browser: every word about a lookup, the line of the file in use, text and HTML."""

from __future__ import annotations

import json
from html.parser import HTMLParser

import pytest
from IPython.core.interactiveshell import InteractiveShell

from k8snet_course import Cluster
from k8snet_course.dns import Answer, Lookup, Outside, Rcode, Record, ResolvConf, lookup
from k8snet_course.errors import InvalidArgument, NotFound
from k8snet_course.show import LookupSteps
from k8snet_course.show.display import register
from k8snet_course.show.lookup_steps import lookup_state
from k8snet_course.show.query_words import answer_html, lookup_html, plan, told, tried
from k8snet_course.show.widgets import VIEW

DNS, SECOND = "10.96.0.10", "10.96.0.11"
CONF = ResolvConf((DNS,), ("default.svc.cluster.local", "svc.cluster.local", "cluster.local"), ("ndots:5",))
TWO = ResolvConf((DNS, SECOND), ("svc.cluster.local",), ("ndots:5",))


class Says:
    """A server that says the same to everybody, but of one name that it has nothing for it."""

    def __init__(self, rcode: Rcode, empty: str = "") -> None:
        self.rcode, self.empty = rcode, empty

    def query(self, name: str, type: str = "A") -> Answer:  # noqa: A002
        return Answer(Rcode.NOERROR if name.rstrip(".") == self.empty else self.rcode)


WORLD = {DNS: Outside({"www.example.com": ("203.0.113.9",), "a.b.c.d.e.com": ("203.0.113.10",),
                       "web.default.svc.cluster.local": ("10.96.0.20",)})}


def cluster_of() -> Cluster:
    cluster = Cluster(nodes=2, cni="flannel", outside_names={"www.example.com": ("203.0.113.9",)})
    cluster.add_pod("client", node="node-1")
    cluster.add_pod("web", node="node-2", labels={"app": "web"})
    cluster.add_pod("db", namespace="shop")
    cluster.apply({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"},
                   "spec": {"selector": {"app": "web"}, "ports": [{"port": 80}]}})
    return cluster


PLANS = [
    ("web", "glibc", "'web' has no dot, fewer than ndots:5: the search list comes first, and the name as it is comes last."),
    ("www.example.com", "glibc", "'www.example.com' has 2 dots, fewer than ndots:5: the search list comes first"),
    ("www.example.com.", "glibc", "'www.example.com.' ends in a dot: it is complete, and is asked as it is."),
    ("a.b.c.d.e.com", "glibc", "has 5 dots, and ndots:5 asks for no more: it is asked as it is first, and the search list"),
    ("a.b.c.d.e.com", "musl", "has 5 dots, and ndots:5 asks for no more: it is asked as it is, and musl then uses no search"),
    ("web.other", "musl", "'web.other' has 1 dot, fewer than ndots:5: the search list comes first"),
    ("web.other", "busybox", "'web.other' has 1 dot: it is asked as it is, and nothing else is. BusyBox nslookup takes no"),
    ("web", "busybox", "'web' has no dot: every search domain is put behind it in turn."),
    (DNS, "busybox", "is an address: it is asked backwards"),
    (DNS, "glibc", "No server is asked."),
]


@pytest.mark.parametrize(("name", "resolver", "words"), PLANS)
def test_the_plan_counts_the_dots(name: str, resolver: str, words: str) -> None:
    assert words in plan(lookup(CONF, name, WORLD, resolver), CONF)


def test_the_plan_without_a_search_list_or_with_one_that_is_too_long() -> None:
    none = ResolvConf((DNS,))
    assert plan(lookup(none, "web", WORLD), none) == "'web' has no dot. There is no search list: it is asked as it is."
    long = ResolvConf((DNS,), tuple(f"{number:02}.{'a' * 55}.com" for number in range(5)), ("ndots:5",))
    found = lookup(long, "web", WORLD, "musl")
    assert "but the search line cannot be used" in plan(found, long)
    assert tried(found, long)[0].reason == "the name as it is: the search line cannot be used"
    assert "search line" not in plan(lookup(long, "web", WORLD, "glibc"), long)


def test_each_query_says_why_its_name_and_what_then() -> None:
    seen = tried(lookup(CONF, "www.example.com", WORLD), CONF)
    assert [one.place for one in seen] == [1, 1, 2, 2, 3, 3, 4, 4]
    assert [one.added for one in seen[::2]] == [*CONF.search, ""]
    assert seen[2].reason == "search domain 2 of 3, svc.cluster.local, is put behind the name"
    assert [one.following for one in seen[:2]] == ["the same name is asked for AAAA as well",
                                                   "there is no such name: the next name is tried"]
    assert seen[5].following == "there is no such name: the name as it is comes next"
    assert seen[6].reason == "the name as it is, after the whole search list"
    assert [(one.mark, one.query.status) for one in seen[5:]] == [("✕", "NXDOMAIN"), ("✓", "NOERROR"), ("∅", "NODATA")]
    assert seen[6].answer == "203.0.113.9"
    assert seen[7].following == "the lookup is over"


def test_enough_dots_come_first_as_they_are() -> None:
    first, *_, last = tried(lookup(CONF, "a.b.c.d.e.org", WORLD), CONF)
    assert first.reason == "the name as it is: 5 dots, and ndots is 5"
    assert last.added == "cluster.local" and last.following == "the lookup is over, without a result (EAI_NONAME)"


@pytest.mark.parametrize(("resolver", "count", "words"), [
    ("glibc", 8, "the name exists, but has no address, and glibc goes on: the next name is tried"),
    ("musl", 2, "the lookup is over, without a result (EAI_NODATA)"),
])
def test_a_name_without_addresses_stops_musl_and_not_glibc(resolver: str, count: int, words: str) -> None:
    seen = tried(lookup(CONF, "web", {DNS: Says(Rcode.NXDOMAIN, "web.default.svc.cluster.local")}, resolver), CONF)
    assert len(seen) == count and seen[1].following == words


def test_a_server_that_is_silent_is_left_for_the_next_and_asked_again() -> None:
    seen = tried(lookup(TWO, "web", {}), TWO)
    first = [one for one in seen if one.place == 1]
    assert [(one.query.server, one.query.type, one.attempt) for one in first] == [
        (server, wanted, attempt) for attempt in (1, 2) for server in (DNS, SECOND) for wanted in ("A", "AAAA")]
    assert first[1].following == f"this server could not say: the next one, {SECOND}, is asked"
    assert first[3].following == "no server could say: web.svc.cluster.local. is asked once more"
    assert first[5].following == first[1].following and first[6].following == "the same name is asked for AAAA as well"
    assert first[-1].following == "nobody answered: the name as it is comes next"
    assert first[0].answer == "TIMEOUT (nobody answered)" and first[0].mark == "…"


def test_glibc_leaves_out_the_rest_of_the_search_list_when_nobody_answers() -> None:
    seen = tried(lookup(CONF, "web", {}), CONF)
    assert {one.query.name for one in seen} == {"web.default.svc.cluster.local.", "web."}
    assert seen[3].following == "nobody answered, so the rest of the search list is left out: the name as it is comes next"
    assert seen[-1].reason == "the name as it is, without the rest of the search list"


def test_a_server_that_fails_is_marked_and_the_search_goes_on() -> None:
    seen = tried(lookup(CONF, "web", {DNS: Says(Rcode.SERVFAIL)}), CONF)
    assert seen[0].mark == "!" and seen[3].following == "no server could say, and glibc goes on: the next name is tried"


def test_musl_asks_all_servers_at_once_and_nslookup_all_names() -> None:
    musl = tried(lookup(TWO, "web", WORLD, "musl"), TWO)
    assert musl[1].following == f"musl asks all its servers at once: {SECOND} is asked the same"
    busybox = tried(lookup(CONF, "web", WORLD, "busybox"), CONF)
    assert [one.following for one in busybox[:3]] == ["nslookup asks every name in any case: the next one"] * 2 + [
        "nslookup asks every name in any case: now for AAAA"]
    assert [one.place for one in busybox] == [1, 2, 3, 1, 2, 3]
    silent = tried(lookup(TWO, "web", {}, "busybox"), TWO)
    assert [one.following for one in silent] == [
        "the same name is asked for AAAA as well", f"this server could not say: the next one, {SECOND}, is asked",
        "the same name is asked for AAAA as well", "the lookup is over, without a result (EAI_AGAIN)"]


def test_without_the_file_the_words_claim_nothing_about_it() -> None:
    found = lookup(CONF, "www.example.com", WORLD)
    words = told(found)
    assert "of 3" not in words and "ndots:5" not in words and "/etc/resolv.conf" not in words
    assert "the search domain svc.cluster.local is put behind the name" in words


def test_the_words_in_use_are_marked_in_the_file() -> None:
    state = lookup_state(lookup(CONF, "www.example.com", WORLD), CONF, "client")
    assert state["conf"] == [["search", *CONF.search], ["nameserver", DNS], ["options", "ndots:5"]]
    marked = [[state["conf"][line][word] for line, word in step["used"]] for step in state["steps"]]
    assert marked[::2] == [[domain, DNS, "ndots:5"] for domain in CONF.search] + [[DNS, "ndots:5"]]
    full = lookup_state(lookup(CONF, "www.example.com.", WORLD), CONF)
    busybox = lookup_state(lookup(CONF, "web", WORLD, "busybox"), CONF)
    for step in (*full["steps"], *busybox["steps"]):
        assert [2, 1] not in step["used"], "ndots is not asked for these"


def test_the_name_as_typed_and_what_was_put_behind_it() -> None:
    steps = lookup_state(lookup(CONF, "www.example.com", WORLD), CONF)["steps"]
    assert [(step["typed"], step["added"]) for step in steps[::2]] == [
        *(("www.example.com.", f"{domain}.") for domain in CONF.search), ("www.example.com.", "")]


def test_the_widget_shows_the_pod_s_own_file_and_names_the_server() -> None:
    cluster = cluster_of()
    steps = LookupSteps(cluster, cluster.lookup("shop/db", "web.default"), "shop/db")
    assert steps.state["conf"][0] == ["search", "shop.svc.cluster.local", "svc.cluster.local", "cluster.local"]
    assert steps.state["file"] == "/etc/resolv.conf in shop/db"
    assert {step["who"] for step in steps.state["steps"]} == {"the cluster's DNS server"}
    assert steps.state["end"]["good"] and steps.state["end"]["text"].startswith(f"{cluster.services[0].cluster_ip}: name 2 of")
    assert json.loads(json.dumps(steps.state)) == steps.state
    outside = LookupSteps(cluster, cluster.lookup("laptop", "www.example.com"), "laptop")
    assert "the router" in outside.state["steps"][0]["who"]


def test_a_source_that_is_not_there_or_did_not_ask_is_refused() -> None:
    cluster = cluster_of()
    found = cluster.lookup("client", "web")
    with pytest.raises(NotFound):
        LookupSteps(cluster, found, "nobody")
    with pytest.raises(InvalidArgument, match=r"the name that cluster\.lookup was called with"):
        LookupSteps(cluster, found, "shop/db")
    steps = LookupSteps(cluster, found, "client")
    state, text = steps.state, repr(steps)
    with pytest.raises(InvalidArgument):
        steps.show(cluster, cluster.lookup("laptop", "web"), "client")
    assert steps.state is state and repr(steps) == text and steps.lookup is found


def test_another_lookup_starts_at_its_first_query_and_the_same_sends_nothing() -> None:
    cluster = cluster_of()
    steps = LookupSteps(cluster, cluster.lookup("client", "nope"), "client")
    steps.step = 5
    state = steps.state
    steps.show(cluster, cluster.lookup("client", "nope"), "client")
    assert steps.step == 5 and steps.state is state
    steps.show(cluster, cluster.lookup("client", "web"), "client")
    assert steps.step == 0 and len(steps.state["steps"]) == 2


def test_its_text_and_its_still_form_say_the_same_in_every_run() -> None:
    cluster = cluster_of()
    one, other = (LookupSteps(cluster, cluster.lookup("client", "www.example.com"), "client") for _ in range(2))
    data, metadata = one._repr_mimebundle_()
    assert metadata == {} and set(data) == {"text/plain", "text/html", VIEW}
    assert {key: text for key, text in data.items() if key != VIEW} == {
        key: text for key, text in other._repr_mimebundle_()[0].items() if key != VIEW}
    assert one.model_id not in data["text/html"] + data["text/plain"]
    for words in (step[key] for step in one.state["steps"] for key in ("name", "answer", "why", "next")):
        assert words in data["text/plain"] and words in data["text/html"]
    assert "nameserver 10.96.0.10" in data["text/plain"] and "nameserver 10.96.0.10" in data["text/html"]


def shown(value: object) -> dict[str, str]:
    shell = InteractiveShell.instance()
    register(shell)
    data, _ = shell.display_formatter.format(value)
    return data


def test_a_lookup_and_an_answer_draw_themselves_in_a_cell() -> None:
    found = lookup(CONF, "www.example.com", WORLD)
    data = shown(found)
    assert data["text/plain"] == str(found) and data["text/html"] == lookup_html(found)
    assert data["text/html"].count("<tr>") == 9
    answer = Answer(Rcode.NOERROR, (Record("web.", "A", 30, "10.96.0.20"),), additional=(Record("x.", "A", 30, "10.96.0.21"),))
    data = shown(answer)
    assert data["text/plain"] == str(answer) and data["text/html"] == answer_html(answer)
    assert "<caption>additional</caption>" in data["text/html"] and "✓ status: NOERROR" in data["text/html"]
    assert "∅ status: NOERROR, and no record (because)" in shown(Answer(Rcode.NOERROR, why="because"))["text/html"]


def test_no_text_is_read_as_markup() -> None:
    found = Lookup("<b>", "glibc", (), ("<i>",), why="<script>")
    tags: list[str] = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag: str, attrs: object) -> None:
            tags.append(tag)

    Reader().feed(lookup_html(found))
    assert tags == ["div", "style", "p", "p"]
