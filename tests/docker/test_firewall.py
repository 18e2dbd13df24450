"""The rules that Docker Engine 29 writes, row by row, and that the kernel's own tools take them."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator

import pytest

from k8snet_course.docker import Docker
from k8snet_course.linux.rule import Rule


def rows(docker: Docker) -> list[str]:
    """All rules, each with its table."""
    found, table = [], ""
    for line in docker.iptables_save().splitlines():
        if line.startswith("*"):
            table = line[1:]
        elif line.startswith("-A"):
            found.append(f"{table} {line}")
    return found


NEW_DAEMON = """\
filter -A FORWARD -j DOCKER-USER
filter -A FORWARD -j DOCKER-FORWARD
filter -A DOCKER ! -i docker0 -o docker0 -j DROP
filter -A DOCKER-BRIDGE -o docker0 -j DOCKER
filter -A DOCKER-CT -o docker0 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT
filter -A DOCKER-FORWARD -j DOCKER-CT
filter -A DOCKER-FORWARD -j DOCKER-INTERNAL
filter -A DOCKER-FORWARD -j DOCKER-BRIDGE
filter -A DOCKER-FORWARD -i docker0 -j ACCEPT
nat -A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER
nat -A OUTPUT ! -d 127.0.0.0/8 -m addrtype --dst-type LOCAL -j DOCKER
nat -A POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE""".splitlines()


def published(userland_proxy: bool = True) -> Docker:
    """What `docker network create` and `docker run -p 8080:80` make of a new engine."""
    docker = Docker(userland_proxy=userland_proxy)
    docker.network_create("net1", subnet="192.0.2.0/24", options={"com.docker.network.bridge.name": "bridge1"})
    docker.run("c1", network="net1", publish={8080: 80})
    return docker


def test_a_new_engine() -> None:
    assert rows(Docker()) == NEW_DAEMON
    assert ":FORWARD DROP [0:0]" in Docker().iptables_save().splitlines()
    assert ":FORWARD ACCEPT [0:0]" in Docker(forward_policy="ACCEPT").iptables_save().splitlines()


def test_a_published_port_on_a_network_of_ones_own() -> None:
    now, before = rows(published()), NEW_DAEMON
    assert [row for row in before if row not in now] == []
    assert [row for row in now if row not in before] == [
        "raw -A PREROUTING -d 192.0.2.2/32 ! -i bridge1 -j DROP",
        "filter -A DOCKER -d 192.0.2.2/32 ! -i bridge1 -o bridge1 -p tcp -m tcp --dport 80 -j ACCEPT",
        "filter -A DOCKER ! -i bridge1 -o bridge1 -j DROP",
        "filter -A DOCKER-BRIDGE -o bridge1 -j DOCKER",
        "filter -A DOCKER-CT -o bridge1 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT",
        "filter -A DOCKER-FORWARD -i bridge1 -j ACCEPT",
        "nat -A POSTROUTING -s 192.0.2.0/24 ! -o bridge1 -j MASQUERADE",
        "nat -A DOCKER ! -i bridge1 -p tcp -m tcp --dport 8080 -j DNAT --to-destination 192.0.2.2:80",
    ]
    # a published port is inserted at the head of DOCKER, a network's last word stands at its end
    assert [row.split()[2] + " " + row.split()[-1] for row in now if row.startswith("filter -A DOCKER ")] == [
        "DOCKER ACCEPT", "DOCKER DROP", "DOCKER DROP"]
    assert now.index("nat -A POSTROUTING -s 192.0.2.0/24 ! -o bridge1 -j MASQUERADE") < now.index(NEW_DAEMON[-1])


def test_without_the_userland_proxy() -> None:
    nat = [row for row in rows(published(userland_proxy=False)) if row.startswith("nat")]
    assert nat == [
        "nat -A PREROUTING -m addrtype --dst-type LOCAL -j DOCKER",
        "nat -A OUTPUT -m addrtype --dst-type LOCAL -j DOCKER",
        "nat -A POSTROUTING -o bridge1 -m addrtype --src-type LOCAL -j MASQUERADE",
        "nat -A POSTROUTING -s 192.0.2.0/24 ! -o bridge1 -j MASQUERADE",
        "nat -A POSTROUTING -o docker0 -m addrtype --src-type LOCAL -j MASQUERADE",
        "nat -A POSTROUTING -s 172.17.0.0/16 ! -o docker0 -j MASQUERADE",
        "nat -A POSTROUTING -s 192.0.2.2/32 -d 192.0.2.2/32 -p tcp -m tcp --dport 80 -j MASQUERADE",
        "nat -A DOCKER -p tcp -m tcp --dport 8080 -j DNAT --to-destination 192.0.2.2:80",
    ]


def test_a_port_on_localhost_an_internal_network_and_one_without_communication() -> None:
    docker = Docker()
    docker.run("web", publish={"127.0.0.1:8080": 80})
    docker.network_create("in", internal=True, options={"com.docker.network.bridge.name": "bridge1"})
    docker.network_create("mute", options={"com.docker.network.bridge.name": "bridge2",
                                           "com.docker.network.bridge.enable_icc": "false"})
    assert [row for row in rows(docker) if row not in NEW_DAEMON] == [
        "raw -A PREROUTING -d 172.17.0.2/32 ! -i docker0 -j DROP",
        "raw -A PREROUTING -d 127.0.0.1/32 ! -i lo -p tcp -m tcp --dport 8080 -j DROP",
        "filter -A DOCKER -d 172.17.0.2/32 ! -i docker0 -o docker0 -p tcp -m tcp --dport 80 -j ACCEPT",
        "filter -A DOCKER ! -i bridge2 -o bridge2 -j DROP",
        "filter -A DOCKER-BRIDGE -o bridge2 -j DOCKER",
        "filter -A DOCKER-CT -o bridge2 -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT",
        "filter -A DOCKER-FORWARD -i bridge1 -o bridge1 -j ACCEPT",
        "filter -A DOCKER-FORWARD -i bridge2 -o bridge2 -j DROP",
        "filter -A DOCKER-FORWARD -i bridge2 ! -o bridge2 -j ACCEPT",
        "filter -A DOCKER-INTERNAL ! -s 172.18.0.0/16 -o bridge1 -j DROP",
        "filter -A DOCKER-INTERNAL ! -d 172.18.0.0/16 -i bridge1 -j DROP",
        "nat -A POSTROUTING -s 172.19.0.0/16 ! -o bridge2 -j MASQUERADE",
        "nat -A DOCKER -d 127.0.0.1/32 ! -i docker0 -p tcp -m tcp --dport 8080 -j DNAT --to-destination 172.17.0.2:80",
    ]


def everything(userland_proxy: bool) -> Docker:
    """A host with something of all that writes rules."""
    docker = Docker(hosts=2, userland_proxy=userland_proxy)
    docker.network_create("app", options={"com.docker.network.bridge.enable_icc": "false"})
    docker.network_create("inside", internal=True)
    docker.network_create("far", driver="overlay")
    docker.foreign_bridge("cni0", "10.244.0.0/24")
    docker.user_rules(Rule("DOCKER-USER", "ACCEPT", in_link="cni0"), Rule("DOCKER-USER", "RETURN"))
    docker.run("web", publish={8080: 80, "127.0.0.1:5353": "53/udp", "192.168.1.20:81": 81})
    for name, net in (("one", "app"), ("two", "inside"), ("three", "far"), ("pod", "cni0")):
        docker.run(name, network=net, publish={9000 + len(docker.pods): 80})
    return docker


def by_chain(text: str) -> dict[str, list[str]]:
    """The rules of an iptables-save text by table and chain, and the policy of FORWARD; the order of chains does not count."""
    found: dict[str, list[str]] = {}
    table = ""
    for line in text.splitlines():
        if line.startswith("*"):
            table = line
        elif line.startswith(("-A", ":FORWARD")):
            found.setdefault(f"{table} {line.split()[line.startswith('-A')]}", []).append(line)
    return found


@pytest.fixture
def namespace() -> Iterator[str]:
    """A network namespace of the system, empty."""
    name = "k8snet-docker-rules"
    subprocess.run(["ip", "netns", "add", name], check=True)
    yield name
    subprocess.run(["ip", "netns", "del", name], check=True)


@pytest.mark.needs("ip", "iptables-restore", "iptables-save", "root")
@pytest.mark.parametrize("userland_proxy", [True, False])
def test_linux_takes_the_rules_and_gives_the_same_back(namespace: str, userland_proxy: bool) -> None:
    docker = everything(userland_proxy)
    text = docker.iptables_save() + "\n"
    inside = ["ip", "netns", "exec", namespace]
    subprocess.run([*inside, "iptables-restore", "--test"], input=text, text=True, check=True)
    subprocess.run([*inside, "iptables-restore"], input=text, text=True, check=True)
    saved = subprocess.run([*inside, "iptables-save"], capture_output=True, text=True, check=True).stdout
    assert by_chain(saved) == by_chain(text)
    assert sum(map(len, by_chain(text).values())) > 40
