"""The reachability matrix without a browser: its cells, what changed, large ones, text and HTML."""

from __future__ import annotations

import json
from collections.abc import Sequence
from itertools import product
from typing import Any, overload
from xml.etree.ElementTree import fromstring

import pytest
from IPython.core.interactiveshell import InteractiveShell

from k8snet_course import Cluster
from k8snet_course.faults import MissingRoute
from k8snet_course.reachability import Pair, Reachability
from k8snet_course.show import ReachMatrix
from k8snet_course.show.display import register
from k8snet_course.show.matrix import MARKS, MOST, Cell, Matrix, reachability_html
from k8snet_course.show.widgets import VIEW
from tests.counting import calls

DENY = {"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {"name": "db-from-api"},
        "spec": {"podSelector": {"matchLabels": {"app": "db"}},
                 "ingress": [{"from": [{"podSelector": {"matchLabels": {"app": "api"}}}]}]}}


def cluster_of() -> Cluster:
    cluster = Cluster(nodes=2, cni="calico")
    for name in ("web", "api", "db"):
        cluster.add_pod(name, labels={"app": name})
    return cluster


def of(results: dict[str, str], reason: str = "because") -> Reachability:
    """Pairs such as {"ab": "ok"}."""
    return Reachability(tuple(Pair(key[0], key[1], result, reason) for key, result in results.items()))


def square(count: int, result: str = "ok") -> Reachability:
    names = [f"pod-{number}" for number in range(count)]
    return Reachability(tuple(Pair(a, b, result if a != b else "ok", f"{b} says so") for a, b in product(names, names)))


@pytest.mark.parametrize(("result", "kind"), [
    ("ok", "ok"), ("denied_ingress", "denied"), ("denied_egress", "denied"), ("reply denied_egress", "denied"),
    ("no_route", "other"), ("refused", "other"), ("reply no_route", "other"), ("", "none")])
def test_a_result_has_a_kind_and_each_kind_its_own_shape(result: str, kind: str) -> None:
    cell = Cell("a", "b", result, "because")
    assert cell.kind == kind and cell.mark == MARKS[kind]
    assert len(set(MARKS.values())) == len(MARKS)


def test_the_cells_are_the_pairs_with_the_rule_that_decided() -> None:
    cluster = cluster_of()
    cluster.apply(DENY)
    found = cluster.reachability()
    matrix = Matrix.of(found)
    assert [(cell.source, cell.target, cell.result, cell.reason) for row in matrix.rows for cell in row] == [
        (pair.source, pair.target, pair.result, pair.reason) for pair in found.pairs]
    assert "NetworkPolicy db-from-api" in matrix.rows[0][2].reason and matrix.rows[0][2].kind == "denied"
    assert matrix.summary == "8 of 9 pairs ok, 1 denied by a policy, 0 failed otherwise."


def test_what_changed_is_marked_and_nothing_else() -> None:
    cluster = cluster_of()
    before = cluster.reachability()
    cluster.apply(DENY)
    matrix = Matrix.of(cluster.reachability(), before)
    assert [(cell.source, cell.target, cell.change) for row in matrix.rows for cell in row if cell.change] == [
        ("web", "db", "was ok")]
    assert matrix.rows[0][2].reason_before == before.between("web", "db").reason
    assert matrix.summary.endswith("; 1 changed.")
    assert not any(cell.change for row in Matrix.of(before, before).rows for cell in row)


def test_new_pairs_and_another_reason_for_the_same_result_are_changes_too() -> None:
    before = Reachability((Pair("a", "a", "ok", "x"), Pair("a", "b", "denied_ingress", "one policy")))
    now = Reachability((Pair("a", "a", "ok", "x"), Pair("a", "b", "denied_ingress", "another"), Pair("a", "c", "ok", "y")))
    assert [cell.change for cell in Matrix.of(now, before).rows[0]] == ["", "for another reason", "new"]
    assert [cell.reason_before for cell in Matrix.of(now, before).rows[0]] == ["", "one policy", ""]
    assert Matrix.of(now, before).summary == "2 of 3 pairs ok, 1 denied by a policy, 0 failed otherwise; 2 changed."


def test_a_matrix_with_holes_and_an_empty_one() -> None:
    holes = Matrix.of(of({"aa": "ok", "bb": "ok", "ba": "no_route"}))
    assert (holes.sources, holes.targets) == (("a", "b"), ("a", "b"))
    assert [[cell.kind for cell in row] for row in holes.rows] == [["ok", "none"], ["other", "ok"]]
    assert holes.summary == "2 of 3 pairs ok, 0 denied by a policy, 1 failed otherwise."
    empty = ReachMatrix(Reachability(()))
    assert empty.cell is None and empty.state["rows"] == []
    assert "0 of 0 pairs" in repr(empty)


def test_a_large_one_shows_the_first_forty_and_says_so() -> None:
    seen = ReachMatrix(square(43))
    assert len(seen.state["sources"]) == len(seen.state["targets"]) == len(seen.state["rows"][39]) == MOST
    assert seen.state["summary"] == ("1600 of 1600 pairs shown ok, 0 denied by a policy, 0 failed otherwise. "
                                     "And 3 more sources and 3 more targets, not shown.")
    assert Matrix.of(square(41)).more == "And 1 more source and 1 more target, not shown."
    assert Matrix.of(square(40)).more == ""
    lost = Matrix.of(square(43, "no_route"))
    assert len(lost.reasons) == MOST + 1 and lost.reasons[-1] == f"and {40 * 40 - 40 - MOST} more"


class Lazy(Sequence[Pair]):
    """The pairs of 10,000 pods, each made when it is looked at."""

    def __init__(self, pods: int) -> None:
        self.pods, self.made = pods, 0

    def __len__(self) -> int:
        return self.pods * self.pods

    @overload
    def __getitem__(self, at: int) -> Pair: ...

    @overload
    def __getitem__(self, at: slice) -> Sequence[Pair]: ...

    def __getitem__(self, at: int | slice) -> Any:
        assert isinstance(at, int)
        if not 0 <= at < len(self):
            raise IndexError(at)
        self.made += 1
        return Pair(f"p{at // self.pods}", f"p{at % self.pods}", "ok", "local")


class Large(Reachability):
    """A Reachability that is not held pair by pair."""

    __slots__ = ()

    def between(self, source: str, target: str) -> Pair:
        return Pair(source, target, "ok", "local")


def test_a_very_large_one_is_not_read_to_its_end() -> None:
    pairs = Lazy(10_000)
    matrix = Matrix.of(Large(pairs))  # type: ignore[arg-type] # pairs that are made on demand
    assert pairs.made < 2 * 10_000
    assert (matrix.more_sources, matrix.more_targets) == (9960, 9960)
    assert matrix.sources[-1] == matrix.targets[-1] == "p39" and str(matrix.rows[39][0]) == "p39 -> p0: ok: local"


def test_of_many_pods_only_the_pairs_that_are_shown_are_made(monkeypatch: pytest.MonkeyPatch) -> None:
    cluster = Cluster(nodes=2, cni="calico")
    cluster.add_pods(60)
    found = cluster.reachability()
    asked = []
    made = type(found.pairs)._pair  # type: ignore[attr-defined]
    monkeypatch.setattr(type(found.pairs), "_pair", lambda pairs, *ends: asked.append(ends) or made(pairs, *ends))
    matrix = Matrix.of(found)
    assert (len(matrix.sources), matrix.more_sources, len(asked)) == (40, 20, 40 * 40)
    assert matrix.rows[39][38].source == "pod-40" and matrix.rows[39][38].target == "pod-39"


def test_the_widget_s_state_is_json_and_names_each_result_once() -> None:
    cluster = cluster_of()
    before = cluster.reachability()
    cluster.apply(DENY)
    state = ReachMatrix(cluster.reachability(), before).state
    assert json.loads(json.dumps(state)) == state
    assert [result["text"] for result in state["results"]] == ["ok", "denied ingress"]
    number, reason, change, before_reason = state["rows"][0][2]
    assert (number, change) == (1, "was ok") and "db-from-api" in reason and "listens on TCP port 80" in before_reason


def test_another_one_in_place_and_the_same_sends_nothing() -> None:
    seen = ReachMatrix(of({"aa": "ok", "ab": "ok", "ba": "ok", "bb": "no_route"}))
    seen.row = seen.column = 1
    assert str(seen.cell) == "b -> b: no route: because"
    state = seen.state
    seen.show(of({"aa": "ok", "ab": "ok", "ba": "ok", "bb": "no_route"}))
    assert seen.state is state
    smaller = of({"aa": "refused"})
    seen.show(smaller)
    assert (seen.row, seen.column, seen.reachability) == (0, 0, smaller)
    assert str(seen.cell) == "a -> a: refused: because"


def test_its_text_is_the_matrix_and_the_reasons() -> None:
    cluster = cluster_of()
    before = cluster.reachability()
    cluster.apply(DENY)
    found = cluster.reachability()
    lines = repr(ReachMatrix(found, before)).splitlines()
    assert "\n".join(lines[:4]) == str(found)
    assert lines[5:] == [f"web -> db: denied ingress (was ok): {found.between('web', 'db').reason}"]


def test_its_still_form_has_headers_words_and_reasons_and_is_the_same_in_every_run() -> None:
    cluster = Cluster(nodes=2, cni="flannel")
    cluster.add_pod("a", node="node-1"), cluster.add_pod("b", node="node-2")
    before = cluster.reachability()
    cluster.inject(MissingRoute("node-1", "10.244.1.0/24"))
    one, other = (ReachMatrix(cluster.reachability(), before) for _ in range(2))
    data, metadata = one._repr_mimebundle_()
    assert metadata == {} and set(data) == {"text/plain", "text/html", VIEW}
    assert data["text/html"] == other._repr_mimebundle_()[0]["text/html"]
    assert one.model_id not in data["text/html"] + data["text/plain"]
    page = fromstring(data["text/html"])
    table = page.find("table")
    assert table is not None
    assert [cell.text for cell in table.iterfind("thead/tr/th[@scope='col']")] == ["from \\ to", "a", "b"]
    assert [cell.text for cell in table.iterfind("tbody/tr/th[@scope='row']")] == ["a", "b"]
    cells = {cell.text for cell in table.iterfind("tbody/tr/td")}
    assert {"✓ ok", "△ no route, was ok"} <= cells
    assert any("router has no route to 10.244.1.2" in (line.text or "") for line in page.iterfind("p"))


def test_a_reachability_draws_itself_in_a_cell() -> None:
    found = cluster_of().reachability()
    shell = InteractiveShell.instance()
    register(shell)
    data, _ = shell.display_formatter.format(found)
    assert data["text/plain"] == str(found) and data["text/html"] == reachability_html(found)
    assert data["text/html"].count("✓ ok") == 9


def test_no_text_is_read_as_markup() -> None:
    html = Matrix.of(Reachability((Pair("<b>", "<i>", "no_route", "<script>"),))).html
    assert {element.tag for element in fromstring(html).iter()} == {
        "div", "style", "table", "caption", "thead", "tr", "th", "tbody", "td", "p"}


def test_a_redraw_of_the_largest_table_is_not_more_work_than_its_cells() -> None:
    one, other = square(60), square(60, "no_route")
    seen = ReachMatrix(one)
    seen.show(other, one)
    assert calls(lambda: seen.show(one, other)) < 40 * 40 * 30

