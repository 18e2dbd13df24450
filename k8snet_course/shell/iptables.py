"""iptables, iptables-save, nft, ipset, ipvsadm and conntrack: a device's rules, in the words of the tool that reads them.

Counters of packets are 0: the model counts nothing.  Where kube-proxy works in another mode than iptables, `nft`, `ipset` and
`ipvsadm` print what it has written; `nft` shows the other rules as the ones that iptables manages, and does not translate them.

Source: iptables 1.8.9 (nf_tables), iptables/xshared.c and nft-shared.c; compared with it on Linux 6.18.  ipset(8), ipvsadm(8);
compared with them on Linux 6.1.
"""

from __future__ import annotations

from collections.abc import Iterator

from k8snet_course.linux.ipset import SetRule
from k8snet_course.linux.netfilter import FILTER, NAT, Rules
from k8snet_course.linux.rule import Row, Rule
from k8snet_course.services.kube_proxy.iptables import iptables_save as saved
from k8snet_course.services.kube_proxy.ipvs_text import ipset_list, ipset_restore
from k8snet_course.shell.machine import Machine
from k8snet_course.shell.netcat import SERVICES
from k8snet_course.shell.options import BadOption, Options, parsed
from k8snet_course.shell.ran import Ran, failed, wrote

_HOOKS = {FILTER: ("INPUT", "FORWARD", "OUTPUT"), NAT: ("PREROUTING", "INPUT", "OUTPUT", "POSTROUTING"),
          "mangle": ("PREROUTING", "INPUT", "FORWARD", "OUTPUT", "POSTROUTING"), "raw": ("PREROUTING", "OUTPUT")}
_VERSION = "v1.8.9 (nf_tables)"
_SERVERS = "IP Virtual Server"
_NUMBERS = {"tcp": "6", "udp": "17", "icmp": "1", "sctp": "132", "icmpv6": "58"}
_LONGS = {"list": "L", "list-rules": "S", "table": "t", "numeric": "n", "verbose": "v", "line-numbers": "N", "exact": "x"}


class _Tables:
    """The rules of a device for one IP version, by table and chain, in the order in which the tools print them.

    What kube-proxy has written for other tools is not among them.
    """

    def __init__(self, machine: Machine, six: bool) -> None:
        own = machine.ns.rules6 if six else machine.ns.rules
        self.rules: Rules = own if _proxy_text(machine).startswith(("*", _SERVERS)) else own.written
        self.family = "IPv6" if six else "IPv4"

    def chains(self, table: str) -> list[str]:
        """The hooks of a table, and then its other chains by name."""
        hooks = _HOOKS[table]
        return [*hooks, *sorted(name for name in self.rules.names(table, self.family) if name not in hooks)]

    def rows(self, table: str, chain: str) -> list[Row]:
        """The rules of a chain."""
        return [row for part in self.rules.parts(table, chain, self.family) for row in part]

    def used(self, table: str) -> bool:
        """Whether there is a rule in a table."""
        return any(self.rows(table, chain) for chain in self.rules.names(table, self.family))


def iptables_save(machine: Machine, words: list[str], stdin: str) -> Ran:
    """`iptables-save`: all tables that have rules.  The lines that begin with # hold the time of day and are left out."""
    return _save(machine, words, six=False)


def ip6tables_save(machine: Machine, words: list[str], stdin: str) -> Ran:
    """`ip6tables-save`."""
    return _save(machine, words, six=True)


def _save(machine: Machine, words: list[str], six: bool) -> Ran:
    tables = _Tables(machine, six)
    try:
        given = parsed(words, "t:cM:V", {"table": "t", "counters": "c"})
    except BadOption as problem:
        return failed(f"{'ip6' if six else 'ip'}tables-save: {problem.text()}")
    lines = saved(tables.rules, tables.family).splitlines()
    if given.last("t"):
        wanted, kept = f"*{given.last('t')}", False
        chosen = []
        for line in lines:
            kept = line == wanted if line.startswith("*") else kept
            chosen += [line] if kept else []
        lines = chosen
    return wrote(f"[0:0] {line}" if given.has("c") and line.startswith("-A") else line for line in lines)


def iptables(machine: Machine, words: list[str], stdin: str) -> Ran:
    """`iptables -L` and `iptables -S`."""
    return _iptables(machine, words, six=False)


def ip6tables(machine: Machine, words: list[str], stdin: str) -> Ran:
    """`ip6tables -L` and `ip6tables -S`."""
    return _iptables(machine, words, six=True)


def _iptables(machine: Machine, words: list[str], six: bool) -> Ran:
    name = "ip6tables" if six else "iptables"
    try:
        given = parsed(words, "t:LSnvxNV", _LONGS)
    except BadOption as problem:
        dash = "--" if problem.long else "-"
        if not problem.long and problem.letter in "AIDRFXPZECNE":
            return failed("(the rules here follow from the cluster: iptables changes nothing)", code=2)
        return failed(f'{name} {_VERSION}: unknown option "{dash}{problem.letter}"',
                      f"Try `{name} -h' or '{name} --help' for more information.", code=2)
    if given.has("V"):
        return wrote([f"{name} {_VERSION}"])
    table = given.last("t", FILTER)
    if table not in _HOOKS:
        return failed(f"{name} {_VERSION}: table '{table}' does not exist",
                      "Perhaps iptables or your kernel needs to be upgraded.", code=3)
    if not given.has("L", "S"):
        return failed(f"{name} {_VERSION}: no command specified", f"Try `{name} -h' or '{name} --help' for more information.",
                      code=2)
    tables = _Tables(machine, six)
    chains = tables.chains(table)
    if given.rest and given.rest[0] not in chains:
        return failed(f"{name} {_VERSION}: chain `{given.rest[0]}' in table `{table}' is incompatible, use 'nft' tool.")
    return wrote((_commands if given.has("S") else _listing)(tables, table, given.rest[:1] or chains, given))


def _commands(tables: _Tables, table: str, chains: list[str], given: Options) -> Iterator[str]:
    """The chains as the commands that make them."""
    hooks = _HOOKS[table]
    yield from (f"-P {chain} ACCEPT" for chain in chains if chain in hooks)
    yield from (f"-N {chain}" for chain in chains if chain not in hooks)
    yield from (str(row) for chain in chains for row in tables.rows(table, chain))


def _listing(tables: _Tables, table: str, chains: list[str], given: Options) -> Iterator[str]:
    """The chains as tables."""
    counted = [row.target for chain in tables.chains(table) for row in tables.rows(table, chain)]
    verbose, numeric, numbered = given.has("v"), given.has("n"), given.has("N")
    for number, chain in enumerate(chains):
        if number:
            yield ""
        if chain in _HOOKS[table]:
            yield f"Chain {chain} (policy ACCEPT{' 0 packets, 0 bytes' if verbose else ''})"
        else:
            yield f"Chain {chain} ({counted.count(chain)} references)"
        yield (("num  " if numbered else "") + (" pkts bytes " if verbose else "") + "target     prot opt "
               + ("in     out     " if verbose else "") + f"{'source':<20} {'destination':<20}")
        for place, row in enumerate(tables.rows(table, chain), start=1):
            assert isinstance(row, Rule)
            yield (f"{place:<5}" if numbered else "") + ("    0     0 " if verbose else "") + _row(row, verbose, numeric,
                                                                                             tables.family)


def _row(rule: Rule, verbose: bool, numeric: bool, family: str) -> str:
    protocol = rule.protocol.lstrip("!")
    shown = _NUMBERS.get(protocol, "0") if numeric else protocol or "all"
    text = f"{rule.target:<9}  {shown:<4} -- "
    if verbose:
        text += f"{_inverted(rule.in_link)}{rule.in_link.lstrip('!') or '*':<6}{_inverted(rule.out_link)}"
        text += f"{rule.out_link.lstrip('!') or '*':<6} "
    anywhere = ("0.0.0.0/0" if family == "IPv4" else "::/0") if numeric else "anywhere"
    for network in (rule.src, rule.dst):
        bare = network.lstrip("!").removesuffix("/32").removesuffix("/128") or anywhere
        text += f"{_inverted(network)}{bare:<19} "
    return text + "".join(f" {each}" for each in _matches(rule, numeric))


def _inverted(value: str) -> str:
    return "!" if value.startswith("!") else " "


def _matches(rule: Rule, numeric: bool) -> Iterator[str]:
    """The conditions and the target's options, in the order in which they stand in the rule."""
    if rule.goto:
        yield "[goto] "
    if rule.comment:
        yield f"/* {rule.comment} */"
    if rule.recent:
        check = f"CHECK seconds: {rule.recent_seconds} reap" if rule.recent_seconds else "SET"
        six = ":" in rule.src or "[" in rule.to + rule.comment
        mask = "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff" if six else "255.255.255.255"
        yield f"recent: {check} name: {rule.recent} side: source mask: {mask}"
    if isinstance(rule, SetRule) and not rule.ctstate:
        yield _asked(rule)
    for which, value in (("src", rule.src_type), ("dst", rule.dst_type)):
        if value:
            yield f"ADDRTYPE match {which}-type {'! ' if value.startswith('!') else ''}{value.lstrip('!')}"
    if rule.dport:
        name = SERVICES.get(rule.protocol.upper(), {}).get(rule.dport, str(rule.dport))
        port = str(rule.dport) if numeric else name
        yield f"multiport dports {port}" if rule.multiport else f"{rule.protocol} dpt:{port}"
    elif rule.protocol and rule.target == "DNAT":
        yield rule.protocol
    if rule.uid_owner:
        yield f"owner UID match {rule.uid_owner}"
    if rule.ctstate:
        yield f"{'! ' if rule.ctstate.startswith('!') else ''}ctstate {rule.ctstate.lstrip('!')}"
    if isinstance(rule, SetRule) and rule.ctstate:
        yield _asked(rule)
    if rule.mark:
        yield f"mark match {'! ' if rule.mark.startswith('!') else ''}{rule.mark.lstrip('!')}"
    if rule.probability:
        yield f"statistic mode random probability {rule.probability}"
    if rule.to:
        yield {"DNAT": f"to:{rule.to}", "SNAT": f"to:{rule.to}", "REDIRECT": f"redir ports {rule.to}",
               "REJECT": f"reject-with {rule.to}"}.get(rule.target, _mark(rule.to))
    if rule.random_fully:
        yield "random-fully"


def _asked(rule: SetRule) -> str:
    return f"match-set {rule.set_name} {rule.directions}" + " PHYSDEV match ! --physdev-is-in" * rule.off_bridge


def _mark(to: str) -> str:
    """What MARK does, in the shortest words: set bits, turn bits over, or both.

    >>> _mark("0x4000/0x4000"), _mark("0x4000/0x0"), _mark("0x200/0xf00")
    ('MARK or 0x4000', 'MARK xor 0x4000', 'MARK xset 0x200/0xf00')
    """
    value, _, mask = to.partition("/")
    if int(mask or "0xffffffff", 16) == 0:
        return f"MARK xor {value}"
    return f"MARK or {value}" if value == mask else f"MARK xset {to}"


def nft(machine: Machine, words: list[str], stdin: str) -> Ran:
    """`nft list ruleset` and `nft list table ...`."""
    left = [word for word in words if not word.startswith("-")]
    if left[:1] != ["list"]:
        return failed("(the rules here follow from the cluster: write `nft list ruleset`)")
    text = _proxy_text(machine)
    if text.lstrip().startswith("table"):
        wanted = " ".join(left[1:4])
        if left[1:2] == ["table"] and not any(line.startswith(wanted) for line in text.splitlines()):
            place = len(f"list {' '.join(left[1:3])} ")
            return failed("Error: No such file or directory", f"list {wanted}", " " * place + "^" * len("".join(left[3:4])))
        return Ran(f"{text.rstrip()}\n")
    tables = _Tables(machine, six=False)
    if any(tables.used(table) for table in (FILTER, NAT)):
        return failed("(the rules here are those of iptables, which nft only translates: look at them with `iptables-save`)")
    return Ran()


def ipvsadm(machine: Machine, words: list[str], stdin: str) -> Ran:
    """`ipvsadm -Ln`."""
    try:
        given = parsed(words, "Llnctu:Sspe", {"list": "L", "numeric": "n"})
    except BadOption as problem:
        return failed(f"ipvsadm: {problem.text()}")
    text = _proxy_text(machine)
    if text.startswith(_SERVERS):
        return Ran(f"{text.rstrip()}\n") if given.has("L", "l") or not words else Ran()
    return wrote([f"{_SERVERS} version 1.2.1 (size=4096)", "Prot LocalAddress:Port Scheduler Flags",
                  "  -> RemoteAddress:Port           Forward Weight ActiveConn InActConn"])


def ipset(machine: Machine, words: list[str], stdin: str) -> Ran:
    """`ipset list`, of one set or of all, with -n their names alone, and `ipset save`.

    What only a kernel knows of a set is left out: its revision, its size in memory, and how many rules ask it.
    """
    left = [word for word in words if not word.startswith("-")]
    if left[:1] not in (["list"], ["save"]):
        return failed("(the sets here follow from the cluster: write `ipset list` or `ipset save`)", code=2)
    rules, rules6 = machine.ns.rules, machine.ns.rules6
    if left[0] == "save":
        lines = (ipset_restore(rules) + ipset_restore(rules6, "IPv6")).splitlines()
        return wrote(line for line in lines if len(left) < 2 or line.split()[1] == left[1])
    sets = [text for each, family in ((rules, "IPv4"), (rules6, "IPv6"))
            for text in ipset_list(each, family).split("\n\n") if text]
    if len(left) > 1:
        sets = [text for text in sets if text.startswith(f"Name: {left[1]}\n")]
        if not sets:
            return failed("ipset v7.17: The set with the given name does not exist")
    if any(word in ("-n", "-name") for word in words):
        return wrote(text.splitlines()[0].removeprefix("Name: ") for text in sets)
    return Ran("\n\n".join(sets) + "\n" if sets else "")


def _proxy_text(machine: Machine) -> str:
    """What kube-proxy has written on this node; nothing elsewhere, and nothing while there is no Service."""
    cluster = machine.wires.cluster
    node = machine.ns.name
    if node not in machine.wires.meaning.control.nodes or not cluster.services:
        return ""
    return cluster.proxy_text(node)


def conntrack(machine: Machine, words: list[str], stdin: str) -> Ran:
    """`conntrack -L`: here a device remembers a connection only while its packet and the answer are under way."""
    return Ran("", "conntrack v1.4.7 (conntrack-tools): 0 flow entries have been shown.\n"
               "(in this course a connection is over with its first answer: a trace shows what was remembered on the way)\n")

