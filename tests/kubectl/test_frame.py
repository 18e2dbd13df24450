"""The frame of kubectl: words, flags, types, and the error texts.

The texts are those that kubectl 1.33 printed for the same words (without the course's own sentence after them).
"""

from __future__ import annotations

import pytest

from k8snet_course import Cluster
from k8snet_course.kubectl.complaint import Complaint
from k8snet_course.kubectl.resources import RESOURCES, named, several
from k8snet_course.kubectl.selectors import label_selector
from k8snet_course.kubectl.verbs import names, verb
from k8snet_course.kubectl.words import parse, split


@pytest.fixture(scope="module")
def cluster() -> Cluster:
    made = Cluster(nodes=2)
    made.add_pod("web", labels={"app": "web"})
    made.add_pod("db", namespace="shop")
    return made


@pytest.mark.parametrize(("line", "words"), [
    ("kubectl get pods", ["get", "pods"]),
    ("get pods", ["get", "pods"]),
    ("get pods -l 'app in (a, b)'", ["get", "pods", "-l", "app in (a, b)"]),
    ("", []),
])
def test_split(line: str, words: list[str]) -> None:
    assert split(line) == words


def test_an_open_quotation_mark(cluster: Cluster) -> None:
    reply = cluster.kubectl("get pods -l 'app")
    assert reply.code == 1 and "no closing quotation" in reply.err


FLAGS = verb("get").flags  # type: ignore[union-attr]


@pytest.mark.parametrize(("words", "flag", "value"), [
    (["-n", "shop"], "namespace", "shop"),
    (["-nshop"], "namespace", "shop"),
    (["-n=shop"], "namespace", "shop"),
    (["--namespace", "shop"], "namespace", "shop"),
    (["--namespace=shop"], "namespace", "shop"),
    (["--namespace="], "namespace", ""),
    (["-A"], "all-namespaces", True),
    (["-A=false"], "all-namespaces", False),
    (["--all-namespaces=0"], "all-namespaces", False),
    (["-Aowide"], "output", "wide"),
    (["-Ao", "wide"], "all-namespaces", True),
    (["-L", "app,tier", "-L", "x"], "label-columns", ("app", "tier", "x")),
    ([], "server-print", True),
])
def test_flags(words: list[str], flag: str, value: object) -> None:
    assert parse("get", words, FLAGS)[flag] == value


def test_words_after_two_dashes_are_no_flags() -> None:
    command = parse("exec", ["web", "--", "ip", "-4", "addr"], ())
    assert (command.args, command.after) == (("web",), ("ip", "-4", "addr"))


SYNTAX = 'parsing "x": invalid syntax\n'
NO_NEED = (
    "there is no need to specify a resource type as a separate argument when passing arguments in resource/name form (e.g. "
    "'kubectl get resource/<resource_name>' instead of 'kubectl get resource resource/<resource_name>'")
MUST = ('You must specify the type of resource to get. Use "kubectl api-resources" for a complete list of supported resources.')
USAGE = "See 'kubectl get --help' for usage.\n"


@pytest.mark.parametrize(("line", "error"), [
    ("get pods --foo", f"error: unknown flag: --foo\n{USAGE}"),
    ("get pods -z", f"error: unknown shorthand flag: 'z' in -z\n{USAGE}"),
    ("get pods -n", f"error: flag needs an argument: 'n' in -n\n{USAGE}"),
    ("get pods --namespace", f"error: flag needs an argument: --namespace\n{USAGE}"),
    ("get pods --no-headers=x", f'error: invalid argument "x" for "--no-headers" flag: strconv.ParseBool: {SYNTAX}{USAGE}'),
    ("get pods --chunk-size=x", f'error: invalid argument "x" for "--chunk-size" flag: strconv.ParseInt: {SYNTAX}{USAGE}'),
    ("get pods -A=x", f'error: invalid argument "x" for "-A, --all-namespaces" flag: strconv.ParseBool: {SYNTAX}{USAGE}'),
    ("get pod/a b", f"error: {NO_NEED}\n"),
    ("get pods web -l app=web", "error: name cannot be provided when a selector is specified\n"),
    ("get pods web -A", "error: a resource cannot be retrieved by name across all namespaces\n"),
    ("get", f"{MUST}\n\nerror: Required resource not specified.\n"),
    ("get pds", 'error: the server doesn\'t have a resource type "pds"\n'),
    ("get pod nope", 'Error from server (NotFound): pods "nope" not found\n'),
    ("get deploy nope", 'Error from server (NotFound): deployments.apps "nope" not found\n'),
    ("get pods --context=other", 'Error in configuration: context was not found for specified context: other\n'),
    ("get pods --cluster other", 'error: no server found for cluster "other"\n'),
    ("get pods --user=other", 'error: auth info "other" does not exist\n'),
    ("gte pods", 'error: unknown command "gte" for "kubectl"\n\nDid you mean this?\n\tget\n'),
])
def test_mistakes(cluster: Cluster, line: str, error: str) -> None:
    reply = cluster.kubectl(line)
    assert reply.err.startswith(error) and (reply.out, reply.code) == ("", 1)


@pytest.mark.parametrize(("line", "hint"), [
    ("get pds", "\npods"),
    ("get pods --namspace=x", "Did you mean --namespace?"),
    ("get pod wbe", "\tweb"),
    ("get pod db", "There is one in the namespace shop: add -n shop."),
    ("get pods -n shpo", "There is no namespace shpo; there are default,"),
    ("get pods -o go-template --template={{.x}}", "Write -o jsonpath="),
    ("get configmaps", "this course's network does without them"),
])
def test_the_right_spelling_is_suggested(cluster: Cluster, line: str, hint: str) -> None:
    assert hint.strip() in cluster.kubectl(line).err


def test_global_flags_may_stand_before_the_verb(cluster: Cluster) -> None:
    for line in ("-n shop get pods", "--namespace shop get pods", "--namespace=shop get pods", "get pods -n shop",
                 "get -n shop pods"):
        assert cluster.kubectl(line).out == cluster.kubectl("get pods --namespace=shop").out
        assert cluster.kubectl(line).out.splitlines()[1].split()[0] == "db", line


def test_a_list_of_words_is_a_command_too(cluster: Cluster) -> None:
    assert cluster.kubectl(["get", "pods", "-l", "app in (web)"]).out.splitlines()[1].startswith("web ")


@pytest.mark.parametrize(("word", "plural"), [
    ("po", "pods"), ("pod", "pods"), ("PODS", "pods"), ("svc", "services"), ("netpol", "networkpolicies"),
    ("ing", "ingresses"), ("ep", "endpoints"), ("no", "nodes"), ("ns", "namespaces"), ("deploy", "deployments"),
    ("deployments.apps", "deployments"), ("deployment.v1.apps", "deployments"), ("rs", "replicasets"),
    ("gtw", "gateways"), ("gc", "gatewayclasses"), ("httproute", "httproutes"), ("endpointslice", "endpointslices"),
    ("networkpolicies.networking.k8s.io", "networkpolicies"), ("cnp", "clusternetworkpolicies"),
])
def test_words_for_types(word: str, plural: str) -> None:
    assert named(word).plural == plural


def test_no_two_types_share_a_word() -> None:
    words = [word for one in RESOURCES.values() for word in one.words]
    assert len(words) == len(set(words))


def test_types_with_commas() -> None:
    assert [one.plural for one in several("po,svc,pods")] == ["pods", "services"]


def test_every_verb_is_well_formed() -> None:
    for name in names():
        found = verb(name)
        assert found is not None and found.name == name and found.usage.startswith(f"kubectl {name}") and found.summary
        shorts = [flag.short for flag in found.flags if flag.short]
        assert len(shorts) == len(set(shorts)) and not {"n", "h", "v", "s"} & set(shorts)
        for example in found.examples:
            assert split(example)[0] == name


@pytest.mark.parametrize(("text", "labels", "matches"), [
    ("app=web", {"app": "web"}, True), ("app==web", {"app": "web"}, True), ("app!=web", {}, True),
    ("app!=web", {"app": "web"}, False), ("app in (web,db)", {"app": "db"}, True), ("app notin (web)", {}, True),
    ("app", {"app": ""}, True), ("!app", {"app": ""}, False), ("! app", {}, True), ("app=", {"app": ""}, True),
    ("app=web,tier in (a, b),!old", {"app": "web", "tier": "b"}, True), ("a.b/c=d", {"a.b/c": "d"}, True),
])
def test_label_selectors(text: str, labels: dict[str, str], matches: bool) -> None:
    assert label_selector(text).matches(labels) is matches


@pytest.mark.parametrize("text", ["app in web", "app in (", "=web", "app=a=b", "a b", "app in ()x"])
def test_wrong_label_selectors(text: str) -> None:
    with pytest.raises(Complaint, match="unable to parse"):
        label_selector(text)
