"""hostPort: our rules beside those that Debian's portmap plugin writes."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from k8snet_course import Cluster
from k8snet_course.cni.portmap import mappings, rules
from k8snet_course.linux.conntrack import changes
from k8snet_course.objects import Container, ContainerPort, Pod
from tests.cni.worlds import real

PORTS = (ContainerPort(80, host_port=8080), ContainerPort(53, "UDP", host_port=5353, host_ip="192.168.1.2"),
         ContainerPort(9090))


def with_ports() -> Cluster:
    cluster = Cluster()
    pod = Pod("web", "node-1", "", containers=(Container("nginx", "nginx", PORTS),))
    cluster._control.create(pod)
    return cluster


def test_nothing_is_written_for_nobody() -> None:
    attachment = with_ports()._control.nodes["node-1"].attachment("default/web")
    assert rules("podnet", [(attachment, PORTS[2:])]) == []


def test_only_the_named_address_is_taken() -> None:
    cluster = with_ports()
    assert cluster.send("laptop", "node-1", port=8080).nat
    assert cluster.send("node-1", "127.0.0.1", port=5353, protocol="UDP").verdict == "refused"
    sent = cluster.send("laptop", "192.168.1.2", port=5353, protocol="UDP")
    assert sent.verdict == "refused" and sent.hops[-1].label == "web", "the rule sends it there; nginx listens on TCP"
    assert sent.nat == changes(sent.packet, sent.packet._replace(dst="10.244.0.2", dst_port=53))


@pytest.mark.needs("ip", "iptables-save", "/usr/lib/cni/bridge", "/usr/lib/cni/portmap", "root")
def test_the_reference_plugin_writes_the_same_rules(tmp_path: Path) -> None:
    cluster = with_ports()
    bridge, portmap = cluster.cni_exchange("web")
    assert portmap.request["runtimeConfig"] == {"portMappings": mappings(PORTS)}
    with real() as world:
        world.add("node", "pod")
        previous = None
        for said in (bridge, portmap):
            request = json.loads(json.dumps(said.request))
            if previous is not None:
                request["prevResult"] = previous
            else:
                request["ipam"]["dataDir"] = str(tmp_path)
            environment = {**said.environment, "CNI_NETNS": f"/var/run/netns/{world.name('pod')}", "CNI_PATH": "/usr/lib/cni",
                           "PATH": os.environ["PATH"]}
            done = subprocess.run(["ip", "netns", "exec", world.name("node"), f"/usr/lib/cni/{request['type']}"],
                                  input=json.dumps(request), env=environment, capture_output=True, text=True, check=False)
            assert done.returncode == 0, done.stdout
            previous = json.loads(done.stdout)
        saved = subprocess.run(["ip", "netns", "exec", world.name("node"), "iptables-save", "-t", "nat"], check=True,
                               capture_output=True, text=True).stdout
    kernel = [line for line in saved.splitlines() if line.startswith("-A ")]
    ours = [str(rule) for rule in cluster.namespace("node-1").rules.rows("nat")]

    def by_chain(lines: list[str]) -> dict[str, list[str]]:
        return {chain: [line for line in lines if line.split()[1] == chain] for chain in {line.split()[1] for line in lines}}

    assert by_chain(ours) == by_chain(kernel)
