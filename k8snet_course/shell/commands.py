"""The table of all commands, by name and form.

A command is a function of the machine it runs on, its words, and its input.  Where BusyBox has no form of its own it prints
what the other one prints.
"""

from __future__ import annotations

from collections.abc import Callable

from k8snet_course.shell import arp, dig, files, iptables, netcat, sockets, text, traceroute
from k8snet_course.shell.bridge import bridge
from k8snet_course.shell.curl import curl
from k8snet_course.shell.getent import getent
from k8snet_course.shell.images import APPLETS, BUSYBOX, FULL, PACKAGES
from k8snet_course.shell.ip import busybox_ip, ip
from k8snet_course.shell.machine import Machine
from k8snet_course.shell.nslookup import busybox_nslookup, nslookup
from k8snet_course.shell.ping import busybox_ping, ping
from k8snet_course.shell.ran import Ran
from k8snet_course.shell.tcpdump import Capture, tcpdump
from k8snet_course.shell.wget import busybox_wget, wget

Command = Callable[[Machine, list[str], str], Ran | Capture]

COMMANDS: dict[tuple[str, str], Command] = {
    ("arp", FULL): arp.arp,
    ("arp", BUSYBOX): arp.busybox_arp,
    ("bridge", FULL): bridge,
    ("cat", FULL): files.cat,
    ("conntrack", FULL): iptables.conntrack,
    ("curl", FULL): curl,
    ("dig", FULL): dig.dig,
    ("echo", FULL): text.echo,
    ("env", FULL): files.env,
    ("false", FULL): text.false,
    ("getent", FULL): getent,
    ("grep", FULL): text.grep,
    ("head", FULL): text.head,
    ("host", FULL): dig.host,
    ("hostname", FULL): files.hostname,
    ("id", FULL): text.id,
    ("ifconfig", FULL): arp.ifconfig,
    ("ifconfig", BUSYBOX): arp.busybox_ifconfig,
    ("ip", FULL): ip,
    ("ip", BUSYBOX): busybox_ip,
    ("ip6tables", FULL): iptables.ip6tables,
    ("ip6tables-save", FULL): iptables.ip6tables_save,
    ("iptables", FULL): iptables.iptables,
    ("iptables-save", FULL): iptables.iptables_save,
    ("ipset", FULL): iptables.ipset,
    ("ipvsadm", FULL): iptables.ipvsadm,
    ("ls", FULL): files.ls,
    ("nc", FULL): netcat.netcat,
    ("nc", BUSYBOX): netcat.busybox_nc,
    ("netstat", FULL): sockets.netstat,
    ("netstat", BUSYBOX): sockets.busybox_netstat,
    ("nft", FULL): iptables.nft,
    ("nslookup", FULL): nslookup,
    ("nslookup", BUSYBOX): busybox_nslookup,
    ("ping", FULL): ping,
    ("ping", BUSYBOX): busybox_ping,
    ("printenv", FULL): files.env,
    ("route", FULL): arp.route,
    ("sleep", FULL): text.sleep,
    ("sort", FULL): text.sort,
    ("ss", FULL): sockets.ss,
    ("sysctl", FULL): files.sysctl,
    ("tail", FULL): text.tail,
    ("tcpdump", FULL): tcpdump,
    ("tracepath", FULL): traceroute.tracepath,
    ("traceroute", FULL): traceroute.traceroute,
    ("traceroute", BUSYBOX): traceroute.busybox_traceroute,
    ("true", FULL): text.true,
    ("uname", FULL): text.uname,
    ("wc", FULL): text.wc,
    ("wget", FULL): wget,
    ("wget", BUSYBOX): busybox_wget,
    ("whoami", FULL): text.whoami,
}
"""Every command with its forms."""

_NO_PACKAGES = ("containers of this course cannot install anything: take an image that has the command, such as "
                "nicolaka/netshoot")

NOT_MODELLED: dict[str, str] = {
    "apk": _NO_PACKAGES,
    "apt": _NO_PACKAGES,
    "apt-get": _NO_PACKAGES,
    "yum": _NO_PACKAGES,
    "dnf": _NO_PACKAGES,
    "kubectl": "kubectl runs beside the cluster, not in it: write cluster.kubectl(...)",
    "ps": "the model has no processes; `ss -lntp` lists the programs that listen",
    "top": "the model has no processes; `ss -lntp` lists the programs that listen",
    "brctl": "`bridge link` and `bridge fdb` show bridges and what they have learnt",
    "ethtool": "`cat /sys/class/net/eth0/iflink` gives the number of the other end of a pod's cable",
    "journalctl": "the model has no services of systemd, and no logs",
    "systemctl": "the model has no services of systemd",
    "mtr": "the model's time is simple: `traceroute` shows the same way",
    "vi": "the model has no files to edit",
    "nsenter": "run the command on the pod itself: exec('POD', ...)",
    "ssh": "run the command on the machine itself: exec('node-2', ...)",
    "telnet": "write `nc -zv HOST PORT` instead",
}
"""Commands that people type and that are not here, each with what to do instead."""


def known_as(name: str) -> bool:
    """Whether the course has a command, in whichever image.

    >>> known_as("ip"), known_as("frobnicate")
    (True, False)
    """
    return name in APPLETS or any(name in commands for commands in PACKAGES.values())
