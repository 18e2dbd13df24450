"""Commands that send packets: what they print follows from verdicts, whatever the reason is that a packet is lost.

The texts are those of the real programs; where a lab can be made, ``test_real`` compares them with the programs themselves.
"""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from k8snet_course.cluster import Cluster
from k8snet_course.faults import ForwardingOff, MissingRoute
from k8snet_course.linux.packet import Packet
from k8snet_course.shell import Capture, Ran
from k8snet_course.shell.filters import BadFilter, compiled
from k8snet_course.shell.outcome import outcome
from tests.shell.clusters import two_nodes


def ran(cluster: Cluster, device: str, command: str, image: str = "") -> Ran:
    done = cluster.exec(device, command, image=image)
    assert isinstance(done, Ran)
    return done


def test_a_ping_in_both_forms() -> None:
    cluster = two_nodes()
    assert ran(cluster, "a", "ping -c 2 10.244.1.2").out.splitlines() == [
        "PING 10.244.1.2 (10.244.1.2) 56(84) bytes of data.",
        "64 bytes from 10.244.1.2: icmp_seq=1 ttl=62 time=0.180 ms",
        "64 bytes from 10.244.1.2: icmp_seq=2 ttl=62 time=0.180 ms", "",
        "--- 10.244.1.2 ping statistics ---", "2 packets transmitted, 2 received, 0% packet loss, time 1000ms",
        "rtt min/avg/max/mdev = 0.180/0.180/0.180/0.000 ms"]
    assert ran(cluster, "a", "ping -c 2 10.244.1.2", "busybox").out.splitlines() == [
        "PING 10.244.1.2 (10.244.1.2): 56 data bytes",
        "64 bytes from 10.244.1.2: seq=0 ttl=62 time=0.180 ms", "64 bytes from 10.244.1.2: seq=1 ttl=62 time=0.180 ms", "",
        "--- 10.244.1.2 ping statistics ---", "2 packets transmitted, 2 packets received, 0% packet loss",
        "round-trip min/avg/max = 0.180/0.180/0.180 ms"]


def test_a_ping_without_a_count_is_stopped() -> None:
    lines = ran(two_nodes(), "a", "ping 10.244.0.3").out.splitlines()
    assert [line for line in lines if "icmp_seq=" in line][-1].split()[4] == "icmp_seq=3" and "^C" in lines


def test_a_ping_follows_faults() -> None:
    cluster = two_nodes()
    cluster.inject(MissingRoute("node-1", "10.244.1.0/24"))
    lost = ran(cluster, "a", "ping -c 1 10.244.1.2").out
    assert "0 received, 100% packet loss" in lost, "the router's error does not get back"
    cluster.repair()
    cluster.inject(MissingRoute("node-1", "default"))
    assert ran(cluster, "node-1", "ping -c 1 203.0.113.9").err == "ping: connect: Network is unreachable\n"
    assert "From 10.244.0.1 icmp_seq=1 Destination Net Unreachable" in ran(cluster, "a", "ping -c 1 203.0.113.9").out
    cluster.repair()
    cluster.inject(ForwardingOff("node-1"))
    done = ran(cluster, "a", "ping -c 1 10.244.1.2")
    assert "1 packets transmitted, 0 received, 100% packet loss, time 0ms" in done.out and done.code == 1
    assert ran(cluster, "a", "ping -c 1 10.244.1.2", "busybox").code == 1
    cluster.repair()
    assert ran(cluster, "a", "ping -c 1 10.244.1.2").ok


def test_a_policy_is_silence_and_a_closed_port_is_a_refusal() -> None:
    cluster = two_nodes("calico-vxlan")
    address = cluster.pod("c").ip
    said = f"nc: connect to {address} port 8"
    assert ran(cluster, "a", f"nc -zv {address} 81").err == f"{said}1 (tcp) failed: Connection refused\n"
    assert ran(cluster, "a", f"curl -sS http://{address}:81/").code == 7
    cluster.apply({"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {"name": "deny"},
                   "spec": {"podSelector": {"matchLabels": {"app": "web"}}, "policyTypes": ["Ingress"]}})
    assert ran(cluster, "a", f"nc -zv -w 1 {address} 80").err == f"{said}0 (tcp) timed out: Operation now in progress\n"
    assert ran(cluster, "a", f"nc -zv {address} 80").err == f"{said}0 (tcp) failed: Operation timed out\n"
    assert ran(cluster, "a", f"nc -zv {address} 80", "dnsutils").err.endswith("failed: Connection timed out\n")
    assert ran(cluster, "a", f"curl -sS -m 2 http://{address}/").err == (
        "curl: (28) Connection timed out after 2000 milliseconds\n")
    assert ran(cluster, "a", f"wget -qO- -T 2 http://{address}/", "busybox").err == "wget: download timed out\n"
    assert ran(cluster, "a", f"nc -w 1 {address} 80", "busybox").err == "nc: timed out\n"
    assert ran(cluster, "a", "nc -zv -w 1 web 80", "alpine").err == "nc: web (10.96.0.20:80): Operation timed out\n"
    assert ran(cluster, "a", f"ping -c 1 -W 1 {address}").code == 1


def test_a_service_without_endpoints_refuses() -> None:
    cluster = two_nodes()
    cluster.delete("pod", "c")
    assert ran(cluster, "a", "wget -qO- http://web/", "busybox").err == (
        "wget: can't connect to remote host (10.96.0.20): Connection refused\n")
    assert ran(cluster, "a", "curl -sS http://web/").err == (
        "curl: (7) Failed to connect to web port 80 after 0 ms: Couldn't connect to server\n")


def test_pages_say_who_answered_whom() -> None:
    cluster = two_nodes()
    assert ran(cluster, "a", "wget -qO- http://web/", "busybox").out == "c answers GET / from 10.244.0.2\n"
    assert ran(cluster, "a", "curl -s http://web/cart").out == "c answers GET /cart from 10.244.0.2\n"
    done = ran(cluster, "a", "curl -sv http://web/")
    assert done.err.splitlines()[:3] == ["*   Trying 10.96.0.20:80...", "* Connected to web (10.96.0.20) port 80 (#0)",
                                         "> GET / HTTP/1.1"]
    assert "< HTTP/1.1 200 OK" in done.err
    assert ran(cluster, "a", "curl -s -o /dev/null -w '%{http_code} %{remote_ip} %{local_ip}\\n' http://web/").out == (
        "200 10.96.0.20 10.244.0.2\n")
    assert ran(cluster, "a", "curl -sI http://web/").out.startswith("HTTP/1.1 200 OK\r\n")
    assert ran(cluster, "a", "wget -O- http://web/", "busybox").err.startswith("Connecting to web (10.96.0.20:80)\n")
    assert ran(cluster, "node-1", "wget -O- http://10.96.0.20/").err.splitlines()[:3] == [
        "--  http://10.96.0.20/", "Connecting to 10.96.0.20:80... connected.", "HTTP request sent, awaiting response... 200 OK"]


def test_an_ingress_is_asked_by_its_host() -> None:
    cluster = two_nodes()
    cluster.add_pod("edge", image="traefik:v3.5", labels={"app": "edge"})
    cluster.apply({"apiVersion": "networking.k8s.io/v1", "kind": "IngressClass", "metadata": {"name": "traefik"},
                   "spec": {"controller": "traefik.io/ingress-controller"}})
    path = {"path": "/", "pathType": "Prefix", "backend": {"service": {"name": "web", "port": {"number": 80}}}}
    cluster.apply({"apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": {"name": "shop"},
                   "spec": {"ingressClassName": "traefik", "rules": [{"host": "shop.example.com", "http": {"paths": [path]}}]}})
    address = cluster.pod("edge").ip
    found = ran(cluster, "a", f"curl -s --resolve shop.example.com:80:{address} http://shop.example.com/")
    assert found.out.startswith("c answers GET / from ") and found.out.endswith("for 10.244.0.2\n")
    assert ran(cluster, "a", f"curl -s -H 'Host: shop.example.com' http://{address}/").out == found.out
    missing = ran(cluster, "a", f"curl -s -o /dev/null -w '%{{http_code}}' http://{address}/")
    assert missing.out == "404"
    assert ran(cluster, "a", f"wget -qO- http://{address}/", "busybox").err == (
        "wget: server returned error: HTTP/1.1 404 Not Found\n")


def test_the_musl_form_prints_states_and_the_other_does_not() -> None:
    """BusyBox prints an interface's state where its C library defines a flag that glibc's headers lack (FACTS 13.2)."""
    cluster = two_nodes()
    assert ran(cluster, "a", "ip link", "alpine").lines[2] == (
        "2: eth0@if5: <BROADCAST,MULTICAST,UP,LOWER_UP,M-DOWN> mtu 1450 qdisc noqueue state UP ")
    assert " state " not in ran(cluster, "a", "ip link", "busybox").out


def test_a_bridge_that_nothing_is_plugged_into_is_down() -> None:
    """As `ip`, `ifconfig` and `/sys` say it on Linux 6.18; BusyBox's `ip route` says nothing of it."""
    cluster = Cluster()
    cluster.add_pod("a")
    assert ran(cluster, "node-1", "cat /sys/class/net/cni0/operstate").out == "up\n"
    cluster.delete("pod", "a")
    assert ran(cluster, "node-1", "ip -br link show cni0").lines == (
        "cni0             DOWN           0a:58:0a:f4:00:01 <NO-CARRIER,BROADCAST,MULTICAST,UP> ",)
    assert ran(cluster, "node-1", "cat /sys/class/net/cni0/operstate").out == "down\n"
    assert ran(cluster, "node-1", "ifconfig cni0").lines[0] == "cni0: flags=4099<UP,BROADCAST,MULTICAST>  mtu 1500"
    assert ran(cluster, "node-1", "bridge link").out == ""
    row = "10.244.0.0/24 dev cni0 proto kernel scope link src 10.244.0.1 linkdown "
    assert ran(cluster, "node-1", "ip route show dev cni0").lines == (row.replace("dev cni0 ", ""),)
    assert ran(cluster, "node-1", "ip route get fibmatch 10.244.0.9").lines == (row,)
    assert "linkdown" not in ran(cluster, "node-1", "ip route get 10.244.0.9").out
    assert "linkdown" not in ran(cluster, "node-1", "busybox ip route").out
    assert "broadcast 10.244.0.255 dev cni0 proto kernel scope link src 10.244.0.1 linkdown " in ran(
        cluster, "node-1", "ip route show table local").lines


def test_ipv6() -> None:
    cluster = Cluster(nodes=2, cni="calico-vxlan", pod_cidr="10.244.0.0/16,fd00:10:244::/56",
                      node_network="192.168.1.0/24,fd00:192:168:1::/64")
    cluster.add_pod("a", node="node-1", image="nicolaka/netshoot")
    cluster.add_pod("c", node="node-2")
    six = cluster.pod("c").ips[1]
    assert ran(cluster, "a", f"ping -c 1 {six}").lines[0] == f"PING {six}({six}) 56 data bytes"
    assert ran(cluster, "a", f"ping -c 1 {six}").ok
    assert ran(cluster, "a", f"nc -zv {six} 80").ok
    assert "inet6 fd00:" in ran(cluster, "a", "ip -6 addr").out
    assert any(line.startswith("default via fe80::") for line in ran(cluster, "a", "ip -6 route").lines)
    hops = ran(cluster, "a", f"traceroute -n {six}").lines
    assert hops[-1].split()[1] == six
    capture = cluster.exec("a", f"tcpdump -tni eth0 host {six}")
    ran(cluster, "a", f"ping -c 1 {six}")
    assert capture.lines[0].startswith("IP6 fd00:") and "ICMP6, echo request, id 1, seq 1, length 64" in capture.lines[0]


def test_a_capture_ends_after_its_count_and_when_it_is_stopped() -> None:
    cluster = two_nodes()
    one = cluster.exec("node-1", "tcpdump -ni cni0 -c 1 icmp")
    assert isinstance(one, Capture) and one.out == ""
    assert str(one).splitlines()[1] == "listening on cni0, link-type EN10MB (Ethernet), snapshot length 262144 bytes"
    cluster.send("a", "c", None)
    assert one.lines == ("00:00:00.000000 IP 10.244.0.2 > 10.244.1.2: ICMP echo request, id 1, seq 1, length 64",)
    assert "1 packet captured" in one.err
    cluster.wait(3661)
    two = cluster.exec("node-1", "tcpdump -ni cni0 icmp")
    assert isinstance(two, Capture)
    cluster.send("a", "c", None)
    two.stop()
    cluster.send("a", "c", None)
    assert [line.split()[0] for line in two.lines] == ["01:01:01.000000", "01:01:01.000020"]
    cluster.reachability()
    assert len(two.lines) == 2 and cluster._taps == []


def test_captures_end_independently_of_each_other_and_with_their_last_reader() -> None:
    cluster = two_nodes()
    first = cluster.exec("node-1", "tcpdump -tni cni0 -c 1 icmp")
    second = cluster.exec("node-1", "tcpdump -tni cni0 icmp")
    cluster.exec("node-1", "tcpdump -tni cni0")
    cluster.send("a", "c", None)
    assert (len(first.lines), len(second.lines)) == (1, 2)
    assert len(cluster._taps) == 1, "the one that nobody has is gone"


def test_what_nobody_sees_is_in_no_capture() -> None:
    cluster = two_nodes()
    capture = cluster.exec("node-1", "tcpdump -ni any")
    cluster.reachability()
    assert capture.out == ""


def test_a_capture_cannot_stand_in_a_line() -> None:
    cluster = two_nodes()
    assert ran(cluster, "a", "tcpdump -ni eth0 | head -1").err.startswith("(tcpdump listens")
    assert cluster._taps == []


@pytest.mark.parametrize(("command", "said"), [
    ("tcpdump -ni eth9", "tcpdump: eth9: No such device exists"),
    ("tcpdump -c 0 -i eth0", "tcpdump: invalid packet count 0"),
    ("tcpdump -i eth0 port", "tcpdump: can't parse filter expression: syntax error"),
    ("tcpdump -i eth0 tcp and", "tcpdump: can't parse filter expression: syntax error"),
    ("tcpdump -i eth0 host nope", "tcpdump: can't parse filter expression: unknown host 'nope'"),
    ("tcpdump -i eth0 -w file", "(this course's tcpdump writes no files: look at its lines)"),
])
def test_captures_that_cannot_be(command: str, said: str) -> None:
    assert ran(two_nodes(), "a", command).err.splitlines()[0] == said


@pytest.mark.parametrize(("words", "wanted"), [
    ("", [1, 1, 1]), ("tcp", [1, 0, 0]), ("udp port 53", [0, 1, 0]), ("icmp", [0, 0, 1]), ("port 80 or 53", [1, 1, 0]),
    ("src host 10.0.0.1", [1, 0, 1]), ("dst 10.0.0.1", [0, 1, 0]), ("net 10.0.0.0/24 and not tcp", [0, 1, 1]),
    ("not (tcp or udp)", [0, 0, 1]), ("tcp dst port 80", [1, 0, 0]), ("src port 80", [0, 0, 0]), ("greater 100", [0, 0, 1]),
    ("host 10.0.0.1 and (icmp or udp)", [0, 1, 1]), ("ip6", [0, 0, 0]), ("portrange 50-60", [0, 1, 0]), ("arp", [0, 0, 0]),
])
def test_filters(words: str, wanted: list[int]) -> None:
    packets = [Packet("10.0.0.1", "10.0.0.2", "TCP", 40000, 80, kind="SYN"), Packet("10.0.0.2", "10.0.0.1", "UDP", 40000, 53),
               Packet("10.0.0.1", "10.0.0.2", "ICMP", kind="echo request", payload=100)]
    kept = compiled(words.split(), lambda name: "")
    assert [int(kept(packet)) for packet in packets] == wanted


@given(st.lists(st.sampled_from(["tcp", "and", "or", "not", "(", ")", "port", "80", "host", "10.0.0.1", "net", "10", "src"]),
                max_size=8))
def test_any_words_are_a_filter_or_are_refused(words: list[str]) -> None:
    try:
        wanted = compiled(words, lambda name: "")
    except BadFilter:
        return
    assert wanted(Packet("10.0.0.1", "10.0.0.2", "TCP", 40000, 80)) in (True, False)


SENDING = ("ping -c 1", "traceroute -n", "tracepath -n", "nc -zv -w 1")


@settings(max_examples=25, deadline=None)
@given(st.sampled_from(["none", "bridge", "flannel", "calico", "cilium", "weave", "nsx"]),
       st.sampled_from(["10.244.1.2", "10.244.0.99", "10.99.1.1", "192.168.1.3", "203.0.113.9", "127.0.0.1"]),
       st.sampled_from(SENDING), st.sampled_from(["a", "node-1", "laptop", "internet"]))
def test_a_command_says_what_its_packets_met(cni: str, address: str, command: str, device: str) -> None:
    """It ends, prints something, says the same again, and its exit code is that of an answer."""
    cluster = two_nodes(cni)
    words = f"{command} {address}" + (" 80" if command.startswith("nc") else "")
    first = ran(cluster, device, words, "nicolaka/netshoot" if device == "a" else "")
    again = ran(cluster, device, words, "nicolaka/netshoot" if device == "a" else "")
    assert (first.out + first.err) and first == again
    if command.startswith(("ping", "nc")):
        answered = outcome(cluster.send(device, address, 80 if command.startswith("nc") else None)).ok
        assert first.ok == answered


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(["ip", "ping", "nslookup", "dig", "wget", "curl", "nc", "ss", "netstat", "arp", "route", "bridge",
                        "traceroute", "iptables", "tcpdump", "getent", "host", "ifconfig", "grep", "head", "nft", "sysctl",
                        "cat"]),
       st.lists(st.sampled_from(["-n", "-c", "1", "-4", "-x", "--long", "addr", "route", "get", "show", "dev", "eth0", "web",
                                 "10.244.1.2", "80", "@10.96.0.10", "+short", "-L", "-t", "nat", "http://web/", "", "é",
                                 "/etc/hosts", "-H", "a b", "=", "-type=srv", "999999"]), max_size=5),
       st.sampled_from(["busybox", "nicolaka/netshoot", "node"]))
def test_no_words_break_a_command(name: str, words: list[str], image: str) -> None:
    cluster = two_nodes()
    device, its = ("node-1", "") if image == "node" else ("a", image)
    done = cluster.exec(device, [name, *words], image=its)
    if isinstance(done, Capture):
        done.stop()
    assert isinstance(done.code, int) and str(done) == str(done)
