"""Matrix: which parties are one class, and what it refuses.  That it decides as decide does is tested elsewhere too."""

from __future__ import annotations

import pytest

from k8snet_course.errors import InvalidArgument, NotFound
from k8snet_course.objects.namespace import Namespace
from k8snet_course.objects.pod import Container, ContainerPort, Pod
from k8snet_course.objects.selector import LabelSelector, LabelSelectorRequirement
from k8snet_course.policy import Enforcement, Matrix, Party
from tests.policy.shop import app, block, end, into, out_of, pods, rule

EVERY = LabelSelector()


def test_matrix_of_nobody_of_strangers_and_of_twins() -> None:
    assert Matrix([], [into("p", EVERY)]).classes == ()
    matrix = Matrix([end("shop/web"), end("shop/db")], [])
    assert len(matrix.classes) == 1 and matrix.allowed("shop/web", "shop/db")
    with pytest.raises(NotFound, match="did you mean 'shop/web'"):
        matrix.allowed("shop/wbe", "shop/db")
    with pytest.raises(NotFound, match="shop/db"):
        matrix.class_of("shop/bd")
    with pytest.raises(InvalidArgument, match="every party once"):
        Matrix([end("shop/web"), end("shop/web")], [])


def test_pods_that_no_rule_tells_apart_are_one_class() -> None:
    many = [Party.of_pod(Pod(f"{name}-{number}", "node-1", f"10.244.{place}.{number}", "shop",
                             {"app": name, "pod-template-hash": str(number)}), Namespace("shop", {"team": "a"}))
            for place, name in enumerate(("web", "api", "db", "prom")) for number in range(20)]
    policy = into("p", app("db"), rule(pods("api"), rule(block("10.244.3.0/28")).peers[0], port=5432))
    matrix = Matrix(many, [policy], "TCP", 5432)
    assert [str(each) for each in matrix.classes] == [
        "class 0: shop/web-0, shop/web-1, shop/web-2 and 21 more", "class 1: shop/api-0, shop/api-1, shop/api-2 and 33 more",
        "class 2: shop/db-0, shop/db-1, shop/db-2 and 17 more"]
    other_port = Matrix(many, [policy], "TCP", 80)
    assert len(other_port.classes) == 2, "a rule about another port tells nobody apart"


def one_of(number: int, labels: dict[str, str], port: int = 80) -> Party:
    declared = (Container("c", "image", (ContainerPort(port, name="http"),)),)
    return Party.of_pod(Pod(f"p{number}", "node-1", f"10.244.0.{number}", "shop", labels, containers=declared))


def test_values_that_nobody_asks_for_are_told_from_the_empty_one() -> None:
    policy = into("p", LabelSelector({"a": ""}))
    matrix = Matrix([one_of(1, {"a": "x"}), one_of(2, {"a": ""}), one_of(3, {"a": "y"}), one_of(4, {})], [policy])
    assert [matrix.allowed("shop/p1", f"shop/p{number}") for number in (2, 3, 4)] == [False, True, True]
    assert [each.members for each in matrix.classes] == [("shop/p1", "shop/p3", "shop/p4"), ("shop/p2",)]
    asks = into("p", LabelSelector({}, (LabelSelectorRequirement("a", "Exists"),)))
    assert len(Matrix([one_of(1, {"a": "x"}), one_of(2, {"a": ""}), one_of(3, {})], [asks]).classes) == 2


def test_pods_that_give_a_name_to_other_ports_are_told_apart() -> None:
    parties = [one_of(1, {}, 80), one_of(2, {}, 81), one_of(3, {}, 80)]
    for policy in (into("p", EVERY, rule(port="http")), out_of("p", EVERY, rule(port="http"))):
        matrix = Matrix(parties, [policy], "TCP", 80)
        assert [each.members for each in matrix.classes] == [("shop/p1", "shop/p3"), ("shop/p2",)]
        assert [matrix.allowed("shop/p1", "shop/p2"), matrix.allowed("shop/p2", "shop/p1")] == [False, True]


def test_blocks_that_match_only_what_is_outside() -> None:
    policy = into("p", app("db"), rule(block("0.0.0.0/0", "203.0.113.128/25")))
    sources = ["shop/web", "node-1", "203.0.113.9", "203.0.113.200"]
    for cluster, expected in ((True, [True, True, True, False]), (False, [False, False, True, False])):
        matrix = Matrix(map(end, [*sources, "shop/db"]), [policy], "TCP", 80, Enforcement(ip_blocks_match_cluster=cluster))
        assert [matrix.allowed(source, "shop/db") for source in sources] == expected


def test_nodes_reach_their_own_pods_though_their_class_does_not() -> None:
    matrix = Matrix(map(end, ("node-1", "node-2", "shop/db")), [into("deny", EVERY)])
    assert matrix.class_of("node-1") is matrix.class_of("node-2")
    assert not matrix.between(matrix.class_of("node-2"), matrix.class_of("shop/db"))
    assert [matrix.allowed(node, "shop/db") for node in ("node-1", "node-2")] == [False, True]


def test_one_namespace_has_one_set_of_labels() -> None:
    pod = Pod("x", "node-1", "10.244.0.40", "shop")
    with pytest.raises(InvalidArgument, match="the same Namespace for all of its pods"):
        Matrix([end("shop/web"), Party.of_pod(pod)], [])
    assert len(Matrix([end("shop/web"), Party.of_pod(pod, Namespace("shop", {"team": "a"}))], []).classes) == 1
