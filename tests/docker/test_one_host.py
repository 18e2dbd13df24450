"""One Docker host: addresses, published ports, what leaves and what enters, and the modes that give no network.

The values are those of the facts (section 11), the rest of Docker Engine 29's documentation.
"""

from __future__ import annotations

import pytest

from k8snet_course.docker import Docker
from k8snet_course.linux.rule import Rule
from k8snet_course.linux.trace import Verdict

HOST = "192.168.1.20"


@pytest.fixture
def docker() -> Docker:
    """A host with a published web server and a database on the default bridge."""
    made = Docker()
    made.run("web", publish={8080: 80})
    made.run("db", image="postgres")
    return made


def sources(docker: Docker, src: str, dst: str, port: int | None = 80) -> str:
    """The source address that the receiver sees."""
    return docker.send(src, dst, port).hops[-1].steps[-1].packet.src


# -- addresses -----------------------------------------------------------------------------------------------------------


def test_the_default_bridge_has_the_documented_addresses(docker: Docker) -> None:
    assert [container.ip for container in docker.containers] == ["172.17.0.2", "172.17.0.3"]
    bridge = docker.namespace("docker-1").links["docker0"]
    assert (bridge.addresses, bridge.kind, bridge.mtu) == (("172.17.0.1/16",), "bridge", 1500)
    assert str(docker.container("web").routes) == (
        "default via 172.17.0.1 dev eth0\n172.17.0.0/16 dev eth0 proto kernel scope link src 172.17.0.2")


def test_a_bridge_without_containers_has_no_carrier(docker: Docker) -> None:
    """What a host with Docker and no container prints: docker0 is down, and its route is marked."""
    for said in (("UP", ""), ("DOWN", " linkdown")):
        link = docker.namespace("docker-1").links["docker0"]
        assert (link.state, "NO-CARRIER" in link.flags) == (said[0], bool(said[1]))
        assert f"172.17.0.0/16 dev docker0 proto kernel scope link src 172.17.0.1{said[1]}" in [
            str(row) for row in docker.namespace("docker-1").routes]
        for name in ("web", "db") if not said[1] else ():
            docker.rm(name)
    assert docker.send("docker-1", "172.17.0.2").verdict is Verdict.NO_NEIGHBOUR


def test_an_address_that_was_given_up_is_the_next_to_be_given_out(docker: Docker) -> None:
    docker.rm("web")
    assert docker.run("other").ip == "172.17.0.2"  # host-local would go on to .4


def test_networks_take_the_next_pools_and_leave_out_what_is_in_use() -> None:
    docker = Docker()
    made = [docker.network_create(f"net-{number}").subnet for number in range(1, 17)]
    assert made[0] == "172.18.0.0/16" and made[13] == "172.31.0.0/16"
    assert made[14] == "192.168.16.0/20"  # 192.168.0.0/20 has the host's own network in it


def test_all_mac_addresses_differ(docker: Docker) -> None:
    docker.network_create("app")
    docker.connect("app", "web")
    ends = [*docker.endpoints("bridge"), *docker.endpoints("app")]
    assert len({end.mac for end in ends}) == len({end.host_link for end in ends}) == 3


# -- packets ---------------------------------------------------------------------------------------------------------------


def test_containers_of_a_network_talk_by_the_bridge(docker: Docker) -> None:
    trace = docker.send("web", "db", 5432)
    assert trace.answered and trace.nat == ()
    assert [hop.device for hop in trace.hops] == ["default/web", "docker-1", "default/db"]
    assert trace.hops[-1].steps[-1].packet.ttl == 64


def test_what_leaves_gets_the_hosts_address(docker: Docker) -> None:
    assert docker.send("web", "internet").answered
    assert sources(docker, "web", "internet") == sources(docker, "db", "laptop", None) == HOST


@pytest.mark.parametrize("client", ["laptop", "internet", "router", "docker-1"])
def test_a_published_port_leads_to_the_container(docker: Docker, client: str) -> None:
    trace = docker.send(client, "docker-1", 8080)
    assert trace.answered, trace
    assert trace.hops[-1].device == "default/web" and trace.hops[-1].steps[-1].packet.dst_port == 80
    assert trace.hops[-1].steps[-1].packet.src == trace.packet.src or client == "docker-1"


def test_a_port_that_is_not_published_is_refused_by_the_host(docker: Docker) -> None:
    assert docker.send("laptop", "docker-1", 80).verdict is Verdict.REFUSED


@pytest.mark.parametrize(("client", "server"), [("docker-1", "localhost"), ("web", "docker-1"), ("db", "docker-1")])
def test_for_those_whom_the_rules_miss_there_is_docker_proxy(docker: Docker, client: str, server: str) -> None:
    trace = docker.send(client, server, 8080)
    assert trace.answered and trace.hops[-1].device == "docker-1" and "docker-proxy" in trace.reason


def test_without_the_userland_proxy_packets_turn_round() -> None:
    docker = Docker(userland_proxy=False)
    docker.run("web", publish={8080: 80})
    trace = docker.send("web", "docker-1", 8080)
    assert trace.answered and trace.hops[-1].device == "default/web"
    assert trace.hops[-1].steps[-1].packet.src == "172.17.0.1"  # else the answer would stay inside the container
    assert docker.send("docker-1", "localhost", 8080).hops[-1].device == "default/web"
    assert docker.namespace("docker-1").links[docker.endpoints("bridge")[0].host_link].hairpin


def test_a_port_published_on_localhost_is_for_the_host_alone() -> None:
    docker = Docker()
    docker.run("web", publish={"127.0.0.1:8080": 80})
    assert docker.send("docker-1", "localhost", 8080).answered
    assert docker.send("laptop", "docker-1", 8080).verdict is Verdict.REFUSED


def test_udp_is_published_as_udp_only() -> None:
    docker = Docker()
    docker.run("dns", image="coredns", publish={5353: "53/udp"})
    assert docker.send("laptop", "docker-1", 5353, "UDP").answered
    assert docker.send("laptop", "docker-1", 5353, "TCP").verdict is Verdict.REFUSED


# -- networks apart ----------------------------------------------------------------------------------------------------------


def test_networks_of_one_host_are_apart_but_for_published_ports(docker: Docker) -> None:
    docker.network_create("app")
    docker.run("front", network="app")
    for port in (80, 81):  # published or not: nobody sends to a container's own address from another network
        trace = docker.send("front", "web", port)
        assert trace.verdict is Verdict.DENIED_INGRESS and "-d 172.17.0.2/32 ! -i docker0 -j DROP" in trace.reason
    by_the_host = docker.send("front", "docker-1", 8080)
    assert by_the_host.answered and by_the_host.hops[-1].device == "default/web"


def test_a_container_on_two_networks_talks_to_both(docker: Docker) -> None:
    docker.network_create("app")
    docker.run("front", network="app")
    both = docker.connect("app", "web")
    assert [end.link for end in both.endpoints] == ["eth0", "eth1"]
    assert docker.send("front", "web").packet.dst == "172.18.0.3" and docker.send("front", "web").answered
    assert docker.send("db", "web").packet.dst == "172.17.0.2" and docker.send("db", "web").answered
    assert docker.send("front", "db", 5432).verdict is Verdict.DENIED_INGRESS  # nobody routes for them
    assert str(docker.container("web").routes).startswith("default via 172.18.0.1 dev eth1")  # app comes before bridge


def test_after_disconnecting_only_the_other_network_is_left(docker: Docker) -> None:
    docker.network_create("app")
    docker.connect("app", "web")
    assert docker.disconnect("bridge", "web").ip == "172.18.0.2"
    assert docker.send("web", "db", 5432).verdict is Verdict.DENIED_INGRESS
    assert docker.send("laptop", "docker-1", 8080).hops[-1].steps[-1].packet.dst == "172.18.0.2"  # the port follows
    assert [link.name for link in docker.container("web").links] == ["lo", "eth1"]


def test_an_internal_network_leads_nowhere() -> None:
    docker = Docker()
    docker.network_create("inside", internal=True)
    docker.run("one", network="inside", publish={8080: 80})
    docker.run("two", network="inside")
    docker.run("else")
    assert docker.send("one", "two").answered and docker.send("docker-1", "one").answered
    assert docker.send("one", "internet").verdict is Verdict.NO_ROUTE
    assert docker.send("else", "one").verdict is Verdict.DENIED_INGRESS
    assert docker.send("laptop", "docker-1", 8080).verdict is Verdict.REFUSED


def test_without_inter_container_communication_only_the_outside_is_reached() -> None:
    docker = Docker()
    docker.network_create("app", options={"com.docker.network.bridge.enable_icc": "false"})
    docker.run("one", network="app")
    docker.run("two", network="app", publish={8080: 80})
    trace = docker.send("one", "two")
    assert trace.verdict is Verdict.DENIED_EGRESS and "-j DROP" in trace.reason
    assert docker.send("one", "internet").answered and docker.send("one", "docker-1", None).answered
    assert docker.send("laptop", "docker-1", 8080).answered


def test_the_mtu_of_a_network_is_what_one_says() -> None:
    docker = Docker()
    docker.network_create("small", options={"com.docker.network.driver.mtu": "1400"})
    docker.run("one", network="small")
    docker.run("two")
    assert docker.send("one", "laptop", None, size=1373).verdict is Verdict.TOO_BIG
    assert docker.send("one", "laptop", None, size=1372).answered and docker.send("two", "laptop", None, size=1472).answered


# -- other modes -----------------------------------------------------------------------------------------------------------


def test_a_container_with_the_hosts_network_has_the_hosts_address(docker: Docker) -> None:
    agent = docker.run("agent", network="host", listen=9100, publish={9000: 9100})
    assert agent.ip == HOST and docker.namespace(agent.key) is docker.namespace("docker-1")
    assert docker.send("laptop", "agent", 9100).answered and docker.send("agent", "web").answered
    assert agent.published == ()  # Docker discards them
    assert docker.send("laptop", "docker-1", 9000).verdict is Verdict.REFUSED


def test_two_containers_with_the_hosts_network_cannot_both_have_a_port() -> None:
    docker = Docker()
    docker.run("first", network="host")
    docker.run("second", image="httpd", network="host")
    refused = docker.host("docker-1").refused
    assert [str(row) for row in refused] == [
        "httpd cannot listen on TCP 0.0.0.0:80: address already in use (nginx has it)"]


def test_the_network_none_has_lo_alone(docker: Docker) -> None:
    alone = docker.run("alone", network="none")
    assert alone.ip == "" and [link.name for link in docker.container("alone").links] == ["lo"]
    assert docker.send("alone", "web").verdict is Verdict.NO_ROUTE
    assert docker.send("alone", "localhost").answered


def test_a_container_can_share_another_ones_network(docker: Docker) -> None:
    side = docker.run("side", network="container:web", listen=9090, image="busybox")
    assert side.ip == "172.17.0.2" and docker.namespace(side.key) is docker.namespace("default/web")
    assert docker.send("db", "side", 9090).answered and docker.send("side", "localhost").answered
    assert docker.lookup("side", "db").status == "NXDOMAIN"


# -- another program's bridge on the same host ---------------------------------------------------------------------------------


def test_the_policy_of_the_chain_forward_stops_another_programs_pods() -> None:
    docker = Docker()
    docker.foreign_bridge("cni0", "10.244.0.0/24")
    for name in ("pod-a", "pod-b"):
        docker.run(name, network="cni0")
    assert docker.send("pod-a", "pod-b").answered  # the same bridge: nothing is routed
    trace = docker.send("pod-a", "internet")
    assert trace.verdict is Verdict.DENIED_INGRESS and "-P FORWARD DROP" in trace.reason
    docker.user_rules(Rule("DOCKER-USER", "ACCEPT", in_link="cni0"), Rule("DOCKER-USER", "ACCEPT", out_link="cni0"))
    assert docker.send("pod-a", "internet").answered and sources(docker, "pod-a", "internet") == HOST


def test_with_the_policy_accept_they_pass() -> None:
    docker = Docker(forward_policy="ACCEPT")
    docker.foreign_bridge("cni0", "10.244.0.0/24")
    docker.run("pod-a", network="cni0")
    docker.run("web")
    assert docker.send("pod-a", "internet").answered and docker.send("web", "internet").answered


# -- what is removed is gone ---------------------------------------------------------------------------------------------


def test_nobody_remembers_a_container_that_is_gone(docker: Docker) -> None:
    assert docker.send("db", "web").answered
    docker.rm("web")
    assert docker.send("db", "172.17.0.2").verdict is Verdict.NO_NEIGHBOUR
    assert docker.send("laptop", "docker-1", 8080).verdict is Verdict.REFUSED
    docker.run("new", publish={8080: 80})
    assert docker.send("db", "new").answered and docker.send("laptop", "docker-1", 8080).answered


def test_a_network_without_containers_can_be_removed() -> None:
    docker = Docker()
    net = docker.network_create("app")
    docker.run("web", network="app")
    docker.rm("web")
    docker.network_rm("app")
    assert net.link not in docker.namespace("docker-1").links
    assert docker.network_create("other").subnet == "172.18.0.0/16"


def test_the_same_commands_give_the_same_network() -> None:
    def built() -> str:
        docker = Docker()
        docker.network_create("app")
        docker.run("web", network="app", publish={80: 80})
        return f"{docker.host('docker-1').links}{docker.iptables_save()}{docker.send('laptop', 'docker-1')}{docker.ps()}"

    assert built() == built()
