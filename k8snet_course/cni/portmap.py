"""hostPort: the portmap plugin's rules, by which a node sends on what comes to a port of its own to one of its pods.

For each pod that asks for it, portmap writes a DNAT rule: from the node's port to the pod's address and port.  Nothing listens
on the node's port.  A pod or the node itself that goes there and ends in the same pod's network must have its source address
replaced too, or the answer would not come back the same way: such packets get a mark, and marked packets are masqueraded.

Source: containernetworking/plugins, portmap (version 1.1.1 was run with two mappings, and gave these rules in this order).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence

from k8snet_course.cni.plugin import Attachment, Json, whole
from k8snet_course.linux.netfilter import Rule
from k8snet_course.linux.packet import with_port
from k8snet_course.linux.route import connected
from k8snet_course.objects import ContainerPort

_DNAT, _MARK, _MASQ = "CNI-HOSTPORT-DNAT", "CNI-HOSTPORT-SETMARK", "CNI-HOSTPORT-MASQ"
_BIT = "0x2000/0x2000"
_ANYWHERE = ("", "0.0.0.0", "::")


def has_portmap(conflist: Json) -> bool:
    """Whether a network configuration calls the portmap plugin: without it, or something like it, hostPort does nothing.

    >>> has_portmap({"plugins": [{"type": "bridge"}, {"type": "portmap", "capabilities": {"portMappings": True}}]})
    True
    """
    return any(plugin["type"] == "portmap" for plugin in conflist["plugins"])


def mappings(ports: Iterable[ContainerPort]) -> list[Json]:
    """What the container runtime hands to the plugin as ``portMappings`` for these ports.

    >>> mappings([ContainerPort(80, host_port=8080), ContainerPort(9090)])
    [{'hostPort': 8080, 'containerPort': 80, 'protocol': 'tcp'}]
    """
    found = []
    for port in ports:
        if port.host_port:
            one: Json = {"hostPort": port.host_port, "containerPort": port.container_port, "protocol": port.protocol.lower()}
            found.append(one | ({"hostIP": port.host_ip} if port.host_ip else {}))
    return found


def rules(network: str, pods: Sequence[tuple[Attachment, Sequence[ContainerPort]]], version: int = 4) -> list[Rule]:
    """The NAT rules for the pods of one node, each with its ports; none if no port asks for it.  ``network`` is the name in
    the configuration, ``version`` the IP version.  A ``host_ip`` of the other one is left to the other rules, and only IPv4
    marks what comes from the node's own loopback: Linux does not let ::1 out.
    """
    dispatch: list[Rule] = []
    chains: list[Rule] = []
    for attachment, ports in pods:
        pod, own = next(((_bare(ip["address"]), ip["address"]) for ip in attachment.result["ips"]
                         if (":" in ip["address"]) == (version == 6)), ("", ""))
        wanted = [port for port in ports if port.host_port and pod
                  and (port.host_ip in _ANYWHERE or (":" in port.host_ip) == (version == 6))]
        chain = chain_name(network, attachment.container_id)
        note = f'dnat name: "{network}" id: "{attachment.container_id}"'
        dispatch += [Rule(_DNAT, chain, protocol=port.protocol.lower(), dport=port.host_port, comment=note, multiport=True)
                     for port in wanted]
        for port in wanted:
            at = whole(port.host_ip) if port.host_ip not in _ANYWHERE else ""
            what = {"dst": at, "protocol": port.protocol.lower(), "dport": port.host_port}
            chains += [
                Rule(chain, _MARK, src=subnet_of(own), **what),  # type: ignore[arg-type] # texts, and one number for the number
                *([Rule(chain, _MARK, src="127.0.0.1/32", **what)] if version == 4 else []),  # type: ignore[arg-type]
                Rule(chain, "DNAT", to=with_port(pod, port.container_port), **what),  # type: ignore[arg-type]
            ]
    if not dispatch:
        return []
    return [
        Rule("PREROUTING", _DNAT, dst_type="LOCAL"),
        Rule("OUTPUT", _DNAT, dst_type="LOCAL"),
        Rule("POSTROUTING", _MASQ, comment="CNI portfwd requiring masquerade"),
        *chains,
        *dispatch,
        Rule(_MASQ, "MASQUERADE", mark=_BIT),
        Rule(_MARK, "MARK", comment="CNI portfwd masquerade mark", to=_BIT),
    ]


def chain_name(network: str, container: str) -> str:
    """The name of the chain of one container: 28 characters at most, as iptables wants it.

    >>> chain_name("podnet", "197e376c0123")
    'CNI-DN-d3ae4fdabcb4c1fcb35c4'
    """
    return f"CNI-DN-{hashlib.sha512((network + container).encode()).hexdigest()[:21]}"


def subnet_of(interface: str) -> str:
    """The subnet of an address with a prefix length.

    >>> subnet_of("10.244.0.2/24"), subnet_of("10.244.41.2/32")
    ('10.244.0.0/24', '10.244.41.2/32')
    """
    return whole(_bare(interface)) if interface == whole(_bare(interface)) else connected("", interface).dst


def _bare(interface: str) -> str:
    """An address without its prefix length."""
    return interface.partition("/")[0]
