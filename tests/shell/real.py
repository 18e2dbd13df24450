"""The same command on the model and in real Linux: what is left out before the two texts are compared, and why.

Left out are times, counters, the numbers of processes and queries, which namespace the other end of a cable is in (its name in
the lab, a number on a node), that the lab's network cards are cables, and how many packets may wait at a cable (plugins set it
differently).  The lab's machines forward IPv6 even where there is none, and so listen to its group of all routers.  A neighbour
that Linux has not asked for a while (STALE, DELAY) is the same row.  Link-local IPv6 addresses, and their routes, are left out
where nothing uses them, as the model does.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace

from k8snet_course.cluster import Cluster
from k8snet_course.emulator.lab import Lab
from k8snet_course.shell import Wires, machine_of, run
from k8snet_course.shell.images import MACHINE, image

BUSYBOX = image("busybox")

_OUT = (
    (r" link-netns(id)? \S+", ""),
    (r"\beth(\d)@(if\d+|veth\w+)(: <\S+?>) mtu 1500 qdisc noqueue", r"eth\1\3 mtu 1500 qdisc fq_codel"),
    (r"(^\d+: \S+: <.*?) +(\\|$)", r"\1\2"),
    (r"\d+\.\d{2,} ?ms", "0 ms"),
    (r"time \d+ms", "time 0ms"),
    (r"= [\d.]+/[\d.]+/[\d.]+(/[\d.]+)? ms", "= 0 ms"),
    (r"after \d+ ms", "after 0 ms"),
    (r"\b(STALE|DELAY|PROBE)\b", "REACHABLE"),
    (r"ref \d+ used", "used"),
    (r"used \d+/\d+/\d+ probes \d+", "used 0/0/0 probes 0"),
    (r"users:.*", ""),
    (r"\[\d+:\d+\]", "[0:0]"),
    (r"^ *\d+ +\d+[KM]? (?=\S+ +\d+ +--)", "    0     0 "),
    (r"\d+ packets, \d+ bytes", "0 packets, 0 bytes"),
)
_NOT_HERE = re.compile(r"^# |^(fe80::/64|multicast ff00::/8) |^33:33:00:00:00:02 |^\((the|this|did) ")


def plain(text: str, sort: bool = False) -> list[str]:
    """The lines that are compared."""
    for pattern, put in _OUT:
        text = re.sub(pattern, put, text, flags=re.MULTILINE)
    text = re.sub(r"^(eth\d)(@if\d+)? +UP ", lambda hit: f"{hit[1]:<16} UP ", text, flags=re.MULTILINE)
    text = re.sub(r"    inet6 fe80:.*\n.*valid_lft.*\n| fe80:[0-9a-f:]+/64(?= )| nodad\b", "", text)
    lines = [line for line in text.splitlines() if not _NOT_HERE.search(line)]
    return sorted(lines) if sort else lines


def unordered(command: str) -> bool:
    """Whether the order of the lines is an accident of the kernel's hash tables."""
    return bool(re.search(r"\b(ip( -6)? (n|neigh)|arp|bridge fdb)\b", command))


def here(cluster: Cluster, device: str, command: str) -> str:
    """What the model says; `busybox COMMAND` is what an image of BusyBox says."""
    wires = Wires(cluster, cluster._meaning, cluster._emit, cluster._taps)
    image = BUSYBOX if command.startswith("busybox ") else MACHINE
    machine = replace(machine_of(wires, cluster._meaning.endpoint(device)), image=image)
    done = run(machine, command.removeprefix("busybox "))
    return done.out + done.err


def differences(cluster: Cluster, lab: Lab, wanted: Iterable[tuple[str, str]],
                shorten: Callable[[list[str]], list[str]] = list) -> Iterator[str]:
    """Each command of which the two say different things, with both texts."""
    for device, command in wanted:
        sort = unordered(command)
        real = shorten(plain(lab.exec(device, command), sort))
        ours = shorten(plain(here(cluster, device, command), sort))
        if real != ours:
            yield f"{device}$ {command}\n  Linux:\n{_shown(real)}\n  model:\n{_shown(ours)}"


def _shown(lines: Sequence[str]) -> str:
    return "\n".join(f"    {line!r}" for line in lines)
