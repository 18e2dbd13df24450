"""Several Docker hosts: nothing joins them but an overlay network, and that by VXLAN at UDP port 4789."""

from __future__ import annotations

import pytest

from k8snet_course.docker import Docker
from k8snet_course.linux.packet import Packet
from k8snet_course.linux.trace import Action, Trace, Verdict


@pytest.fixture
def docker() -> Docker:
    made = Docker(hosts=2)
    made.network_create("far", driver="overlay")
    made.run("one", network="far", host="docker-1")
    made.run("two", network="far", host="docker-2")
    return made


def wrapped(trace: Trace) -> list[Packet]:
    return [step.packet for _, step in trace.steps() if step.action is Action.ENCAPSULATE]


def test_without_an_overlay_each_host_is_for_itself() -> None:
    docker = Docker(hosts=2)
    one, two = docker.run("one", host="docker-1"), docker.run("two", host="docker-2")
    assert one.ip == two.ip == "172.17.0.2"
    assert docker.send("one", "two").verdict is Verdict.ADDRESS_CONFLICT
    docker.run("three", host="docker-2")
    assert docker.send("one", "three").verdict is Verdict.NO_NEIGHBOUR  # 172.17.0.3 is looked for on the own bridge
    assert [host.ip for host in docker.nodes] == ["192.168.1.20", "192.168.1.21"]


def test_a_published_port_is_how_hosts_reach_each_other_without_one() -> None:
    docker = Docker(hosts=2)
    docker.run("one", host="docker-1")
    docker.run("two", host="docker-2", publish={8080: 80})
    trace = docker.send("one", "docker-2", 8080)
    assert trace.answered and trace.hops[-1].steps[-1].packet.src == "192.168.1.20"


def test_an_overlay_joins_the_hosts_by_vxlan(docker: Docker) -> None:
    assert [container.ip for container in docker.containers] == ["10.0.1.2", "10.0.1.3"]
    trace = docker.send("one", "two")
    assert trace.answered and trace.nat == ()
    (outer,) = wrapped(trace)
    assert (outer.protocol, outer.src, outer.dst, outer.dst_port, outer.kind) == (
        "UDP", "192.168.1.20", "192.168.1.21", 4789, "VXLAN 4097")
    assert outer.size == trace.packet.size + 50
    assert trace.hops[-1].steps[-1].packet.ttl == 64  # one wire for the containers: nobody routed
    assert docker.send("two", "one").answered


def test_the_engine_writes_down_who_is_where(docker: Docker) -> None:
    host = docker.host("docker-1")
    assert [str(row) for row in host.fdb if row.dst] == [
        f"02:42:0a:00:01:03 dev {docker.networks()[-1].tunnel} dst 192.168.1.21 self permanent"]
    assert [str(row) for row in host.neighbours] == [
        f"10.0.1.3 dev {docker.networks()[-1].tunnel} lladdr 02:42:0a:00:01:03 PERMANENT"]
    docker.send("one", "two")
    assert len([row for row in host.fdb if row.dst]) == 1  # packets teach it nothing
    assert wrapped(docker.send("one", "10.0.1.99")) == []  # and nobody floods: an unknown address stays on the host
    docker.rm("two")
    assert [row for row in host.fdb if row.dst] == [] and docker.send("one", "10.0.1.3").verdict is Verdict.NO_NEIGHBOUR


def test_the_way_out_is_docker_gwbridge(docker: Docker) -> None:
    routes = str(docker.container("one").routes)
    assert routes.startswith("default via 172.18.0.1 dev eth1\n10.0.1.0/24 dev eth0")
    assert docker.send("one", "internet").nat[0].new == "192.168.1.20"
    assert docker.send("one", "internet").answered
    assert docker.send("docker-1", "10.0.1.2").verdict is not Verdict.DELIVERED  # the host itself is not on the network
    docker.run("near", network="far", host="docker-1")
    first, second = (end.ip for end in docker.endpoints("docker_gwbridge"))
    assert docker.send("one", second).verdict is Verdict.DENIED_EGRESS and first != second


def test_with_a_bridge_network_there_is_no_need_of_it(docker: Docker) -> None:
    docker.connect("bridge", "one")
    assert [end.network for end in docker.pods[0].endpoints] == ["far", "bridge"]
    assert docker.send("one", "internet").answered and docker.send("one", "two").answered
    docker.disconnect("bridge", "one")
    assert [end.network for end in docker.pods[0].endpoints] == ["far", "docker_gwbridge"]


def test_the_mtu_leaves_room_for_the_tunnel(docker: Docker) -> None:
    assert docker.namespace("default/one").links["eth0"].mtu == 1450
    assert docker.send("one", "two", None, size=1422).answered
    assert docker.send("one", "two", None, size=1423).verdict is Verdict.TOO_BIG
    assert max(packet.size for packet in wrapped(docker.send("one", "two", None, size=1422))) == 1500


def test_two_overlays_are_apart(docker: Docker) -> None:
    other = docker.network_create("other", driver="overlay")
    assert (other.subnet, other.vni) == ("10.0.2.0/24", 4098)
    docker.run("three", network="other", host="docker-1")
    docker.run("four", network="other", host="docker-2")
    trace = docker.send("three", "four")
    assert trace.answered and wrapped(trace)[0].kind == "VXLAN 4098"
    assert docker.send("one", "two").answered
    assert not docker.send("one", "four").delivered and not docker.send("three", "two").delivered


def test_names_reach_over_hosts(docker: Docker) -> None:
    assert docker.lookup("one", "two").addresses == ("10.0.1.3",)


def test_an_overlay_goes_on_behind_the_last_address(docker: Docker) -> None:
    docker.rm("two")
    assert docker.run("three", network="far", host="docker-2").ip == "10.0.1.4"


def test_a_published_port_leads_to_a_container_of_an_overlay(docker: Docker) -> None:
    docker.run("shop", network="far", host="docker-2", publish={8080: 80})
    assert docker.send("laptop", "docker-2", 8080).hops[-1].device == "default/shop"
    assert docker.send("laptop", "docker-1", 8080).verdict is Verdict.REFUSED  # there is no routing mesh for single containers


def test_the_tunnels_go_with_the_last_container(docker: Docker) -> None:
    link = docker.networks()[-1].tunnel
    assert link in docker.namespace("docker-1").links
    docker.rm("one")
    assert link not in docker.namespace("docker-1").links and link in docker.namespace("docker-2").links
    docker.run("again", network="far", host="docker-1")
    assert docker.send("again", "two").answered and docker.send("two", "again").answered


def test_five_hosts_all_reach_each_other() -> None:
    docker = Docker(hosts=5)
    docker.network_create("far", driver="overlay")
    names = [docker.run(f"c-{number}", network="far", host=f"docker-{number}").name for number in range(1, 6)]
    assert all(docker.send(a, b).answered for a in names for b in names)
