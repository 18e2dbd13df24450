"""What cannot be done says why, and changes nothing."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from k8snet_course.docker import Docker
from k8snet_course.errors import (
    AddressesExhausted,
    AddressUnavailable,
    AlreadyExists,
    CidrOverlap,
    CourseError,
    InvalidArgument,
    InvalidCidr,
    InvalidName,
    NotFound,
)
from k8snet_course.linux.rule import Rule

MISTAKES: list[tuple[Callable[[Docker], object], type[CourseError], str]] = [
    (lambda docker: docker.run("web"), AlreadyExists, "web"),
    (lambda docker: docker.run("laptop"), AlreadyExists, "laptop"),
    (lambda docker: docker.run("a b"), InvalidName, "a b"),
    (lambda docker: docker.run("new", network="nowhere"), NotFound, "bridge, host, none"),
    (lambda docker: docker.run("new", network="container:nobody"), NotFound, "nobody"),
    (lambda docker: docker.run("new", host="docker-9"), NotFound, "docker-1"),
    (lambda docker: docker.run("new", image=""), InvalidArgument, "image"),
    (lambda docker: docker.run("new", listen="many"), InvalidArgument, "port"),
    (lambda docker: docker.run("new", publish={8080: 80}), AddressUnavailable, "another port"),
    (lambda docker: docker.run("new", publish={"127.0.0.1:8080": 80}), AddressUnavailable, "another port"),
    (lambda docker: docker.run("new", publish={0: 80}), InvalidArgument, "1 to 65535"),
    (lambda docker: docker.run("new", publish={81: "80/icmp"}), InvalidArgument, "udp"),
    (lambda docker: docker.run("new", publish={"host:81": 80}), InvalidArgument, "IPv4"),
    (lambda docker: docker.run("new", publish={81: 80, "0.0.0.0:81": 80}), InvalidArgument, "once"),
    (lambda docker: docker.run("new", publish=[81]), InvalidArgument, "dict"),  # type: ignore[arg-type]
    (lambda docker: docker.run("new", network="container:web", publish={81: 80}), InvalidArgument, "web"),
    (lambda docker: docker.connect("bridge", "web"), AlreadyExists, "web on bridge"),
    (lambda docker: docker.connect("host", "web"), InvalidArgument, "network_create"),
    (lambda docker: docker.disconnect("app", "web"), NotFound, "bridge"),
    (lambda docker: docker.rm("nobody"), NotFound, "web"),
    (lambda docker: docker.network_create("app"), AlreadyExists, "app"),
    (lambda docker: docker.network_create("x", subnet="172.17.5.0/24"), InvalidName, "two or more"),
    (lambda docker: docker.network_create("new", subnet="172.17.5.0/24"), CidrOverlap, "172.17.0.0/16"),
    (lambda docker: docker.network_create("new", subnet="192.168.1.0/24"), CidrOverlap, "192.168.1.0/24"),
    (lambda docker: docker.network_create("new", subnet="10.0.0.1/24"), InvalidCidr, "10.0.0.0/24"),
    (lambda docker: docker.network_create("new", subnet="fd00::/64"), InvalidArgument, "IPv4"),
    (lambda docker: docker.network_create("new", driver="macvlan"), InvalidArgument, "bridge or overlay"),
    (lambda docker: docker.network_create("new", options={"speed": "high"}), InvalidArgument, "modelled"),
    (lambda docker: docker.network_create("new", options={"com.docker.network.driver.mtu": "big"}), InvalidArgument, "MTU"),
    (lambda docker: docker.network_create("new", options={"com.docker.network.bridge.name": "docker0"}), AlreadyExists,
     "docker0"),
    (lambda docker: docker.network_create("new", driver="overlay", internal=True), InvalidArgument, "overlay"),
    (lambda docker: docker.network_rm("bridge"), InvalidArgument, "Docker needs it"),
    (lambda docker: docker.network_rm("app"), InvalidArgument, "disconnect"),
    (lambda docker: docker.send("web", "nobody"), NotFound, "nobody"),
    (lambda docker: docker.user_rules(Rule("FORWARD", "ACCEPT")), InvalidArgument, "DOCKER-USER"),
    (lambda docker: docker.host("web"), NotFound, "docker-1"),
]


@pytest.mark.parametrize(("mistake", "error", "says"), MISTAKES)
def test_mistakes_are_explained_and_change_nothing(mistake: Callable[[Docker], object], error: type[CourseError],
                                                   says: str) -> None:
    docker = Docker()
    docker.network_create("app")
    docker.run("web", publish={8080: 80})
    docker.run("front", network="app")
    before = f"{docker.ps()}{docker.networks()}{docker.iptables_save()}{docker.host('docker-1').links}"
    with pytest.raises(error, match=re.escape(says)):
        mistake(docker)
    assert f"{docker.ps()}{docker.networks()}{docker.iptables_save()}{docker.host('docker-1').links}" == before
    assert docker.run("next").ip == "172.17.0.3"  # no address was lost


def test_a_container_without_an_address_cannot_be_sent_to() -> None:
    docker = Docker()
    docker.run("idle", network="none")
    docker.run("web")
    with pytest.raises(InvalidArgument, match="has an address"):
        docker.send("web", "idle")
    with pytest.raises(InvalidArgument, match="network of its own"):
        docker.connect("bridge", "idle")


def test_who_shares_a_network_keeps_its_owner() -> None:
    docker = Docker()
    docker.run("web")
    docker.run("side", network="container:web", image="busybox")
    with pytest.raises(InvalidArgument, match="remove side first"):
        docker.rm("web")
    docker.rm("side")
    docker.rm("web")
    assert docker.containers == ()


def test_a_full_network_gives_nothing_out() -> None:
    docker = Docker()
    docker.network_create("tiny", subnet="10.99.0.0/29")
    names = [docker.run(f"c-{number}", network="tiny").name for number in range(5)]
    with pytest.raises(AddressesExhausted, match=r"10\.99\.0\.0/29"):
        docker.run("more", network="tiny")
    docker.rm(names[2])
    assert docker.run("more", network="tiny").ip == "10.99.0.4"


@pytest.mark.parametrize(("arguments", "error"), [
    ({"hosts": 0}, InvalidArgument), ({"hosts": True}, InvalidArgument), ({"hosts": 99}, InvalidArgument),
    ({"node_network": "192.168.1.0/28"}, InvalidCidr), ({"node_network": "fd00::/64"}, InvalidCidr),
    ({"forward_policy": "MAYBE"}, InvalidArgument)])
def test_hosts_that_cannot_be(arguments: dict[str, object], error: type[CourseError]) -> None:
    with pytest.raises(error):
        Docker(**arguments)  # type: ignore[arg-type]
