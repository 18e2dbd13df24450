"""CNI ADD, CHECK and DEL for a pod: what is said has the form of the specification.  FACTS 3."""

from __future__ import annotations

import ipaddress
import json
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest

from k8snet_course.cluster import Cluster
from k8snet_course.cni import PLUGINS
from k8snet_course.cni.exchange import exchange
from k8snet_course.errors import InvalidArgument
from k8snet_course.faults import MissingRoute
from tests.cni.worlds import real, two_nodes

MAC = re.compile(r"([0-9a-f]{2}:){5}[0-9a-f]{2}")
CHECKED = [cni for cni in PLUGINS if Cluster(cni=cni).conflist("node-1")["cniVersion"] in ("0.4.0", "1.0.0", "1.1.0")]


@pytest.mark.parametrize("cni", PLUGINS)
def test_add_result_by_the_specification(cni: str) -> None:
    cluster = two_nodes(cni)
    for pod in cluster.pods:
        result: Any = cluster.cni_result(pod.name)
        assert set(result) == {"cniVersion", "interfaces", "ips", "routes", "dns"}
        assert result["cniVersion"] == cluster.conflist(pod.node)["cniVersion"] and result["dns"] == {}
        for interface in result["interfaces"]:
            assert set(interface) <= {"name", "mac", "mtu", "sandbox", "socketPath", "pciID"}
            assert len(interface["name"]) <= 15 and MAC.fullmatch(interface["mac"])
        (ip,) = result["ips"]
        inside = result["interfaces"][ip["interface"]]
        assert inside["name"] == "eth0" and inside["sandbox"]
        assert [link["name"] for link in result["interfaces"] if "sandbox" in link] == ["eth0"]
        assert ipaddress.ip_interface(ip["address"]).ip == ipaddress.ip_address(pod.ip)
        old = tuple(map(int, result["cniVersion"].split("."))) < (1, 0, 0)
        assert set(ip) <= {"address", "gateway", "interface"} | ({"version"} if old else set())
        assert ip.get("version") == ("4" if old else None)
        for row in result["routes"]:
            assert ipaddress.ip_network(row["dst"]) and set(row) <= {"dst", "gw", "mtu", "advmss", "priority", "table", "scope"}
        assert json.loads(json.dumps(result)) == result
        assert inside["mac"] == cluster.pod(pod.name).links[1].mac, "the tables say what the result says"


@pytest.mark.parametrize("cni", PLUGINS)
def test_add(cni: str) -> None:
    """First to last; the request is the plugin's object without capabilities, with what the runtime adds."""
    cluster = two_nodes(cni)
    plugins: Any = cluster.conflist("node-1")["plugins"]
    said = cluster.cni_exchange("a")
    assert [one.program for one in said] == [f"/opt/cni/bin/{plugin['type']}" for plugin in plugins]
    for number, one in enumerate(said):
        assert set(one.environment) == {"CNI_COMMAND", "CNI_CONTAINERID", "CNI_NETNS", "CNI_IFNAME", "CNI_ARGS", "CNI_PATH"}
        assert one.environment["CNI_COMMAND"] == "ADD" and one.environment["CNI_IFNAME"] == "eth0"
        assert re.fullmatch(r"[a-zA-Z0-9][a-zA-Z0-9_.\-]*", one.environment["CNI_CONTAINERID"])
        assert "K8S_POD_NAMESPACE=default;K8S_POD_NAME=a;" in one.environment["CNI_ARGS"]
        assert "capabilities" not in one.request and one.request["type"] == plugins[number]["type"]
        assert (one.request["cniVersion"], one.request["name"]) == tuple(
            cluster.conflist("node-1")[key] for key in ("cniVersion", "name"))
        assert ("prevResult" in one.request) == (number > 0)
        assert one.response == cluster.cni_result("a") and not one.failed


@pytest.mark.parametrize("cni", PLUGINS)
def test_del(cni: str) -> None:
    """Last to first, and nothing is printed; the stored result is given back from 0.4.0 on."""
    cluster = two_nodes(cni)
    there, back = cluster.cni_exchange("a"), cluster.cni_exchange("a", "DEL")
    assert [one.program for one in back] == [one.program for one in there][::-1]
    for one in back:
        assert one.environment["CNI_COMMAND"] == "DEL" and one.response is None
        assert one.request.get("prevResult") == (cluster.cni_result("a") if cni in CHECKED else None)


@pytest.mark.parametrize("cni", PLUGINS)
def test_check(cni: str) -> None:
    cluster = two_nodes(cni)
    if cni not in CHECKED:
        with pytest.raises(InvalidArgument, match="does not support CHECK command"):
            cluster.cni_exchange("a", "CHECK")
        return
    said, portmap = cluster.cni_exchange("a", "CHECK")
    assert portmap.program == "/opt/cni/bin/portmap" and not portmap.failed
    assert said.response is None and said.request["prevResult"] == cluster.cni_result("a")
    cluster.inject(MissingRoute("a", "default"))
    (said,) = cluster.cni_exchange("a", "CHECK")  # an error ends it
    assert said.failed and said.response == {"cniVersion": "1.0.0", "code": 999, "msg": "expected route 0.0.0.0/0 not found"}


def test_runtime_config_goes_to_those_who_asked() -> None:
    cluster = two_nodes("flannel")
    attachment = cluster._control.attachment(cluster._control.pod("a"))
    mappings = [{"hostPort": 8080, "containerPort": 80, "protocol": "tcp"}]
    said = exchange("ADD", dict(cluster.conflist("node-1")), attachment, runtime_config={"portMappings": mappings, "mac": "x"})
    assert [one.request.get("runtimeConfig") for one in said] == [None, {"portMappings": mappings}]


def test_disable_check_and_unknown_commands() -> None:
    cluster = two_nodes("bridge")
    attachment = cluster._control.attachment(cluster._control.pod("a"))
    assert exchange("CHECK", {**cluster.conflist("node-1"), "disableCheck": True}, attachment) == ()
    with pytest.raises(InvalidArgument):
        cluster.cni_exchange("a", "STATUS")


def test_it_prints_as_a_shell_command() -> None:
    text = str(two_nodes("bridge").cni_exchange("a", "DEL")[-1])
    assert text.startswith("CNI_COMMAND=DEL \\\n") and "/opt/cni/bin/bridge <<'EOF'" in text
    assert text.endswith("EOF\n(no output: success)")


@pytest.mark.needs("ip", "/usr/lib/cni/bridge", "/usr/lib/cni/host-local", "root")
def test_the_reference_plugin_takes_our_requests(tmp_path: Path) -> None:
    """ADD, CHECK, CHECK after a route was lost, DEL and DEL again, with Debian's bridge plugin."""
    cluster = two_nodes("bridge")

    def ask(command: str, previous: Any) -> subprocess.CompletedProcess[str]:
        (said,) = [one for one in cluster.cni_exchange("a", command) if one.program.endswith("/bridge")]
        request = json.loads(json.dumps(said.request))
        request["ipam"]["dataDir"] = str(tmp_path)
        assert ("prevResult" in request) == (command != "ADD")
        if previous is not None:
            request["prevResult"] = previous
        environment = {**said.environment, "CNI_NETNS": f"/var/run/netns/{world.name('pod')}", "CNI_PATH": "/usr/lib/cni"}
        return subprocess.run(["ip", "netns", "exec", world.name("node"), "/usr/lib/cni/bridge"], input=json.dumps(request),
                              env={**environment, "PATH": os.environ["PATH"]}, capture_output=True, text=True, check=False)

    with real() as world:
        world.add("node", "pod")
        added = ask("ADD", None)
        result, ours = json.loads(added.stdout), cluster.cni_result("a")
        assert added.returncode == 0 and result["ips"] == ours["ips"] and result["routes"] == ours["routes"]
        checked = ask("CHECK", result)
        assert (checked.returncode, checked.stdout) == (0, "")
        world.ip("pod", "route del default")
        failed = ask("CHECK", result)
        assert failed.returncode != 0 and json.loads(failed.stdout)["code"] == 999
        for _ in range(2):
            deleted = ask("DEL", result)
            assert (deleted.returncode, deleted.stdout) == (0, "")
