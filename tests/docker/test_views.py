"""What one sees of a Docker host: the commands' rows, and the same pictures as of a cluster."""

from __future__ import annotations

import json

import pytest

from k8snet_course.docker import Docker
from k8snet_course.show.layout import layout
from k8snet_course.show.state import walk_state


@pytest.fixture
def docker() -> Docker:
    made = Docker(hosts=2)
    made.network_create("app")
    made.network_create("far", driver="overlay")
    made.run("web", publish={8080: 80})
    made.run("front", network="app")
    made.run("one", network="far")
    made.run("two", network="far", host="docker-2")
    made.run("agent", network="host", listen=9100)
    made.run("idle", network="none")
    made.run("side", network="container:web", image="busybox")
    return made


def test_the_rows_of_the_commands(docker: Docker) -> None:
    names = [(row.name, row.driver, row.scope) for row in docker.networks()]
    assert names == [("bridge", "bridge", "local"), ("host", "host", "local"), ("none", "none", "local"),
                     ("app", "bridge", "local"), ("docker_gwbridge", "bridge", "local"), ("far", "overlay", "swarm")]
    assert [row.name for row in docker.ps("docker-2")] == ["two"] and len(docker.ps()) == 7
    assert docker.ps()[0].ports == "0.0.0.0:8080->80/tcp"
    assert [row.interface for row in docker.endpoints("far")] == ["10.0.1.2/24", "10.0.1.3/24"]


def test_inspect_has_the_shape_of_dockers(docker: Docker) -> None:
    said = docker.inspect("app")
    assert json.loads(json.dumps(said)) == said
    assert said["Driver"] == "bridge" and said["IPAM"]["Config"] == [{"Subnet": "172.18.0.0/16", "Gateway": "172.18.0.1"}]
    assert [(one["Name"], one["IPv4Address"]) for one in said["Containers"].values()] == [("front", "172.18.0.2/16")]


def test_the_host_prints_its_tables_as_linux_does(docker: Docker) -> None:
    host = docker.host("docker-1")
    assert "172.17.0.0/16 dev docker0 proto kernel scope link src 172.17.0.1" in str(host.routes).splitlines()
    assert any(str(link).startswith("3: docker0: <") for link in host.links)
    indexes = [link.index for link in host.links]
    assert indexes == sorted(set(indexes))
    web = docker.namespace("default/web").links["eth0"]
    assert str(web).startswith(f"2: eth0@if{web.peer_index}: ")
    assert repr(docker).splitlines()[:2] == ["host docker-1 192.168.1.20", "  container web 172.17.0.2 on docker-1"]


@pytest.mark.parametrize(("src", "dst", "port"), [
    ("laptop", "docker-1", 8080), ("one", "two", 80), ("web", "internet", 80), ("agent", "web", 80), ("idle", "web", 80)])
def test_a_walk_is_drawn_as_in_a_cluster(docker: Docker, src: str, dst: str, port: int) -> None:
    trace = docker.send(src, dst, port)
    scene = layout(docker, trace)  # type: ignore[arg-type] # it has what a picture asks a cluster for
    assert all(scene.shows(hop.device) for hop in trace.hops)
    state = walk_state(scene, docker, trace)  # type: ignore[arg-type]
    assert len(state["ways"][0]["steps"]) == len(list(trace.steps()))
