"""Where the lab and the model are known to differ, or the lab is simpler than a cluster: one table, each row with its reason.

Three kinds of rows: ``refused``, what :func:`~k8snet_course.emulator.lab.emulate` raises NotEmulated for; ``laid out``, what
the lab holds in another form than a real node; ``differs``, where the two give different answers, which the comparison expects
exactly so.  A test asserts each row, so that the table can neither grow silently nor keep a row that is no longer true.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Simplification:
    """One row: a name, its kind, what is so, and why.

    >>> print(table()[0])
    plugins (refused): the three fabrics, and calico (IPIP) where the kernel has no IPIP; they need switches or that tunnel
    """

    name: str
    kind: str
    what: str
    why: str

    def __str__(self) -> str:
        return f"{self.name} ({self.kind}): {self.what}; {self.why}"


REFUSED, LAID_OUT, DIFFERS = "refused", "laid out", "differs"
_TABLE = (
    Simplification("plugins", REFUSED, "the three fabrics, and calico (IPIP) where the kernel has no IPIP",
                   "they need switches or that tunnel"),
    Simplification("proxy modes", REFUSED, "Services with kube-proxy in the mode kernelspace, and in the mode ipvs where the "
                   "kernel has no IPVS", "IPVS is not in every kernel, and kernelspace is Windows"),
    Simplification("old kernels", REFUSED, "policies, and the mode nftables, where the kernel's nftables know no IPv4",
                   "both are written for nft; the rules of iptables are then made by iptables-legacy"),
    Simplification("cilium services", REFUSED, "Services with cilium and cilium-native",
                   "an eBPF program hands packets on after kube-proxy has masqueraded them, and routes alone cannot do that"),
    Simplification("sidecars", REFUSED, "pods with rules of their own", "no proxy runs in the lab's pods"),
    Simplification("ebpf maps", LAID_OUT, "entries of eBPF maps are routes of the node, and a rule saves the TTL of what they "
                   "lead into a tunnel", "no eBPF program runs in the lab; what is decided is the same"),
    Simplification("doors", LAID_OUT, "policies are chains of nftables between the rewriting of addresses and routing",
                   "Calico's are in FORWARD and Cilium's are eBPF programs; what they let through is the same"),
    Simplification("answers for services", LAID_OUT, "in the mode ipvs no node answers on the wire for Services' addresses "
                   "(arp_ignore is 1)", "kube-proxy sets that with strictARP; without it each node answers for all of them"),
    Simplification("announcements", LAID_OUT, "everybody knows already which node has a load balancer's address",
                   "a program of the provider answers questions for it, and no such program runs in the lab"),
    Simplification("cards", LAID_OUT, "network cards are veth cables to a bridge", "no real card may be touched"),
    Simplification("portless bridges", LAID_OUT, "the bridge that a node's last pod has left is made as one that never "
                   "had a port", "it only lacks the link-local address that it had got with its first carrier"),
    Simplification("reverse path filter", LAID_OUT, "rp_filter is off everywhere",
                   "distributions set it differently, and the model has none"),
    Simplification("redirects", LAID_OUT, "no device tells others by ICMP of a shorter way (send_redirects is off)",
                   "what hosts learn so lasts for minutes, and the model has none of it"),
    Simplification("path mtu", LAID_OUT, "nobody remembers for later what ICMP has told of a way's MTU (mtu_expires is 0)",
                   "each packet of the model is like the first"),
    Simplification("patience", LAID_OUT, "a question for a neighbour is given up after 0.3 s instead of 3",
                   "a lab is to be fast; what is decided is the same"),
    Simplification("fresh tables", LAID_OUT, "the lab's devices have learnt nothing yet", "learnt rows follow from packets"),
    Simplification("first tunnel", DIFFERS, "where Linux makes a tunl0 in each namespace, MASQUERADE gives a packet for a pod "
                   "of the node itself that interface's address (calico)",
                   "it is the first one then, as on no real node; 'sysctl -w net.core.fb_tunnels_only_for_init_net=2' ends it"),
    Simplification("rationed errors", DIFFERS, "Linux tells a sender of missing routes five times, then once a second",
                   "the limit is the machine's and cannot be set for a namespace; the model tells every time"),
    Simplification("overheard questions", DIFFERS,
                   "a device that asks for a neighbour also learns it from a question that this neighbour has for another",
                   "that takes two questions within a third of a second; packets of the model walk one after another"),
    Simplification("dead routers", DIFFERS, "IPv6 takes a shorter prefix once a route's router has been asked for in vain",
                   "for how long depends on timers that differ between kernels; the model asks again each time"),
)


def table() -> tuple[Simplification, ...]:
    """All rows."""
    return _TABLE
