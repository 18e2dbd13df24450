"""nslookup, dig, host and getent: texts of the real programs (BIND 9.18, BusyBox 1.35, glibc 2.36 on Linux 6.18), which asked a
server that served the same records.  The server's address is another one here; numbers of queries and times are left out.
"""

from __future__ import annotations

import re

import pytest

from k8snet_course.cluster import Cluster
from k8snet_course.shell import Ran
from tests.shell.clusters import names_to_ask


@pytest.fixture(scope="module")
def cluster() -> Cluster:
    return names_to_ask()


def ran(cluster: Cluster, command: str, image: str = "") -> Ran:
    done = cluster.exec("a", command, image=image)
    assert isinstance(done, Ran)
    return done


NOTE = ";; Got recursion not available from 10.96.0.10\n"
"""CoreDNS does not offer to ask others for the cluster's own names."""
BIND = "Server:\t\t10.96.0.10\nAddress:\t10.96.0.10#53\n\n"
BUSY = "Server:\t\t10.96.0.10\nAddress:\t10.96.0.10:53\n\n"


def missing(*names: str) -> str:
    return "".join(f"** server can't find {name}: NXDOMAIN\n\n" for name in names)


HEAD = "Name:\thead.default.svc.cluster.local\nAddress: "
EXT = "ext.default.svc.cluster.local\tcanonical name = example.com\n"
EXAMPLE = "Name:\texample.com\nAddress: 203.0.113.9\n"
WEB = "Name:\tweb.default.svc.cluster.local\nAddress: 10.96.0.20\n"

OTHER = "Non-authoritative answer:\n"
OTHERS = missing("web.svc.cluster.local", "web.cluster.local")


@pytest.mark.parametrize(("command", "expected", "code"), [
    ("nslookup web", f"{NOTE}{BIND}{WEB}{NOTE}\n", 0),
    ("nslookup web.default", f"{NOTE * 2}{BIND}{WEB}{NOTE}\n", 0),
    ("nslookup web.nowhere", NOTE * 3 + BIND + missing("web.nowhere"), 1),
    ("nslookup nope", NOTE * 3 + BIND + missing("nope"), 1),
    ("nslookup head", f"{NOTE}{BIND}{HEAD}10.244.0.4\n{HEAD}10.244.0.5\n{NOTE}\n", 0),
    ("nslookup ext", f"{NOTE}{BIND}ext.default.svc.cluster.local\tcanonical name = example.com.\n{EXAMPLE}\n", 0),
    ("nslookup ext2", NOTE + BIND + "ext2.default.svc.cluster.local\tcanonical name = nowhere.test.\n"
     + missing("nowhere.test"), 1),
    ("nslookup example.com", f"{NOTE * 3}{BIND}Non-authoritative answer:\n{EXAMPLE}\n", 0),
    ("nslookup 10.96.0.20", NOTE + "20.0.96.10.in-addr.arpa\tname = web.default.svc.cluster.local.\n\n", 0),
    ("nslookup 10.96.0.99", missing("99.0.96.10.in-addr.arpa"), 1),
    ("nslookup -type=srv _http._tcp.web.default.svc.cluster.local",
     NOTE + BIND + "_http._tcp.web.default.svc.cluster.local\tservice = 0 100 80 web.default.svc.cluster.local.\n\n", 0),
    ("nslookup -type=aaaa web", NOTE + BIND + "*** Can't find web: No answer\n\n", 1),
    ("nslookup -type=txt web", NOTE + BIND + "*** Can't find web: No answer\n\n", 1),
])
def test_nslookup_of_bind(cluster: Cluster, command: str, expected: str, code: int) -> None:
    done = ran(cluster, command)
    assert (done.out, done.err, done.code) == (expected, "", code)


@pytest.mark.parametrize(("command", "expected", "code"), [
    ("nslookup web", f"{BUSY}{WEB}\n{OTHERS}\n{OTHERS}", 1),
    ("nslookup web.default.svc.cluster.local", f"{BUSY}{WEB}\n\n", 0),
    ("nslookup web.nowhere", BUSY + missing("web.nowhere", "web.nowhere"), 1),
    ("nslookup nope", BUSY + missing("nope.default.svc.cluster.local", "nope.svc.cluster.local", "nope.cluster.local") * 2, 1),
    ("nslookup ext.default.svc.cluster.local", f"{BUSY}{EXT}{EXAMPLE}\n{EXT}\n", 0),
    ("nslookup ext2.default.svc.cluster.local",
     BUSY + "ext2.default.svc.cluster.local\tcanonical name = nowhere.test\n\n" * 2, 0),
    ("nslookup example.com", f"{BUSY}{OTHER}{EXAMPLE}\n{OTHER}\n", 0),
    ("nslookup 10.96.0.20", BUSY + "20.0.96.10.in-addr.arpa\tname = web.default.svc.cluster.local\n\n", 0),
    ("nslookup -type=a web.default.svc.cluster.local", f"{BUSY}{WEB}\n", 0),
    ("nslookup -type=srv _http._tcp.web.default.svc.cluster.local",
     BUSY + "_http._tcp.web.default.svc.cluster.local\tservice = 0 100 80 web.default.svc.cluster.local\n\n", 0),
])
def test_nslookup_of_busybox(cluster: Cluster, command: str, expected: str, code: int) -> None:
    done = ran(cluster, command, "busybox")
    assert (done.out, done.err, done.code) == (expected, "", code)


def test_a_server_that_does_not_answer(cluster: Cluster) -> None:
    assert ran(cluster, "nslookup web 10.244.0.99", "busybox").out == ";; connection timed out; no servers could be reached\n\n"
    done = ran(cluster, "nslookup web 10.244.0.99")
    assert done.out.splitlines()[-2:] == [";; no servers could be reached", ""] and done.code == 1
    done = ran(cluster, "dig +time=1 +tries=1 @10.244.0.3 web")
    assert done.out.splitlines()[0] == ";; communications error to 10.244.0.3#53: connection refused" and done.code == 9


def sockets(address: str, name: str) -> str:
    return f"{address:<16}STREAM {name}\n{address:<16}DGRAM  \n{address:<16}RAW    \n"


@pytest.mark.parametrize(("command", "expected"), [
    ("dig +short web.default.svc.cluster.local", "10.96.0.20\n"),
    ("dig +search +short web", "10.96.0.20\n"),
    ("dig +short web", ""),
    ("dig +noall +answer web.default.svc.cluster.local", "web.default.svc.cluster.local. 30 IN\tA\t10.96.0.20\n"),
    ("dig head.default.svc.cluster.local +short", "10.244.0.4\n10.244.0.5\n"),
    ("dig -x 10.96.0.20 +short", "web.default.svc.cluster.local.\n"),
    ("dig +noall +answer -x 10.96.0.20", "20.0.96.10.in-addr.arpa. 30\tIN\tPTR\tweb.default.svc.cluster.local.\n"),
    ("dig +noall +answer ext.default.svc.cluster.local",
     "ext.default.svc.cluster.local. 30 IN\tCNAME\texample.com.\nexample.com.\t\t30\tIN\tA\t203.0.113.9\n"),
    ("dig +noall +answer +additional _http._tcp.web.default.svc.cluster.local SRV",
     ("_http._tcp.web.default.svc.cluster.local. 30 IN\tSRV 0 100 80 web.default.svc.cluster.local.\n"
      "web.default.svc.cluster.local. 30 IN\tA\t10.96.0.20\n")),
    ("dig -t A +short @10.96.0.10 web.default.svc.cluster.local", "10.96.0.20\n"),
    ("dig +noall +question web", ";web.\t\t\t\tIN\tA\n"),
    ("host web", "web.default.svc.cluster.local has address 10.96.0.20\n"),
    ("host nope", "Host nope not found: 3(NXDOMAIN)\n"),
    ("host 10.96.0.20", "20.0.96.10.in-addr.arpa domain name pointer web.default.svc.cluster.local.\n"),
    ("host ext.default.svc.cluster.local",
     "ext.default.svc.cluster.local is an alias for example.com.\nexample.com has address 203.0.113.9\n"),
    ("getent hosts web", "10.96.0.20      web.default.svc.cluster.local\n"),
    ("getent ahosts web", sockets("10.96.0.20", "web.default.svc.cluster.local")),
    ("getent ahostsv4 head", sockets("10.244.0.4", "head.default.svc.cluster.local") + sockets("10.244.0.5", "")),
    ("getent hosts nope", ""),
    ("getent hosts 10.96.0.20", "10.96.0.20      web.default.svc.cluster.local\n"),
    ("getent hosts localhost", "127.0.0.1       localhost\n"),
    ("getent hosts a", "10.244.0.2      a\n"),
])
def test_dig_host_and_getent(cluster: Cluster, command: str, expected: str) -> None:
    assert ran(cluster, command).out == expected


def test_the_whole_of_dig(cluster: Cluster) -> None:
    lines = ran(cluster, "dig web.default.svc.cluster.local").out.splitlines()
    lines[4] = re.sub(r"id: \d+", "id: 55560", lines[4])
    assert lines == [
        "", "; <<>> DiG 9.18 <<>> web.default.svc.cluster.local", ";; global options: +cmd", ";; Got answer:",
        ";; ->>HEADER<<- opcode: QUERY, status: NOERROR, id: 55560",
        ";; flags: qr aa rd; QUERY: 1, ANSWER: 1, AUTHORITY: 0, ADDITIONAL: 1",
        ";; WARNING: recursion requested but not available", "", ";; OPT PSEUDOSECTION:",
        "; EDNS: version: 0, flags:; udp: 1232", ";; QUESTION SECTION:", ";web.default.svc.cluster.local.\tIN\tA", "",
        ";; ANSWER SECTION:", "web.default.svc.cluster.local. 30 IN\tA\t10.96.0.20", "",
        ";; Query time: 0 msec", ";; SERVER: 10.96.0.10#53(10.96.0.10) (UDP)", ""]
    assert ran(cluster, "dig +foo web").code == 1
    assert "status: NXDOMAIN" in ran(cluster, "dig web").out, "dig uses no search list unless it is told to"


@pytest.mark.parametrize(("image", "ping", "wget"), [
    ("nicolaka/netshoot", "ping: nope: Name does not resolve\n", "wget: bad address 'nope'\n"),
    ("busybox", "ping: bad address 'nope'\n", "wget: bad address 'nope'\n"),
    ("alpine", "ping: bad address 'nope'\n", "wget: bad address 'nope'\n"),
])
def test_names_that_do_not_exist(cluster: Cluster, image: str, ping: str, wget: str) -> None:
    assert ran(cluster, "ping -c 1 nope", image).err == ping
    assert ran(cluster, "wget -qO- http://nope/", image).err == wget
    done = cluster.exec("node-1", "ping -c 1 nope")
    assert (done.err, done.code) == ("ping: nope: Name or service not known\n", 2)
    assert cluster.exec("node-1", "curl -sS http://nope/").err == "curl: (6) Could not resolve host: nope\n"


def test_a_ping_by_name_shows_the_names_that_addresses_have(cluster: Cluster) -> None:
    lines = ran(cluster, "ping -c 1 head").out.splitlines()
    assert lines[0] == "PING head.default.svc.cluster.local (10.244.0.4) 56(84) bytes of data."
    assert lines[1].startswith("64 bytes from 10-244-0-4.head.default.svc.cluster.local (10.244.0.4): icmp_seq=1 ttl=64 time=")
    assert ran(cluster, "ping -c 1 head", "busybox").out.startswith("PING head (10.244.0.4): 56 data bytes\n"
                                                                    "64 bytes from 10.244.0.4: seq=0 ttl=64 time=")


def test_the_search_list_is_read_by_the_rules_of_the_images_library() -> None:
    """A name with ndots dots or more: glibc goes on with the search list, musl does not (FACTS 8.5)."""
    cluster = Cluster()
    for name, image in (("g", "debian"), ("m", "alpine")):
        cluster.add_pod(name, image=image)
    cluster.apply({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"},
                   "spec": {"clusterIP": "10.96.0.20", "ports": [{"port": 80}]}})
    name = "web.default.svc.cluster.local.default"  # five dots
    assert cluster.lookup("g", name, "glibc").error and cluster.lookup("m", name, "musl").error
    for pod, names in (("g", 4), ("m", 1)):
        machine_lookup = cluster.lookup(pod, name, "glibc" if pod == "g" else "musl")
        assert len(machine_lookup.names) == names
    assert cluster.exec("g", f"getent hosts {name}").code == cluster.exec("m", f"getent hosts {name}").code == 2


def test_queries_are_packets_where_the_server_runs_in_pods() -> None:
    cluster = Cluster(nodes=1, cni="calico-vxlan")
    cluster.add_pod("a", image="nicolaka/netshoot")
    cluster.bootstrap()
    capture = cluster.exec("a", "tcpdump -tni eth0 port 53")
    assert "Address:\t10.96.0.10#53" in cluster.exec("a", "nslookup kubernetes").out
    assert capture.lines[0].endswith("+ A? kubernetes.default.svc.cluster.local. (54)")
    assert " 1/0/0 A 10.96.0.1 (" in capture.lines[1], capture.lines
    cluster.apply({"apiVersion": "networking.k8s.io/v1", "kind": "NetworkPolicy", "metadata": {"name": "no-egress"},
                   "spec": {"podSelector": {}, "policyTypes": ["Egress"]}})
    done = cluster.exec("a", "nslookup kubernetes")
    assert done.code == 1 and done.out.splitlines()[0] == ";; communications error to 10.96.0.10#53: timed out"
    assert cluster.exec("a", "nslookup kubernetes", image="busybox").code == 1
    assert "bad address" in cluster.exec("a", "ping -c 1 kubernetes", image="alpine").err
    assert "Temporary failure in name resolution" in cluster.exec("a", "curl -sS http://kubernetes/; getent hosts x; "
                                                                  "ping -c 1 kubernetes", image="dnsutils").err
