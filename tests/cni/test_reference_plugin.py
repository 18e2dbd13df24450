"""Our bridge plugin against the reference one: the same configuration, the same result, the same tables in real Linux.

Debian's containernetworking-plugins run inside namespaces that the test made, and are removed with them.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
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


def attach(node: str, pod: str, conflist: dict[str, Any], container: str, data: Path) -> dict[str, Any]:
    """CNI ADD with the reference plugins; host-local keeps its files in a folder of the test."""
    plugin = json.loads(json.dumps(conflist["plugins"][0]))
    plugin |= {"cniVersion": conflist["cniVersion"], "name": conflist["name"]}
    plugin["ipam"]["dataDir"] = str(data)
    run("ip", "netns", "add", pod)
    environment = {"CNI_COMMAND": "ADD", "CNI_CONTAINERID": container, "CNI_NETNS": f"/var/run/netns/{pod}",
                   "CNI_IFNAME": "eth0", "CNI_PATH": PLUGINS, "PATH": os.environ["PATH"]}
    found: dict[str, Any] = json.loads(run("ip", "netns", "exec", node, f"{PLUGINS}/bridge", input=json.dumps(plugin),
                                           env=environment))
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
