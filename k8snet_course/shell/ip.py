"""ip(8): which object is asked for, the options in front of it, and what BusyBox's form leaves out.

Each object's text is made by a module of its own: :mod:`~k8snet_course.shell.ip_link`, :mod:`~k8snet_course.shell.ip_route` and
:mod:`~k8snet_course.shell.ip_neigh`.  Words may be shortened as iproute2 allows it: the first object or command that begins
with what was typed is meant.

Changing anything is refused in a sentence: a cluster's tables follow from what the cluster has decided.

Source: iproute2 6.1, ip/ip.c; BusyBox 1.37, networking/ip.c; compared with both on Linux 6.18.
"""

from __future__ import annotations

from dataclasses import dataclass

from k8snet_course.names import nearest
from k8snet_course.shell.ip_link import addresses, links
from k8snet_course.shell.ip_neigh import neighbours
from k8snet_course.shell.ip_route import got, routes
from k8snet_course.shell.ip_words import Asked, Misspelt, Unsupported
from k8snet_course.shell.machine import Machine
from k8snet_course.shell.ran import Ran, failed, wrote

_OBJECTS = ("address", "addrlabel", "maddress", "route", "rule", "neighbor", "neighbour", "ntable", "ntbl", "link", "l2tp",
            "fou", "ila", "macsec", "tunnel", "tunl", "tuntap", "tap", "token", "tcpmetrics", "monitor", "xfrm", "mroute",
            "mrule", "netns", "netconf", "vrf", "sr", "nexthop", "mptcp", "ioam", "help", "stats")
"""All objects, in the order in which a shortened word is compared with them."""
_BUSYBOX_OBJECTS = ("address", "route", "link", "tunnel", "tunl", "neigh", "rule")
_COMMANDS = {
    "address": ("add", "change", "chg", "replace", "delete", "show", "list", "lst", "flush", "save", "showdump",
                "restore", "help"),
    "link": ("add", "set", "change", "replace", "delete", "show", "list", "lst", "xstats", "afstats", "property", "help"),
    "route": ("list", "show", "lst", "get", "add", "append", "change", "chg", "delete", "del", "replace", "prepend", "test",
              "flush", "save", "restore", "showdump", "help"),
    "neigh": ("add", "change", "chg", "replace", "delete", "get", "show", "list", "lst", "flush", "help"),
    "rule": ("list", "show", "lst", "add", "delete", "flush", "save", "restore", "help"),
}
_MODELLED = ("address", "link", "neighbour", "route", "rule")
_SHOWING = ("show", "list", "lst")
_RULES = ("0:\tfrom all lookup local", "32766:\tfrom all lookup main", "32767:\tfrom all lookup default")


def ip(machine: Machine, words: list[str], stdin: str) -> Ran:
    """`ip` of iproute2."""
    return _ip(machine, words, busybox=False)


def busybox_ip(machine: Machine, words: list[str], stdin: str) -> Ran:
    """`ip` of BusyBox."""
    return _ip(machine, words, busybox=True)


def _ip(machine: Machine, words: list[str], busybox: bool) -> Ran:
    try:
        front = _front(words, busybox)
    except Misspelt as problem:
        return failed(*problem.lines, code=problem.code)
    if front.version:
        return wrote(["ip utility, iproute2-6.1.0, libbpf 1.1.2"])
    if not front.rest:
        return _usage(busybox)
    word, *rest = front.rest
    kinds = _BUSYBOX_OBJECTS if busybox else _OBJECTS
    kind = next((each for each in kinds if each.startswith(word)), "")
    if not kind or (not busybox and kind == "help"):
        if kind or busybox:
            return _usage(busybox)
        return failed(f'Object "{word}" is unknown, try "ip help".', _meant(f"ip {nearest(word, _MODELLED)}"))
    kind = {"neighbor": "neigh", "neighbour": "neigh"}.get(kind, kind)
    if kind not in _COMMANDS:
        return failed(f"(this course has no `ip {kind}`: it has address, link, neighbour, route and rule)")
    command = next((each for each in _COMMANDS[kind] if each.startswith(rest[0])), "") if rest else "show"
    if rest and not command:
        return _unknown(kind, rest[0], busybox)
    if command not in (*_SHOWING, "get") or (command == "get" and kind != "route"):
        return failed(f"(the tables here follow from the cluster: `ip {kind} {command}` changes nothing; inject a fault with "
                      "cluster.inject(...), or change the cluster)", code=2)
    asked = Asked(machine, rest[1:], front.family, front.brief, front.oneline, front.details, front.statistics, busybox)
    try:
        if kind == "address":
            return wrote(_joined(addresses(asked), front.oneline))
        if kind == "link":
            return wrote(_joined(links(asked), front.oneline))
        if kind == "neigh":
            return wrote(neighbours(asked))
        if kind == "rule":
            return wrote(f"{rule}{' ' if busybox else ''}" for rule in _RULES)
        return wrote(_joined(got(asked), front.oneline)) if command == "get" else wrote(routes(asked))
    except Misspelt as problem:
        return failed(*problem.lines, code=problem.code)
    except Unsupported as problem:
        return failed(f"(this course's ip does not have {problem.args[0]})")


@dataclass(slots=True)
class _Front:
    """The options before the object, and what comes behind them."""

    rest: list[str]
    family: str = ""
    brief: bool = False
    oneline: bool = False
    details: bool = False
    statistics: bool = False
    version: bool = False


_LONG = ("family", "brief", "oneline", "details", "statistics", "stats", "Version", "json", "pretty", "color", "resolve",
         "netns", "loops", "force", "batch", "timestamp", "tshort", "human-readable", "iec", "rcvbuf", "all", "help")
_SHORT = {"4": "-4", "6": "-6", "0": "-0", "o": "oneline", "d": "details", "s": "statistics", "V": "Version", "j": "json",
          "p": "pretty", "c": "color", "r": "resolve", "N": "Numeric", "h": "human-readable", "a": "all", "br": "brief",
          "f": "family"}


def _front(words: list[str], busybox: bool) -> _Front:
    front = _Front(list(words))
    while front.rest and front.rest[0].startswith("-"):
        word = front.rest.pop(0)
        bare = word[2:] if word.startswith("--") else word[1:]
        meant = _SHORT.get(bare) or next((each for each in _LONG if bare and each.startswith(bare)), "")
        if meant in ("-4", "-6"):
            front.family = {"-4": "inet", "-6": "inet6"}[meant]
        elif meant == "family" and front.rest:
            front.family = front.rest.pop(0)
        elif meant == "oneline":
            front.oneline = True
        elif busybox:
            raise Misspelt(f"ip: invalid option -- '{bare[:1]}'")
        elif meant == "brief":
            front.brief = True
        elif meant == "details":
            front.details = True
        elif meant in ("statistics", "stats"):
            front.statistics = True
        elif meant == "Version":
            front.version = True
        elif meant in ("json", "pretty"):
            raise Misspelt("(this course's ip prints no JSON: Rows such as cluster.node('node-1').routes have to_frame())")
        elif meant not in ("color", "resolve", "Numeric", "human-readable", "all"):
            raise Misspelt(f'Option "{word}" is unknown, try "ip -help".', code=255)
    return front


def _usage(busybox: bool) -> Ran:
    if busybox:
        return failed("Usage: ip [OPTIONS] address|route|link|tunnel|neigh|rule [ARGS]", "",
                      "OPTIONS := -f[amily] inet|inet6|link | -o[neline]", "",
                      "(this course's ip has address, link, neigh, route and rule, each with show, and route with get)")
    return failed("Usage: ip [ OPTIONS ] OBJECT { COMMAND | help }",
                  "(this course's ip has address, link, neighbour, route and rule, each with show, and route with get)",
                  code=255)


def _unknown(kind: str, word: str, busybox: bool) -> Ran:
    """A command of an object that there is not; a device's name is what people type there most often."""
    if busybox:
        return failed(f"ip: invalid argument '{word}' to 'ip'")
    meant = "get" if kind == "route" and nearest(word, ("show", "get")) == "get" else "show"
    return failed(f'Command "{word}" is unknown, try "ip {kind} help".', _meant(f"ip {kind} {meant}"), code=255)


def _meant(words: str) -> str:
    """One more line for whoever misspelt something."""
    return f"(did you mean `{words}`?)"


def _joined(entries: list[list[str]], oneline: bool) -> list[str]:
    """The lines of entries; with -o the lines of one in one, with a backslash between them."""
    if oneline:
        return ["\\".join(lines) for lines in entries]
    return [line for lines in entries for line in lines]
