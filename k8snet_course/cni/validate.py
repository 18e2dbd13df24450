"""Is this a network configuration that a container runtime can use?

``validate`` reads a network configuration list, as it stands in /etc/cni/net.d/10-name.conflist, and finds the first thing in
it that the runtime or a plugin would refuse.  It needs no cluster.  Keys that nobody knows are allowed: a plugin may have any.

Source: CNI specification 1.1.0, section 1; libcni 1.3.0 (conf.go); containernetworking/plugins 1.9.1 (bridge, host-local,
static, bandwidth).  Where an error has a counterpart there, its wording or its CNI error code is in ours.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from ipaddress import ip_interface
from typing import Any

from k8snet_course.addressing import RangeSet, network
from k8snet_course.addressing.range_set import parse
from k8snet_course.cni.plugin import Json
from k8snet_course.errors import CidrOverlap, InvalidArgument

VERSIONS = ("0.1.0", "0.2.0", "0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0")
"""The versions of the specification."""
IPAM_TYPES = ("host-local", "static", "dhcp", "calico-ipam", "weave-ipam", "whereabouts", "opflex-agent-cni-ipam")
"""The address plugins that the course knows."""
_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.\-]*")
_LIST_FLAGS = ("disableCheck", "disableGC", "loadOnlyInlinedPlugins")
_FLAGS = ("ipMasq", "isGateway", "isDefaultGateway", "forceAddress", "hairpinMode", "promiscMode", "macspoofchk",
          "portIsolation", "preserveDefaultVlan", "enabledad", "disableContainerInterface", "snat")


def validate(conflist: Mapping[str, Any] | str) -> Json:
    """Check a network configuration list, given as an object or as JSON text, and return it as an object.

    Raises InvalidArgument, or InvalidCidr, InvalidAddress or CidrOverlap for what host-local would not take.

        >>> validate({"cniVersion": "1.1.0", "name": "podnet", "plugins": [{"type": "bridge"}]})["name"]
        'podnet'
        >>> validate({"cniVersion": "1.1.0", "name": "podnet", "plugins": [{"type": "/opt/cni/bin/bridge"}]})
        Traceback (most recent call last):
        k8snet_course.errors.InvalidArgument: invalid argument '/opt/cni/bin/bridge': expected plugins[0].type to be the name \
of a program in CNI_PATH, without a path (CNI error 7); write 'bridge'.
    """
    config = _config(conflist)
    if "plugins" not in config and "type" in config:
        raise _wrong(config["type"], "a list: configurations of a single plugin were removed in version 1.0.0",
                     "put the object into a list, plugins: [{...}], beside cniVersion and name")
    _version(config)
    name = config.get("name")
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise _wrong(name, "name to begin with a letter or digit and go on with those, '_', '.' or '-'", "write 'podnet'")
    for flag in _LIST_FLAGS:
        _typed(config, flag, bool, "", "true or false")
    plugins = config.get("plugins")
    if not isinstance(plugins, Sequence) or isinstance(plugins, str) or not plugins:
        raise _wrong(plugins, "plugins to be a list of at least one object", "write [{'type': 'bridge'}]")
    for number, plugin in enumerate(plugins):
        _plugin(plugin, f"plugins[{number}]")
    return config


def _config(given: object) -> Json:
    """The configuration as an object."""
    if isinstance(given, str):
        text = given
        try:
            given = json.loads(text)
        except json.JSONDecodeError as error:
            raise _wrong(text[:40], f"JSON, and line {error.lineno}, column {error.colno} is none ({error.msg})",
                         "correct the text there", 6) from None
    if not isinstance(given, Mapping):
        raise _wrong(given, "a network configuration list: an object with cniVersion, name and plugins",
                     "write {'cniVersion': '1.1.0', 'name': 'podnet', 'plugins': [...]}", 6)
    return dict(given)


def _version(config: Json) -> None:
    if config.get("cniVersion") not in VERSIONS:
        raise _wrong(config.get("cniVersion"), f"cniVersion to be a version of the specification: {', '.join(VERSIONS)}",
                     f"write '{VERSIONS[-1]}'", 1)
    others = config.get("cniVersions", [])
    if not isinstance(others, Sequence) or isinstance(others, str) or any(version not in VERSIONS for version in others):
        raise _wrong(others, f"cniVersions to be a list of versions of the specification: {', '.join(VERSIONS)}",
                     "write ['1.0.0', '1.1.0']; the runtime takes the highest that it knows", 1)


def _plugin(plugin: object, where: str) -> None:
    if not isinstance(plugin, Mapping):
        raise _wrong(plugin, f"{where} to be an object with at least type", "write {'type': 'bridge'}")
    _program(plugin.get("type"), f"{where}.type", "bridge")
    for key in plugin:
        if key in ("runtimeConfig", "prevResult") or str(key).startswith("cni.dev/"):
            raise _wrong(key, f"{where} without what the runtime itself puts there", "take it out", 2)
    capabilities = plugin.get("capabilities", {})
    if not isinstance(capabilities, Mapping) or not all(isinstance(value, bool) for value in capabilities.values()):
        raise _wrong(capabilities, f"{where}.capabilities to be names with true or false", "write {'portMappings': true}")
    for flag in _FLAGS:
        _typed(plugin, flag, bool, where, "true or false")
    _typed(plugin, "mtu", int, where, "a number of bytes, such as 1450")
    if plugin.get("hairpinMode") and plugin.get("promiscMode"):
        raise _wrong("hairpinMode and promiscMode", f"one of them in {where} (bridge: cannot set hairpin mode and promiscuous "
                     "mode at the same time)", "take promiscMode out")
    _one_of(plugin, "ipMasqBackend", ("iptables", "nftables"), where)
    _vlan(plugin, where)
    _bandwidth(plugin, where)
    _dns(plugin.get("dns", {}), f"{where}.dns")
    if "delegate" in plugin:
        _delegate(plugin["delegate"], f"{where}.delegate")
    if "ipam" in plugin and plugin["ipam"] != {}:
        _ipam(plugin["ipam"], f"{where}.ipam")


def _program(given: object, where: str, example: str) -> None:
    if not isinstance(given, str) or not given or "/" in given or "\\" in given:
        meant = re.split(r"[/\\]", given)[-1] if isinstance(given, str) else ""
        raise _wrong(given, f"{where} to be the name of a program in CNI_PATH, without a path", f"write '{meant or example}'")


def _vlan(plugin: Mapping[str, Any], where: str) -> None:
    _typed(plugin, "vlan", int, where, "a VLAN number")
    if not 0 <= plugin.get("vlan", 0) <= 4094:
        raise _wrong(plugin["vlan"], f"{where}.vlan to be from 0 to 4094", "write 100")


def _bandwidth(plugin: Mapping[str, Any], where: str) -> None:
    for way in ("ingress", "egress"):
        for key in (f"{way}Rate", f"{way}Burst"):
            _typed(plugin, key, int, where, "a number")
        if bool(plugin.get(f"{way}Rate")) != bool(plugin.get(f"{way}Burst")):
            raise _wrong(plugin.get(f"{way}Rate") or plugin.get(f"{way}Burst"), f"{where}.{way}Rate and {way}Burst together "
                         "(bandwidth: if rate is set, burst must also be set)", "give the other one too")


def _dns(dns: object, where: str) -> None:
    if not isinstance(dns, Mapping):
        raise _wrong(dns, f"{where} to be an object", "write {'nameservers': ['10.96.0.10']}")
    _typed(dns, "domain", str, where, "a text")
    for key in ("nameservers", "search", "options"):
        value = dns.get(key, [])
        if not isinstance(value, list) or not all(isinstance(text, str) for text in value):
            raise _wrong(value, f"{where}.{key} to be a list of texts", "write ['10.96.0.10']")


def _delegate(delegate: object, where: str) -> None:
    if not isinstance(delegate, Mapping):
        raise _wrong(delegate, f"{where} to be an object", "write {'hairpinMode': true}")
    for key in ("name", "ipam"):
        if key in delegate:
            raise _wrong(key, f"{where} without {key}, which flannel fills in", "take it out")
    if "type" in delegate:
        _program(delegate["type"], f"{where}.type", "bridge")
    for flag in _FLAGS:
        _typed(delegate, flag, bool, where, "true or false")


def _ipam(ipam: object, where: str) -> None:
    if not isinstance(ipam, Mapping):
        raise _wrong(ipam, f"{where} to be an object with type", "write {'type': 'host-local', 'ranges': [...]}")
    _program(ipam.get("type"), f"{where}.type", "host-local")
    if ipam["type"] not in IPAM_TYPES:
        raise _wrong(ipam["type"], f"{where}.type to be an address plugin that is known: {', '.join(IPAM_TYPES)}",
                     "write 'host-local'")
    for number, route in enumerate(_list_of_objects(ipam, "routes", where)):
        network(route.get("dst", ""), f"{where}.routes[{number}].dst")
    if ipam["type"] == "host-local":
        _host_local(ipam, where)
    if ipam["type"] == "static":
        for number, entry in enumerate(_list_of_objects(ipam, "addresses", where)):
            _interface(entry.get("address"), f"{where}.addresses[{number}].address")


def _host_local(ipam: Mapping[str, Any], where: str) -> None:
    """Ranges are sets of ranges: a pod gets one address from each set.  A ``subnet`` beside them is a set of its own."""
    given = ipam.get("ranges", [])
    if not isinstance(given, list):
        raise _wrong(given, f"{where}.ranges to be a list of lists of ranges", "write [[{'subnet': '10.244.0.0/24'}]]")
    legacy = {key: ipam[key] for key in ("subnet", "rangeStart", "rangeEnd", "gateway") if key in ipam}
    sets = ([[legacy]] if "subnet" in legacy else []) + given
    if not sets:
        raise _wrong(given, f"{where}.ranges with at least one range (host-local: no IP ranges specified)",
                     "write [[{'subnet': '10.244.0.0/24'}]]")
    parsed: list[RangeSet] = []
    for number, one in enumerate(sets):
        if isinstance(one, Mapping):
            raise _wrong(dict(one), f"{where}.ranges[{number}] to be a list: ranges are lists of lists", f"write [{dict(one)}]")
        this = parse(one)
        for earlier, other in enumerate(parsed):
            if this.version == other.version and any(a.first <= b.last and b.first <= a.last
                                                     for a in this.ranges for b in other.ranges):
                raise CidrOverlap(str(this), f"range sets that share no address (host-local: range set {number} overlaps with "
                                  f"{earlier})", "give one of them another subnet")
        parsed.append(this)


def _interface(given: object, where: str) -> None:
    try:
        ip_interface(given if isinstance(given, str) and "/" in given else "")
    except ValueError:
        raise _wrong(given, f"{where} to be an address with its prefix length", "write '10.244.0.9/24'") from None


def _list_of_objects(holder: Mapping[str, Any], key: str, where: str) -> list[Mapping[str, Any]]:
    value = holder.get(key, [])
    if not isinstance(value, list) or not all(isinstance(each, Mapping) for each in value):
        raise _wrong(value, f"{where}.{key} to be a list of objects", "write [{'dst': '0.0.0.0/0'}]")
    return value


def _typed(holder: Mapping[str, Any], key: str, kind: type, where: str, what: str) -> None:
    value = holder.get(key)
    if value is not None and (not isinstance(value, kind) or (kind is int and isinstance(value, bool))):
        mend = f"write {str(value).lower()} without quotes" if str(value).lower() in ("true", "false") else f"write {what}"
        raise _wrong(value, f"{where}{'.' if where else ''}{key} to be {what}", mend)


def _one_of(holder: Mapping[str, Any], key: str, allowed: Sequence[str], where: str) -> None:
    if key in holder and holder[key] not in allowed:
        raise _wrong(holder[key], f"{where}.{key} to be {' or '.join(allowed)}", f"write '{allowed[0]}'")


def _wrong(given: object, expected: str, mend: str, code: int = 7) -> InvalidArgument:
    """The error, with the code that the CNI specification gives such an error."""
    return InvalidArgument(given, f"{expected} (CNI error {code})", mend)
