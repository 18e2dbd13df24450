"""Which program runs where: images, shells, pipes, and what is said where something is missing."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from k8snet_course.cluster import Cluster
from k8snet_course.errors import InvalidArgument, NotFound
from k8snet_course.shell import Ran
from k8snet_course.shell.commands import COMMANDS, known_as
from k8snet_course.shell.images import APPLETS, FULL, IMAGES, PACKAGES, image
from tests.shell.clusters import two_nodes


def test_an_image_without_the_command_says_so_as_the_runtime_does_and_names_one_that_has_it() -> None:
    done = two_nodes().exec("b", "ip route")
    assert (done.out, done.code) == ("", 127)
    first, second = done.err.splitlines()
    assert first == ('OCI runtime exec failed: exec failed: unable to start container process: exec: "ip": executable file not '
                     "found in $PATH: unknown")
    assert "nginx" in second and "busybox" in second


def test_a_container_beside_it_has_the_commands_and_the_pods_network() -> None:
    cluster = two_nodes()
    assert cluster.exec("b", "ip route", image="busybox").out == cluster.exec("b", "ip route", image="alpine").out
    assert "10.244.0.3" in cluster.exec("b", "ip route", image="nicolaka/netshoot").out


def test_the_image_decides_the_form() -> None:
    for name, form in (("busybox", "seq=0"), ("alpine:3.22", "seq=0"), ("nicolaka/netshoot", "icmp_seq=1")):
        assert form in two_nodes(image=name).exec("a", "ping -c 1 10.244.0.3").out


def test_a_distroless_image_has_no_shell() -> None:
    cluster = two_nodes(image="registry.k8s.io/pause:3.10")
    done = cluster.exec("a", ["sh", "-c", "ip route"])
    assert done.code == 127 and "no shell" in done.err
    assert "no shell" in str(cluster.exec("a", "ip route | head -1"))


def test_containers_of_a_pod_are_told_apart() -> None:
    cluster = Cluster()
    cluster.add_pod("web", containers={"nginx": "nginx", "tools": "busybox"})
    assert cluster.exec("web", "ip route").code == 127
    assert cluster.exec("web", "ip route", container="tools").ok
    with pytest.raises(NotFound, match="tools"):
        cluster.exec("web", "ip route", container="tool")


def test_a_pod_with_the_nodes_network_sees_the_node() -> None:
    cluster = Cluster()
    cluster.add_pod("agent", image="busybox", host_network=True)
    assert cluster.exec("agent", "hostname").out == "node-1\n"
    assert "192.168.1.2/24" in cluster.exec("agent", "ip addr").out


@pytest.mark.parametrize(("line", "out", "code"), [
    ("echo one && echo two", "one\ntwo\n", 0),
    ("false && echo two", "", 1),
    ("false || echo two", "two\n", 0),
    ("false; echo two", "two\n", 0),
    ("echo 'a|b' | wc -w", "1\n", 0),
    ("ip route | grep -c default", "1\n", 0),
    ("ip route | grep nothing", "", 1),
    ("ip route | head -n 1 | wc -l", "1\n", 0),
    ("printenv HOSTNAME", "a\n", 0),
    ("sh -c 'echo \"two words\" | wc -w'", "2\n", 0),
    ("ip xyz 2>/dev/null || echo no", "no\n", 0),
    ("ip xyz 2>&1 | head -1", 'Object "xyz" is unknown, try "ip help".\n', 0),
    ("echo gone > /dev/null", "", 0),
    ("echo one; exit 3; echo two", "one\n", 3),
    ("echo $HOSTNAME '$HOSTNAME' \"${WEB_SERVICE_HOST}:$WEB_SERVICE_PORT\"", "a $HOSTNAME 10.96.0.20:80\n", 0),
    ("wget -qO- http://$WEB_SERVICE_HOST/", "c answers GET / from 10.244.0.2\n", 0),
    ("sh -c 'echo $HOSTNAME'", "a\n", 0),
])
def test_lines_of_a_shell(line: str, out: str, code: int) -> None:
    done = two_nodes().exec("a", line)
    assert (done.out, done.code) == (out, code), done.err


def test_in_a_shell_a_missing_command_is_the_shells_complaint() -> None:
    done = two_nodes().exec("b", ["sh", "-c", "ip route; echo on"])
    assert done.err.splitlines()[0] == "sh: ip: not found" and done.out == "on\n" and done.code == 0


@pytest.mark.parametrize("line", ["echo 'open", "| wc", "echo a |", "echo a > file", "(echo a)", "a & b"])
def test_lines_that_cannot_be_read_are_refused(line: str) -> None:
    try:
        done = two_nodes().exec("a", ["sh", "-c", line])
    except InvalidArgument:
        return
    assert done.code in (2, 127) and done.err


@pytest.mark.parametrize("command", ["", "   ", [], ["ip", 3], None, "'"])
def test_what_is_no_command_is_refused_in_a_sentence(command: object) -> None:
    with pytest.raises(InvalidArgument):
        two_nodes().exec("a", command)  # type: ignore[arg-type]


def test_an_unknown_device_is_refused() -> None:
    with pytest.raises(NotFound, match="'a'"):
        two_nodes().exec("aa", "ip route")


def test_in_a_pod_that_has_ended_nothing_runs() -> None:
    cluster = two_nodes()
    cluster.set_state("a", finished=True)
    done = cluster.exec("a", "ip route")
    assert (done.err, done.code) == ("error: cannot exec into a container in a completed pod; current phase is Succeeded\n", 1)


@pytest.mark.parametrize(("command", "meant"), [
    ("ip rout", None), ("ip adress", "ip address"), ("ip route shw", "ip route show"),
    ("ip route gte 10.0.0.1", "ip route get"),
    ("ip nieghbour", "ip neighbour"), ("ip link shw", "ip link show")])
def test_a_misspelt_word_gets_the_nearest_one(command: str, meant: str | None) -> None:
    done = two_nodes().exec("a", command)
    assert (f"(did you mean `{meant}`?)" in done.err.splitlines()) == (meant is not None) == (not done.ok)


def test_a_misspelt_command_gets_the_nearest_one() -> None:
    assert "did you mean ping?" in two_nodes().exec("a", "pimg web").err


@pytest.mark.parametrize("word", ["apk add curl", "apt-get install curl", "ps", "kubectl get pods", "vi x"])
def test_what_the_model_cannot_have_is_said_in_one_sentence(word: str) -> None:
    done = two_nodes().exec("a", word)
    assert done.code == 127 and done.err.count("\n") == 1 and done.err.startswith("(")


def test_every_command_of_every_image_is_there() -> None:
    missing = [(name, command) for name in IMAGES for command in image(name).commands if command not in ("sh", "bash")
               and (command, image(name).form_of(command)) not in COMMANDS and (command, FULL) not in COMMANDS]
    assert missing == []
    assert {name for name, _ in COMMANDS} <= {*APPLETS, *(each for group in PACKAGES.values() for each in group)}
    assert all(known_as(name) for name, _ in COMMANDS)


def test_a_result_prints_as_a_terminal_shows_it() -> None:
    assert str(Ran("out\n", "err\n", 1)) == repr(Ran("out\n", "err\n", 1)) == "out\nerr"
    assert str(Ran("out", "err\n", 1)) == "out\nerr" and Ran("a\nb\n").lines == ("a", "b")


@settings(max_examples=200, deadline=None)
@given(st.text("ab |&;<>'\"$2{}/\\-\n", max_size=20))
def test_any_line_is_run_or_refused(line: str) -> None:
    try:
        done = _CLUSTER.exec("a", line)
    except InvalidArgument:
        return
    assert isinstance(done, Ran) and _CLUSTER.exec("a", ["sh", "-c", line]).code in range(256)


_CLUSTER = two_nodes()


def test_ipset_lists_what_kube_proxy_has_written() -> None:
    """Compared with the real program in another kernel: tests/emulator/guest."""
    cluster = Cluster(proxy="ipvs")
    cluster.add_pod("b", labels={"app": "b"})
    assert cluster.exec("node-1", "ipset list") == Ran() and cluster.exec("node-1", "ipset save") == Ran()
    cluster.apply({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"},
                   "spec": {"clusterIP": "10.96.0.20", "selector": {"app": "b"}, "ports": [{"port": 80}]}})
    assert cluster.exec("node-1", "ipset list KUBE-CLUSTER-IP").out.splitlines()[-2:] == ["Members:", "10.96.0.20,tcp:80"]
    assert "KUBE-LOOP-BACK" in cluster.exec("node-1", "ipset -n list").out.split()
    assert cluster.exec("node-1", "ipset save KUBE-IPVS-IPS").out.splitlines() == [
        "create KUBE-IPVS-IPS hash:ip family inet hashsize 1024 maxelem 65536", "add KUBE-IPVS-IPS 10.96.0.20"]
    assert cluster.exec("node-1", "ipset list NONE").err == "ipset v7.17: The set with the given name does not exist\n"
    assert cluster.exec("node-1", "ipset add KUBE-IPVS-IPS 10.0.0.1").code == 2
    asked = "match-set KUBE-CLUSTER-IP dst,dst"
    assert asked in cluster.exec("node-1", "iptables -t nat -L KUBE-SERVICES -n").out
    assert "ctstate NEW match-set KUBE-IPVS-IPS dst reject-with" in cluster.exec("node-1", "iptables -nL KUBE-IPVS-FILTER").out
