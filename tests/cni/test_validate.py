"""validate: each thing that a runtime or a plugin refuses, and what we say to it.  FACTS 3, 4, 5.1."""

from __future__ import annotations

import json
from typing import Any

import pytest

from k8snet_course.cluster import Cluster
from k8snet_course.cni import PLUGINS, validate
from k8snet_course.errors import CidrOverlap, CourseError, InvalidAddress, InvalidArgument, InvalidCidr

RANGE = {"subnet": "10.244.0.0/24"}


def conflist(plugin: Any = None, **more: Any) -> dict[str, Any]:
    made = {"cniVersion": "1.1.0", "name": "podnet", "plugins": [{"type": "bridge"} if plugin is None else plugin], **more}
    return {key: value for key, value in made.items() if value is not ...}


def bridge(**more: Any) -> dict[str, Any]:
    return conflist({"type": "bridge", **more})


def ipam(**more: Any) -> dict[str, Any]:
    return bridge(ipam={"type": "host-local", **more})


GOOD = [
    conflist(),
    conflist(cniVersions=["0.4.0", "1.0.0", "1.1.0"], disableCheck=True, disableGC=False, loadOnlyInlinedPlugins=False),
    conflist(name="0a_b.c-D"),
    conflist(unknownKey=1),
    bridge(bridge="cni0", isDefaultGateway=True, hairpinMode=True, promiscMode=False, mtu=1450, vlan=100, ipMasq=True,
           ipMasqBackend="nftables", anything={"goes": 1}, dns={"nameservers": ["10.96.0.10"], "domain": "cluster.local"}),
    ipam(ranges=[[RANGE], [{"subnet": "fd00::/64"}]], routes=[{"dst": "0.0.0.0/0"}]),
    ipam(subnet="10.244.0.0/24", rangeStart="10.244.0.10"),
    bridge(ipam={"type": "static", "addresses": [{"address": "10.244.0.9/24"}]}),
    bridge(ipam={"type": "dhcp"}),
    conflist({"type": "portmap", "capabilities": {"portMappings": True}, "snat": True}),
    conflist({"type": "bandwidth", "ingressRate": 1000000, "ingressBurst": 8000}),
    conflist({"type": "flannel", "delegate": {"hairpinMode": True, "isDefaultGateway": True}}),
]

BAD: list[tuple[Any, type[CourseError], str]] = [
    (None, InvalidArgument, "CNI error 6"),
    ("{", InvalidArgument, "line 1, column 2"),
    ([], InvalidArgument, "an object"),
    ({"cniVersion": "0.4.0", "name": "x", "type": "bridge"}, InvalidArgument, "put the object into a list"),
    (conflist(cniVersion=...), InvalidArgument, "CNI error 1"),
    (conflist(cniVersion="2.0.0"), InvalidArgument, "CNI error 1"),
    (conflist(cniVersion=1.0), InvalidArgument, "CNI error 1"),
    (conflist(cniVersions="1.0.0"), InvalidArgument, "the highest"),
    (conflist(cniVersions=["9.9.9"]), InvalidArgument, "the highest"),
    (conflist(name=...), InvalidArgument, "name to begin"),
    (conflist(name="-net"), InvalidArgument, "name to begin"),
    (conflist(name="pod net"), InvalidArgument, "name to begin"),
    (conflist(disableCheck="true"), InvalidArgument, "without quotes"),
    (conflist(plugins=...), InvalidArgument, "at least one"),
    (conflist(plugins=[]), InvalidArgument, "at least one"),
    (conflist(plugins={"type": "bridge"}), InvalidArgument, "at least one"),
    (conflist("bridge"), InvalidArgument, "an object"),
    (conflist({}), InvalidArgument, "plugins[0].type"),
    (conflist({"type": "/opt/cni/bin/bridge"}), InvalidArgument, "write 'bridge'"),
    (conflist({"type": ""}), InvalidArgument, "without a path"),
    (bridge(runtimeConfig={}), InvalidArgument, "CNI error 2"),
    (bridge(prevResult={}), InvalidArgument, "CNI error 2"),
    (bridge(**{"cni.dev/x": 1}), InvalidArgument, "CNI error 2"),
    (bridge(capabilities=["portMappings"]), InvalidArgument, "capabilities"),
    (bridge(capabilities={"portMappings": "yes"}), InvalidArgument, "capabilities"),
    (bridge(ipMasq="true"), InvalidArgument, "write true without quotes"),
    (bridge(ipMasqBackend="ipvs"), InvalidArgument, "iptables or nftables"),
    (bridge(hairpinMode=True, promiscMode=True), InvalidArgument, "cannot set hairpin mode and promiscuous mode"),
    (bridge(mtu="1450"), InvalidArgument, "mtu"),
    (bridge(mtu=True), InvalidArgument, "mtu"),
    (bridge(vlan=4095), InvalidArgument, "4094"),
    (bridge(dns=["10.96.0.10"]), InvalidArgument, "dns"),
    (bridge(dns={"nameservers": "10.96.0.10"}), InvalidArgument, "dns.nameservers"),
    (bridge(ipam="host-local"), InvalidArgument, "ipam"),
    (bridge(ipam={"type": "hostlocal"}), InvalidArgument, "host-local"),
    (bridge(ipam={"subnet": "10.244.0.0/24"}), InvalidArgument, "ipam.type"),
    (ipam(), InvalidArgument, "no IP ranges specified"),
    (ipam(ranges=[RANGE]), InvalidArgument, "lists of lists"),
    (ipam(ranges=RANGE), InvalidArgument, "lists of ranges"),
    (ipam(ranges=[[]]), InvalidArgument, "empty range set"),
    (ipam(ranges=[[{"subnet": "10.244.0.1/24"}]]), InvalidCidr, "host bits"),
    (ipam(ranges=[[{"subnet": "10.244.0.0/31"}]]), InvalidCidr, "too small"),
    (ipam(ranges=[[{**RANGE, "rangeStart": "10.0.0.1"}]]), InvalidAddress, "RangeStart 10.0.0.1 not in network"),
    (ipam(ranges=[[RANGE, {"subnet": "fd00::/64"}]]), InvalidCidr, "mixed address families"),
    (ipam(ranges=[[RANGE, RANGE]]), CidrOverlap, "overlap"),
    (ipam(ranges=[[RANGE], [RANGE]]), CidrOverlap, "range set 1 overlaps with 0"),
    (ipam(ranges=[[RANGE]], routes=[{"dst": "10.0.0.1/8"}]), InvalidCidr, "host bits"),
    (ipam(ranges=[[RANGE]], routes=["0.0.0.0/0"]), InvalidArgument, "routes"),
    (bridge(ipam={"type": "static", "addresses": [{"address": "10.244.0.9"}]}), InvalidArgument, "prefix length"),
    (conflist({"type": "bandwidth", "ingressRate": 1000000}), InvalidArgument, "if rate is set, burst must also be set"),
    (conflist({"type": "flannel", "delegate": {"name": "x"}}), InvalidArgument, "flannel fills in"),
    (conflist({"type": "flannel", "delegate": {"hairpinMode": "true"}}), InvalidArgument, "delegate.hairpinMode"),
]


@pytest.mark.parametrize("config", GOOD)
def test_good(config: dict[str, Any]) -> None:
    assert validate(config) == config
    assert validate(json.dumps(config)) == config


@pytest.mark.parametrize(("config", "error", "says"), BAD)
def test_bad(config: Any, error: type[CourseError], says: str) -> None:
    with pytest.raises(error) as caught:
        validate(config)
    assert says in str(caught.value) and str(caught.value).endswith(".") and "\n" not in str(caught.value)


@pytest.mark.parametrize("cni", PLUGINS)
def test_every_plugins_own_configuration_is_valid(cni: str) -> None:
    cluster = Cluster(nodes=2, cni=cni)
    for node in cluster.nodes:
        assert validate(json.dumps(cluster.conflist(node.name))) == cluster.conflist(node.name)
