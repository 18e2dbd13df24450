"""The real programs, in a lab of the same cluster, and their counterparts here: line by line the same texts.

What is left out is said in :mod:`tests.shell.real`.  The order of commands matters: both sides learn from the packets.
"""

from __future__ import annotations

import os
import re
import select
import signal
import subprocess
from collections.abc import Iterator

import pytest

from k8snet_course.cluster import Cluster
from k8snet_course.emulator import emulate
from k8snet_course.emulator.lab import Lab
from k8snet_course.shell import Capture
from tests.shell.clusters import two_nodes
from tests.shell.real import differences

REAL = pytest.mark.needs("ip", "bridge", "iptables-restore", "iptables-save", "ip6tables-save", "ping", "tracepath",
                         "traceroute", "busybox", "nc", "arp", "curl", "wget", "ss", "tcpdump", "root")

POD = """
ip addr
ip a s
ip addr show eth0
ip -4 addr show dev eth0
ip addr show to 10.244.0.2
ip -br addr
ip -br -4 addr show eth0
ip -o addr
ip -o -4 addr show eth0
ip -6 addr
ip link
ip l show eth0
ip -br link
ip -o link
ip link show type veth
ip -6 route
ip route get 10.244.1.2
ip route get 10.244.0.3
ip route get 10.244.0.2
ip route get 127.0.0.1
ip route get fibmatch 10.244.0.3
ip route show 10.244.9.0/24
ip route show default
ip route show table local
ip rule
ip xyz
ip -z addr
ip route shw
ip route get foo
ip route get
ip addr sh dev
ip addr show dev eth1
ip link show master cni9
ip n sh dev eth9
ip r s dev eth9
ip -V
busybox ip addr
busybox ip a s eth0
busybox ip -4 addr show eth0
busybox ip -o addr
busybox ip link
busybox ip link show dev eth0
busybox ip route get 10.244.1.2
busybox ip route get 10.244.0.2
busybox ip route get
busybox ip route get foo
busybox ip rule
busybox ip addr show eth1
busybox ip r s dev eth9
busybox ip addr shw
ping -c 2 10.244.1.2
ping -c 1 10.244.0.3
ping -c 1 10.244.0.2
ping -c 1 127.0.0.1
ping -c 1 -q 10.244.0.3
ping -c 1 -t 1 10.244.1.2
ping -c 1 -t 2 10.244.1.2
ping -c 1 -W 1 203.0.113.9
ping -c 1 -W 1 203.0.113.77
ping -c 1 -I 10.244.0.2 10.244.0.3
ping -c 1 -I eth0 10.244.0.3
ping -c 1 -I eth9 10.244.0.3
ping -c 1 -s 1450 10.244.1.2
ping -c 1 -M do -s 1450 10.244.1.2
ping -c 1 -M do -s 1422 10.244.1.2
ping -c 0 10.244.0.3
ping -c x 10.244.0.3
ping
busybox ping -c 2 10.244.1.2
busybox ping -c 1 10.244.0.2
busybox ping -c 1 -W 1 -s 1450 10.244.1.2
busybox ping -c 1 -W 1 10.244.0.99
ping -c 1 -W 1 10.244.0.99
ip neigh
ip neigh show dev eth0
busybox ip neigh
arp -n
arp -a
arp -n -i eth0
busybox arp
traceroute -N 1 -n 10.244.1.2
traceroute -N 1 -n -m 2 10.244.1.2
traceroute -N 1 -n -f 2 10.244.1.2
traceroute -I -N 1 -n -q 1 10.244.1.2
traceroute -N 1 -n -q 1 10.244.0.3
traceroute -N 1 -n -m 4 -w 1 -q 1 10.244.0.99
busybox traceroute -n 10.244.1.2
busybox traceroute -n -m 2 10.244.1.2
tracepath -n 10.244.1.2
tracepath -n 203.0.113.9
tracepath -n 10.244.0.3
nc -zv 10.244.1.2 80
nc -zv 10.244.1.2 81
nc -z 10.244.1.2 80
nc -zv 10.244.1.2 80-82
nc -zv -w 1 10.244.0.99 80
nc -zvu -w 1 10.244.1.2 53
nc -zv 10.96.0.20 80
nc -z
nc -y
busybox nc -w 1 10.244.1.2 81
busybox wget -qO- http://10.244.1.2:81/
busybox wget -O- http://10.244.1.2:81/
wget -qO- -T 1 -t 1 http://10.244.1.2:81/
curl -s http://10.244.1.2:81/
curl -sS http://10.244.1.2:81/
curl -sS -m 2 http://10.244.0.99/
curl -s -o /dev/null -w '%{http_code}\\n' http://10.244.1.2:81/
curl
busybox netstat -lnt
netstat -lnt
netstat -lntu
iptables-save
iptables -L -n
iptables -t nat -S
bridge fdb
"""

NODE = """
ip addr
ip -br addr
ip -br link
ip link
ip route
ip route show dev cni0
ip route show match 10.244.1.2
ip route show root 10.0.0.0/8
ip route show proto kernel
ip route show via 10.244.1.0
ip route show scope link
ip route show table local
ip route get 10.244.1.2
ip route get 10.244.0.2
ip route get 203.0.113.9
ip route get 10.244.1.2 from 10.244.0.2 iif cni0
ip route get 10.244.0.2 from 10.244.1.2 iif flannel.1
ip route get 10.244.0.1 from 10.244.0.2 iif cni0
ip link show master cni0
ip -br link show type vxlan
busybox ip link
busybox ip route
ping -c 1 10.244.0.2
ping -c 1 10.244.0.3
ping -c 1 10.244.1.2
ping -c 1 192.168.1.1
ip neigh
ip neigh show dev flannel.1
ip neigh show nud permanent
ip neigh show 10.244.0.2
busybox ip neigh
arp -n
bridge fdb
bridge fdb show dev flannel.1
bridge fdb show br cni0
bridge fdb show brport vethb38f81d1
bridge fdb show dev nope
bridge fdb get 0a:58:0a:f4:00:02 br cni0
bridge link
bridge -d link
bridge link show dev cni0
bridge xyz
traceroute -N 1 -n 10.244.1.2
iptables-save
iptables-save -t nat
iptables -L -n
iptables -nL FORWARD -v
iptables -t nat -L -n
iptables -t nat -S
iptables -t nat -nvL KUBE-SERVICES
iptables -t nat -L KUBE-SERVICES -n --line-numbers
iptables -t nat -L POSTROUTING
iptables -S KUBE-SERVICES
iptables -S NOPE
iptables -t xyz -L
iptables -z
"""

OTHERS = """
internet ping -c 1 -W 1 10.244.0.2
internet busybox ping -c 1 -W 1 10.244.0.2
internet traceroute -n 10.244.0.2
internet busybox traceroute -n 10.244.0.2
internet ip route get 10.244.0.2
internet busybox ip route get 10.244.0.2
internet nc -zv 10.244.0.2 80
internet ip route
laptop ip route
laptop ping -c 1 192.168.1.2
laptop traceroute -N 1 -n 203.0.113.9
router ip route
router ip addr
node-2 ping -c 1 10.244.0.2
node-2 ip neigh
node-2 ip addr
"""


def commands(device: str, text: str) -> list[tuple[str, str]]:
    return [(device, line) for line in text.splitlines() if line]


@pytest.fixture(scope="module")
def world() -> Iterator[tuple[Cluster, Lab]]:
    cluster = two_nodes()
    with emulate(cluster) as lab:
        yield cluster, lab


@REAL
@pytest.mark.parametrize("wanted", [commands("a", POD), commands("node-1", NODE), [
    (line.partition(" ")[0], line.partition(" ")[2]) for line in OTHERS.splitlines() if line]], ids=["pod", "node", "others"])
def test_the_same_texts(world: tuple[Cluster, Lab], wanted: list[tuple[str, str]]) -> None:
    found = list(differences(*world, wanted))
    assert not found, "\n".join(found)


@REAL
@pytest.mark.parametrize("cni", ["none", "bridge", "calico-bgp", "calico-vxlan", "flannel-host-gw"])
def test_the_same_texts_with_other_plugins(cni: str) -> None:
    cluster = two_nodes(cni)
    node = "ip route\nip -br addr\nip neigh\nbridge fdb\nbridge link\niptables-save\nip -br link\nip route get 10.244.0.2"
    pod = ("ip addr\nbusybox ip addr\nip neigh\narp -n\nping -c 1 -W 1 203.0.113.9\n"
           "traceroute -n -q 1 -m 4 -w 1 203.0.113.9\nip route get 8.8.8.8")
    address = cluster.pod("c").ip
    with emulate(cluster) as lab:
        first = [] if cni in ("none", "bridge") else [("a", f"ping -c 1 {address}"), ("a", f"traceroute -n {address}")]
        found = list(differences(cluster, lab, [*first, *commands("a", pod), *commands("node-1", node)]))
    assert not found, "\n".join(found)


IPV6 = """
ip addr
ip -6 addr
ip -br addr
ip -6 route
ip -6 route show dev eth0
busybox ip addr
busybox ip -6 addr
busybox ip -6 route
ip -6 route get {there}
ip -6 route get {beside}
ip -6 route get {here}
ip -6 route get ::1
ip -6 route get 2001:db8::9
busybox ip -6 route get {there}
busybox ip -6 route get ::1
ping -c 1 {there}
ping -c 1 {beside}
busybox ping -c 1 {there}
ping -c 1 -t 1 {there}
ping -c 1 -s 1500 {there}
ping -c 1 -M do -s 1500 {there}
traceroute -N 1 -n {there}
traceroute -I -N 1 -q 1 -n {there}
busybox traceroute -n {there}
tracepath -n {there}
nc -zv {there} 80
nc -zv {there} 81
busybox nc {there} 81
ip -6 neigh
curl -sS http://[{there}]:81/
busybox wget -qO- http://[{there}]:81/
netstat -lnt
busybox netstat -lnt
"""
IPV6_NODE = """
ip -6 route
ip -6 neigh
ip -br addr
ip6tables-save
ip6tables -t nat -L -n
ip6tables -t nat -S
ping -c 1 {there}
"""


@REAL
def test_the_same_texts_with_both_ip_versions() -> None:
    cluster = Cluster(nodes=2, cni="flannel", pod_cidr="10.244.0.0/16,fd00:10:244::/56",
                      node_network="192.168.1.0/24,fd00:192:168:1::/64")
    for name, node in (("a", "node-1"), ("b", "node-1"), ("c", "node-2")):
        cluster.add_pod(name, node=node)
    named = {place: cluster.pod(pod).ips[1] for place, pod in (("here", "a"), ("beside", "b"), ("there", "c"))}
    wanted = commands("a", IPV6.format(**named)) + commands("node-1", IPV6_NODE.format(**named))
    with emulate(cluster) as lab:
        found = list(differences(cluster, lab, wanted))
    assert not found, "\n".join(found)


@REAL
@pytest.mark.needs("nft")
def test_what_kube_proxy_writes_for_nftables() -> None:
    cluster = Cluster(nodes=2, cni="flannel", proxy="nftables")
    for name, node in (("a", "node-1"), ("c", "node-2")):
        cluster.add_pod(name, node=node, labels={"app": "web"})
    for name, spec in (("web", {"selector": {"app": "web"}, "type": "NodePort", "ports": [{"port": 80, "nodePort": 30080}]}),
                       ("none", {"selector": {"app": "none"}, "ports": [{"port": 80}]})):
        cluster.apply({"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": spec})
    with emulate(cluster) as lab:
        found = list(differences(cluster, lab, [("node-1", "nft list table ip kube-proxy"), ("node-1", "iptables-save"),
                                                ("node-1", "nft list table ip nope")]))
    assert not found, "\n".join(found)


@REAL
def test_details_begin_alike(world: tuple[Cluster, Lab]) -> None:
    """The real `ip -d` goes on with limits of queues and segments, and with counters of the bridge."""
    def shorten(lines: list[str]) -> list[str]:
        return [re.sub(r"((promiscuity \d|ageing 300|hairpin \w+) ).*|(^    (bridge|veth) ).*|(?=addrgen|  ?allmulti).*",
                       lambda hit: hit[1] or hit[3] or "", line) for line in lines]

    found = list(differences(*world, [
        ("node-1", "ip -d link show flannel.1"), ("node-1", "ip -d link show cni0"),
        ("node-1", "ip -d link show type veth master cni0"), ("a", "ip -d link show eth0")], shorten))
    assert not found, "\n".join(found)


def _real_capture(lab: Lab, device: str, arguments: str, commands: list[tuple[str, str]]) -> list[str]:
    """The lines of a real tcpdump while commands run, and until nothing has come for a while."""
    words = ["ip", "netns", "exec", lab.namespaces[device], "tcpdump", "-ltn", *arguments.split()]
    text = b""
    with subprocess.Popen(words, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None and process.stderr is not None
        while not process.stderr.readline().startswith(b"listening on"):
            assert process.poll() is None, "tcpdump has ended"
        for where, command in commands:
            lab.exec(where, command)
        while select.select([process.stdout], [], [], _SILENCE)[0]:
            text += os.read(process.stdout.fileno(), 65536)
        process.send_signal(signal.SIGINT)
        text += process.stdout.read()
    return [_bare(line) for line in text.decode().splitlines() if line.strip() and "igmp" not in line]


def _bare(line: str) -> str:
    """A line without what the model does not have: options and numbers of TCP, ports and numbers that are drawn."""
    line = re.sub(r", options \[.*?\]", "", line.rstrip("\n"))
    line = re.sub(r"seq \d{3,}", "seq 0", line)
    line = re.sub(r"ack \d{3,}", "ack 1", line)
    line = re.sub(r"win \d+", "win 0", line)
    line = re.sub(r"(ICMP echo \w+, id) \d+, seq \d+", r"\1 1, seq 1", line)
    return re.sub(r"\.(3[2-9]\d{3}|[45]\d{4}|60\d{3})\b", ".40000", line)


_SILENCE = 1.2
"""Seconds; a kernel that is busy hands packets over late."""
CAPTURES = [
    ("node-1", "-i any", "ping -c 1 10.244.1.2"),
    ("node-1", "-i any", "ping -c 1 10.244.0.3"),
    ("node-1", "-i eth0", "ping -c 1 10.244.1.2"),
    ("node-1", "-i cni0", "ping -c 1 10.244.0.3"),
    ("node-1", "-i cni0 icmp", "ping -c 1 10.244.1.2"),
    ("default/c", "-i eth0 src 10.244.1.2 or arp", "ping -c 1 10.244.1.2"),
    ("node-2", "-i flannel.1", "nc -z 10.244.1.2 81"),
    ("default/a", "-i eth0 host 10.244.1.2", "nc -z 10.244.1.2 81"),
    ("default/a", "-i eth0", "ping -c 1 -t 1 10.244.1.2"),
    ("default/a", "-i lo", "ping -c 1 10.244.0.2"),
    ("router", "-i eth1", "ping -c 1 203.0.113.77"),
]


@REAL
@pytest.mark.parametrize(("device", "arguments", "command"), CAPTURES)
def test_a_capture_shows_the_same_packets(device: str, arguments: str, command: str) -> None:
    cluster = two_nodes()
    with emulate(cluster) as lab:
        real = _real_capture(lab, device, arguments, [("a", command)])
    image = "nicolaka/netshoot" if "/" in device else ""
    capture = cluster.exec(device.removeprefix("default/"), f"tcpdump -tn {arguments}", image=image)
    assert isinstance(capture, Capture)
    with capture:
        cluster.exec("a", command)
    assert [_bare(line) for line in capture.lines] == real
