"""Our bridge plugin against the reference one: the same configuration, the same result, the same tables in real Linux.

Debian's containernetworking-plugins run inside namespaces that the test made, and are removed with them.
"""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from k8snet_course.cluster import Cluster

PLUGINS = "/usr/lib/cni"
pytestmark = pytest.mark.needs("ip", f"{PLUGINS}/bridge", f"{PLUGINS}/host-local", "ping", "root")


def run(*words: str, **more: Any) -> str:
    return subprocess.run(words, check=True, capture_output=True, text=True, **more).stdout


@pytest.fixture
def node() -> Iterator[str]:
    """A namespace that plays the node; names carry our process id, so that two runs do not meet."""
    name = f"k8snet-{os.getpid()}-node"
    run("ip", "netns", "add", name)
    try:
        yield name
    finally:
        for line in run("ip", "netns", "list").splitlines():
            if line.startswith(f"k8snet-{os.getpid()}-"):
                run("ip", "netns", "del", line.split()[0])


def call(node: str, pod: str, conflist: dict[str, Any], command: str, container: str, data: Path) -> str:
    """What the bridge plugin prints; host-local keeps its files in a folder of the test."""
    plugin = json.loads(json.dumps(conflist["plugins"][0]))
    plugin |= {"cniVersion": conflist["cniVersion"], "name": conflist["name"]}
    plugin["ipam"]["dataDir"] = str(data)
    environment = {"CNI_COMMAND": command, "CNI_CONTAINERID": container, "CNI_NETNS": f"/var/run/netns/{pod}",
                   "CNI_IFNAME": "eth0", "CNI_PATH": PLUGINS, "PATH": os.environ["PATH"]}
    return run("ip", "netns", "exec", node, f"{PLUGINS}/bridge", input=json.dumps(plugin), env=environment)


def attach(node: str, pod: str, conflist: dict[str, Any], container: str, data: Path) -> dict[str, Any]:
    """CNI ADD with the reference plugins, for a pod that is made for it."""
    run("ip", "netns", "add", pod)
    found: dict[str, Any] = json.loads(call(node, pod, conflist, "ADD", container, data))
    return found


def test_the_reference_plugin_agrees(node: str, tmp_path: Path) -> None:
    cluster = Cluster()
    for name in ("a", "b"):
        cluster.add_pod(name)
        real_pod = f"k8snet-{os.getpid()}-{name}"
        real = attach(node, real_pod, cluster.conflist("node-1"), f"container-{name}", tmp_path)
        ours = cluster.cni_result(name)
        assert real["ips"] == ours["ips"] and real["routes"] == ours["routes"]
        real_names = [(link["name"][:4], "sandbox" in link) for link in real["interfaces"]]
        assert real_names == [(link["name"][:4], "sandbox" in link) for link in ours["interfaces"]]  # type: ignore[attr-defined]
        routes = run("ip", "-n", real_pod, "route").splitlines()
        assert [line.strip() for line in routes] == str(cluster.pod(name).routes).splitlines()
    bridge_routes = [line.strip() for line in run("ip", "-n", node, "route").splitlines()]
    assert bridge_routes == [line for line in str(cluster.node("node-1").routes).splitlines() if "cni0" in line]
    source, target = (f"k8snet-{os.getpid()}-{name}" for name in ("a", "b"))
    answer = run("ip", "netns", "exec", source, "ping", "-c", "1", "-W", "2", cluster.pod("b").ip)
    trace = cluster.send("a", "b", protocol="ICMP")
    assert trace.reply is not None
    assert f"ttl={trace.reply.hops[-1].steps[-1].packet.ttl} " in answer
    neighbours = run("ip", "-n", target, "neigh").split()
    assert neighbours[:3] == str(cluster.pod("b").neighbours[0]).split()[:3], "b has learnt a from a's question"


@pytest.mark.parametrize("mtu", [1500, 1450])
def test_del_takes_the_cable_away_and_leaves_the_bridge(node: str, tmp_path: Path, mtu: int) -> None:
    """In both IP versions; with the pods' MTU (flannel has bridge set 1450) the bridge's goes too, which followed theirs."""
    cluster = Cluster(pod_cidr="10.244.0.0/16,fd00:10:244::/56", node_network="192.168.1.0/24,fd00:192:168:1::/64")
    cluster.add_pod("a")
    pod, conflist = f"k8snet-{os.getpid()}-a", json.loads(json.dumps(cluster.conflist("node-1")))
    conflist["plugins"][0]["mtu"] = mtu
    run("ip", "netns", "exec", node, "sysctl", "-qw", "net.ipv6.conf.all.accept_dad=0", "net.ipv6.conf.default.accept_dad=0")
    attach(node, pod, conflist, "container-a", tmp_path)
    head = run("ip", "-n", node, "link", "show", "cni0").split(" qdisc")[0]
    assert head.endswith(f"mtu {mtu}") and "NO-CARRIER" not in head
    mac = run("ip", "-n", node, "link", "show", "cni0").split()[-3]
    call(node, pod, conflist, "DEL", "container-a", tmp_path)
    cluster.delete("pod", "a")
    ours = cluster.exec("node-1", "ip link show cni0").out.partition(": ")[2].replace("0a:58:0a:f4:00:01", mac)
    until(lambda: run("ip", "-n", node, "link", "show", "cni0").partition(": ")[2], ours)
    address = run("ip", "-n", node, "-br", "addr", "show", "cni0").split()
    assert address[-1].startswith("fe80:"), "it keeps the one that came with the carrier"
    assert address[:4] == cluster.exec("node-1", "ip -br addr show cni0").out.split()
    for version in ("-4", "-6"):
        rows = [line for line in run("ip", "-n", node, version, "route").splitlines() if not line.startswith("fe80")]
        assert rows == [line for line in cluster.exec("node-1", f"ip {version} route").out.splitlines() if "cni0" in line]
    assert run("ip", "-n", node, "neigh", "show", "dev", "cni0") == ""
    attach(node, f"k8snet-{os.getpid()}-b", conflist, "container-b", tmp_path)
    head = run("ip", "-n", node, "link", "show", "cni0").split(" qdisc")[0]
    assert head.endswith(f"mtu {mtu}") and "NO-CARRIER" not in head
    assert "linkdown" not in run("ip", "-n", node, "route")


def until(ask: Callable[[], str], expected: str) -> None:
    """The kernel notes the state of a link with a delay of up to a second (net/core/link_watch.c)."""
    end = time.monotonic() + 5
    while (found := ask()) != expected and time.monotonic() < end:
        time.sleep(0.05)
    assert found == expected
