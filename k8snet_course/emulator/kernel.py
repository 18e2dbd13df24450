"""What this machine's kernel can do, as far as a lab may need it; tried once a process, in a namespace that is thrown away.

What is not there makes single clusters impossible, not the emulator: they are reported as not checked, by name.

Source: ip-link(8), unshare(1); Linux, net/ipv4/ip_tunnel.c (fb_tunnels_only_for_init_net).
"""

from __future__ import annotations

import subprocess
from functools import cache
from typing import NamedTuple

from k8snet_course.emulator.seclusion import is_privileged

IPIP, VXLAN, IPVS, BRIDGE_NETFILTER, NFT_IPV4 = "IPIP", "VXLAN", "IPVS", "bridge netfilter", "nftables for IPv4"


class Ability(NamedTuple):
    """One thing: its name, whether it is there, what needs it, and how to get it.

    >>> print(Ability("IPIP", False, "cni='calico'", "let root run 'modprobe ipip'"))
    IPIP is not there, so cni='calico' is not checked; let root run 'modprobe ipip'
    """

    name: str
    there: bool
    needed_for: str
    get: str

    def __str__(self) -> str:
        return f"{self.name} is there" if self.there else (
            f"{self.name} is not there, so {self.needed_for} is not checked; {self.get}")


_RESTORE, _RESTORE6 = "iptables-restore", "ip6tables-restore"
_RESTORE_LEGACY, _RESTORE6_LEGACY = "iptables-legacy-restore -w 10", "ip6tables-legacy-restore -w 10"
_TRIED = (
    (IPIP, "ip link add probe1 type ipip local 192.0.2.1 remote 192.0.2.2", "cni='calico'",
     "let root run 'modprobe ipip', or use cni='calico-vxlan'"),
    (VXLAN, "ip link add probe2 type vxlan id 1 dstport 8472", "a plugin with VXLAN", "let root run 'modprobe vxlan'"),
    (IPVS, "ip link add probe3 type dummy && ipset create probe hash:ip,port && ipvsadm -L", "proxy='ipvs'",
     "install ipvsadm and ipset, and let root run 'modprobe -a ip_vs xt_set dummy', or use proxy='iptables'"),
    (BRIDGE_NETFILTER, "test -e /proc/sys/net/bridge/bridge-nf-call-iptables", "a Service for pods of one bridge",
     "let root run 'modprobe br_netfilter'"),
    (NFT_IPV4, "nft add table ip probe", "proxy='nftables', and a policy,", "let root run 'modprobe nf_tables'"),
)


@cache
def kernel() -> dict[str, Ability]:
    """The abilities by name; none is there where not even a namespace can be made.

    >>> list(kernel())
    ['IPIP', 'VXLAN', 'IPVS', 'bridge netfilter', 'nftables for IPv4']
    """
    said = _in_a_namespace("".join(f"if ( {test} ) >/dev/null 2>&1; then echo '{name}'; fi\n" for name, test, _, _ in _TRIED))
    return {name: Ability(name, name in said, needed_for, get) for name, _, needed_for, get in _TRIED}


@cache
def can_be_tried() -> bool:
    """Whether a namespace can be made to try the kernel in; where none can, a lab says why when it begins."""
    return bool(_in_a_namespace("echo yes"))


@cache
def born_with() -> tuple[str, ...]:
    """The interfaces that a new namespace has besides ``lo``: Linux puts some there for each kind of tunnel that it has loaded.

    They take the first interface numbers, so that the model's cannot be given.
    """
    lines = _in_a_namespace("ip -o link")
    return tuple(sorted(name for line in lines if (name := line.split()[1].partition("@")[0].rstrip(":")) != "lo"))


@cache
def restorers() -> tuple[str, str]:
    """The commands that read rules of iptables for IPv4 and IPv6: where the kernel has no nftables for them, the older ones."""
    return (_RESTORE, _RESTORE6) if kernel()[NFT_IPV4].there else (_RESTORE_LEGACY, _RESTORE6_LEGACY)


def not_checked() -> tuple[str, ...]:
    """What cannot be compared with real Linux on this machine, one sentence each."""
    return tuple(str(ability) for ability in kernel().values() if not ability.there)


def _in_a_namespace(script: str) -> list[str]:
    """What a shell script prints in a network namespace of its own; nothing if there is none to be had."""
    user = () if is_privileged() else ("--map-root-user",)
    try:
        done = subprocess.run(("unshare", *user, "--net", "sh", "-c", script), stdin=subprocess.DEVNULL, capture_output=True,
                              text=True, check=False)
    except FileNotFoundError:
        return []
    return done.stdout.splitlines()
