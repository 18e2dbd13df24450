"""The netfilter rules of a device as texts that real tools read: `iptables-restore`, `nft -f`, `ipset restore`, `ipvsadm -R`.

kube-proxy's rules go in as the very text that the model prints for it: in the modes iptables and ipvs together with the other
rules of the device, in the mode nftables as a table of its own beside them.  Policies are a third text
(:mod:`~k8snet_course.emulator.policy_rules`).  This module runs nothing.

Source: iptables-restore(8), nft(8), ipset(8), ipvsadm(8).
"""

from __future__ import annotations

from k8snet_course.cluster import Cluster
from k8snet_course.emulator.policy_rules import policy_table
from k8snet_course.linux.namespace import Namespace
from k8snet_course.linux.netfilter import FILTER, NAT
from k8snet_course.linux.nftables import NftRule
from k8snet_course.services.kube_proxy.iptables import iptables_save
from k8snet_course.services.kube_proxy.ipvs_text import ipset_restore, ipvsadm_restore, node_port_addresses

_IPTABLES, _NFTABLES, _IPVS = "*", "table ", "IP Virtual Server"
"""With what the texts of these modes of kube-proxy begin."""


def iptables_text(ns: Namespace, family: str = "IPv4") -> str:
    """The device's rules for `iptables-restore`, or for IPv6 `ip6tables-restore`; empty if it has none, or only such as another
    tool writes.

    >>> iptables_text(Cluster(cni="flannel").namespace("node-1"))[:12], iptables_text(Cluster().namespace("laptop"))
    ('*nat\\n:PREROU', '')
    """
    rules = ns.rules6 if family == "IPv6" else ns.rules
    rows = [row for table in (NAT, FILTER) for row in rules.rows(table)]
    text = iptables_save(rules.written if any(isinstance(row, NftRule) for row in rows) else rules, family)
    return f"{text}\n" if text else ""


def nft_text(cluster: Cluster, device: str) -> str:
    """What `nft -f` reads at a node: kube-proxy's table in the mode nftables, and the policies' table; empty without both.

    >>> nft_text(Cluster(), "node-1"), nft_text(Cluster(), "laptop")
    ('', '')
    """
    if device not in (node.name for node in cluster.nodes):
        return ""
    proxied = cluster.proxy_text(device) if cluster.services else ""
    texts = [proxied if proxied.startswith(_NFTABLES) else "", policy_table(cluster, device)]
    return "".join(f"{text}\n" for text in texts if text)


def set_text(ns: Namespace) -> str:
    """The device's sets for `ipset restore`; empty without any.

    >>> set_text(Cluster(proxy="ipvs").namespace("node-1"))
    ''
    """
    return ipset_restore(ns.rules) + ipset_restore(ns.rules6, "IPv6")


def server_text(ns: Namespace) -> str:
    """The device's virtual servers for `ipvsadm -R`; empty without any.

    >>> server_text(Cluster(proxy="ipvs").namespace("node-1"))
    ''
    """
    addresses = node_port_addresses(ns)
    return ipvsadm_restore(ns.rules, addresses) + ipvsadm_restore(ns.rules6, addresses, "IPv6")


def mode_of(proxied: str) -> str:
    """In which mode kube-proxy has written this: iptables, nftables or ipvs; empty for what no tool of Linux reads.

    >>> mode_of("*nat"), mode_of("IP Virtual Server version 1.2.1 (size=4096)"), mode_of("LoadBalancer policy")
    ('iptables', 'ipvs', '')
    """
    return next((mode for mode, begin in (("iptables", _IPTABLES), ("nftables", _NFTABLES), ("ipvs", _IPVS))
                 if proxied.startswith(begin)), "")
