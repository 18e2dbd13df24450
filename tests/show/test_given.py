"""What a view says to a learner who hands over the nearest thing instead of the right one."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from k8snet_course import Cluster
from k8snet_course.errors import InvalidArgument
from k8snet_course.show import LookupSteps, PacketWalk, ReachMatrix, draw


def two() -> Cluster:
    cluster = Cluster()
    cluster.add_pod("a")
    cluster.add_pod("b")
    return cluster


WRONG: dict[str, tuple[Callable[[Cluster], object], str]] = {
    "a response to walk through": (lambda made: PacketWalk(made, made.request("a", "http://b/")), "write response.trace"),
    "a response to draw": (lambda made: draw(made, made.request("a", "http://b/")), "write response.trace"),
    "a name to walk to": (lambda made: PacketWalk(made, "b"), "write cluster.send"),
    "a name as the cluster": (lambda made: PacketWalk("made"), "expected a cluster"),
    "a cluster as the matrix": (lambda made: ReachMatrix(made), "write cluster.reachability()"),
    "a cluster as the matrix before": (lambda made: ReachMatrix(made.reachability(), made), "write cluster.reachability()"),
    "a name to look up": (lambda made: LookupSteps(made, "b"), "write cluster.lookup("),
}


@pytest.mark.parametrize("what", WRONG)
def test_the_sentence_says_what_to_write(what: str) -> None:
    call, word = WRONG[what]
    with pytest.raises(InvalidArgument) as caught:
        call(two())
    assert word in str(caught.value)


def test_a_walk_that_shows_something_else_keeps_what_it_shows() -> None:
    cluster = two()
    walk = PacketWalk(cluster, cluster.send("a", "b"))
    before = walk.state
    with pytest.raises(InvalidArgument):
        walk.show(cluster, cluster.request("a", "http://b/"))
    assert (walk.state, walk.trace is not None) == (before, True)
