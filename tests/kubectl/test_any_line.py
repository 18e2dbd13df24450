"""Any line at all is answered: nothing that a user types raises an error, and what is wrong has an exit code."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from k8snet_course import Cluster
from k8snet_course.errors import InvalidArgument
from k8snet_course.kubectl.resources import RESOURCES
from k8snet_course.kubectl.verbs import names
from k8snet_course.kubectl.words import split

WORDS = split(
    "web db nope -A -n shop default -o yaml json name wide jsonpath={.items[0]} jsonpath={..name} custom-columns=A:.b -l "
    "app=web app! --field-selector x=y metadata.name=web --sort-by=.metadata.name --sort-by={ -w --no-headers "
    "--show-labels -f - /nope --dry-run=client -- ip addr --replicas=3 --image=nginx --port=80 --overwrite a=b a- pod/web "
    "svc/web pod/ /x pods,svc node/node-1 --all --help -h --x 8080:80 clusterip --tcp=80 deployment set-context --current "
    "--namespace=x -v 5 '' {} [ ]")
KINDS = [word for one in RESOURCES.values() for word in one.words[:3]]
LINES = st.lists(st.sampled_from([*names(), *KINDS, *WORDS]) | st.text(max_size=4), max_size=6)
INPUTS = st.sampled_from([None, "", "a: b", "[]", "kind: Pod",
                          "{apiVersion: v1, kind: Service, metadata: {name: web}, spec: {}}"])


@settings(deadline=None, max_examples=300)
@given(st.sampled_from(names()), LINES, INPUTS)
def test_any_line(verb: str, words: list[str], stdin: str | None) -> None:
    cluster = Cluster(nodes=2, cni="flannel")
    cluster.add_pod("web", labels={"app": "web"})
    cluster.add_pod("db", namespace="shop")
    for line in ([verb, *words], words):
        reply = cluster.kubectl(line, stdin)
        assert isinstance(str(reply), str) and reply.code in range(256)
        assert reply.code or not reply.err.startswith(("error", "Error"))


def test_only_lines_are_lines() -> None:
    with pytest.raises(InvalidArgument):
        Cluster().kubectl(5)  # type: ignore[arg-type]
