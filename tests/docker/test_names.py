"""Names of containers: on networks that a user made there are some, on the default bridge there are none."""

from __future__ import annotations

import pytest

from k8snet_course.docker import Docker


@pytest.fixture
def docker() -> Docker:
    made = Docker(outside_names={"example.com": ("203.0.113.9",)})
    made.network_create("app")
    made.network_create("back")
    made.run("web", network="app")
    made.run("db", image="postgres", network="back", aliases=["Database"])
    made.run("plain")
    made.run("agent", network="host", image="busybox")
    return made


def test_the_default_bridge_has_no_names(docker: Docker) -> None:
    docker.run("other")
    answer = docker.lookup("plain", "other")
    assert answer.status == "NXDOMAIN" and "default bridge" in answer.why
    assert docker.resolv_conf("plain") == "nameserver 192.168.1.1\n"


def test_a_network_of_ones_own_has_names(docker: Docker) -> None:
    other = docker.run("api", network="app", aliases=["backend"])
    for name in ("api", "API", "api.", "backend", other.short_id):
        assert docker.lookup("web", name).addresses == (other.ip,), name
    assert docker.lookup("web", "web").addresses == ("172.18.0.2",)
    assert docker.resolv_conf("web") == "nameserver 127.0.0.11\noptions ndots:0\n"
    assert str(docker.lookup("web", "api").records[0]) == "api. 600 IN A 172.18.0.3"


def test_names_are_known_on_shared_networks_only(docker: Docker) -> None:
    assert docker.lookup("web", "db").status == "NXDOMAIN"
    docker.connect("back", "web")
    assert docker.lookup("web", "db").addresses == docker.lookup("web", "database").addresses == ("172.19.0.2",)
    assert docker.lookup("db", "web").addresses == ("172.19.0.3",)  # its address there, not the one on app
    docker.connect("app", "plain")
    assert docker.lookup("web", "plain").addresses == ("172.18.0.3",)
    docker.disconnect("app", "plain")
    assert docker.lookup("web", "plain").status == "NXDOMAIN"


def test_what_docker_does_not_know_it_asks_the_hosts_server(docker: Docker) -> None:
    for container in ("web", "plain", "agent"):
        assert docker.lookup(container, "example.com").addresses == ("203.0.113.9",), container
        assert docker.lookup(container, "example.net").status == "NXDOMAIN", container


def test_with_the_hosts_network_there_are_no_names(docker: Docker) -> None:
    answer = docker.lookup("agent", "web")
    assert answer.status == "NXDOMAIN" and "host" in answer.why


def test_a_container_that_shares_a_network_shares_its_names(docker: Docker) -> None:
    docker.run("side", image="busybox", network="container:web")
    assert docker.lookup("side", "web").addresses == ("172.18.0.2",)


def test_the_server_is_inside_the_container(docker: Docker) -> None:
    trace = docker.send("web", "127.0.0.11", 53, "UDP")
    assert trace.answered and [hop.device for hop in trace.hops] == ["default/web"] and "dockerd" in trace.reason
    assert not docker.send("plain", "127.0.0.11", 53, "UDP").answered
