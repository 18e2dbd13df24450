"""The netfilter rules of a device as texts that real tools read: `iptables-restore` and `nft -f`.

kube-proxy's rules go in as the very text that the model prints for it: in the mode iptables together with the other rules of
the device, in the mode nftables as a table of its own beside them.  Policies are a third text
(:mod:`~k8snet_course.emulator.policy_rules`).  This module runs nothing.

Source: iptables-restore(8), nft(8).
"""

from __future__ import annotations

from k8snet_course.cluster import Cluster
from k8snet_course.emulator.policy_rules import policy_table
from k8snet_course.linux.namespace import Namespace
from k8snet_course.linux.netfilter import FILTER, NAT
from k8snet_course.linux.nftables import NftRule
from k8snet_course.services.kube_proxy.iptables import iptables_save

_IPTABLES, _NFTABLES = "*", "table "
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


def can_restore(proxied: str) -> bool:
    """Whether real tools read what kube-proxy has written: the text of the modes iptables and nftables.

    >>> can_restore("*nat"), can_restore("IP Virtual Server version 1.2.1 (size=4096)")
    (True, False)
    """
    return proxied.startswith((_IPTABLES, _NFTABLES))
