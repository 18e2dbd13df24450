"""The filter expressions of tcpdump: which packets are wanted.

Known are ``host``, ``net``, ``port`` and ``portrange``, each with ``src`` or ``dst`` before it, the protocols ``ip``, ``ip6``,
``arp``, ``tcp``, ``udp``, ``icmp`` and ``icmp6``, ``greater`` and ``less``, and ``and``, ``or``, ``not`` and parentheses.  As
in the kernel, a filter looks at the outermost header.

Source: pcap-filter(7).
"""

from __future__ import annotations

from collections.abc import Callable
from ipaddress import ip_address, ip_network

from k8snet_course.linux.packet import Packet
from k8snet_course.probe import is_address
from k8snet_course.shell.wire import Question

Wanted = Callable[[Packet | Question], bool]
Resolve = Callable[[str], str]
_PORTS = {"domain": 53, "http": 80, "https": 443, "ssh": 22}
_PROTOCOLS = {"tcp": ("TCP",), "udp": ("UDP",), "icmp": ("ICMP",), "icmp6": ("ICMPv6",)}
_SIDES = ("src", "dst")


class BadFilter(Exception):
    """An expression that cannot be read; ``args[0]`` says why, in tcpdump's words."""


def compiled(words: list[str], resolve: Resolve) -> Wanted:
    """The filter that an expression stands for; an empty one wants everything.  Raises BadFilter.

    >>> wanted = compiled(["tcp", "and", "not", "port", "80"], lambda name: "")
    >>> [wanted(Packet("10.0.0.1", "10.0.0.2", "TCP", 40000, port)) for port in (80, 81)]
    [False, True]
    """
    text = " ".join(words)
    for mark, apart in (("(", " ( "), (")", " ) "), ("!", " not "), ("&&", " and "), ("||", " or ")):
        text = text.replace(mark, apart)
    parser = _Parser(text.split(), resolve)
    return parser.whole() if parser.left else lambda what: True


class _Parser:
    """An expression, read from the left."""

    def __init__(self, words: list[str], resolve: Resolve) -> None:
        self.left = words
        self.resolve = resolve
        self.before: tuple[str, str] = ("", "host")
        """The qualifiers of the primitive before: `port 80 or 81` means `port 80 or port 81`."""

    def whole(self) -> Wanted:
        """All of it."""
        found = self.any_of()
        if self.left:
            raise BadFilter("syntax error")
        return found

    def any_of(self) -> Wanted:
        """Terms with `and` and `or` between them, which pcap reads from the left with equal strength."""
        found = self.term()
        while self.left and self.left[0] in ("and", "or"):
            joint, one, other = self.left.pop(0), found, self.term()
            found = _both(one, other) if joint == "and" else _either(one, other)
        return found

    def term(self) -> Wanted:
        """One primitive, a negated one, or an expression in parentheses."""
        word = self.pop()
        if word == "not":
            inner = self.term()
            return lambda what: not inner(what)
        if word == "(":
            found = self.any_of()
            if self.pop() != ")":
                raise BadFilter("syntax error")
            return found
        return self.primitive(word)

    def primitive(self, word: str) -> Wanted:
        """A protocol, or a property with its value."""
        if word in _PROTOCOLS:
            spoken = _PROTOCOLS[word]
            found: Wanted = lambda what: isinstance(what, Packet) and what.protocol in spoken  # noqa: E731  # one of many alike
            if self.left and self.left[0] in (*_SIDES, "port", "portrange", "host", "net") and word != "icmp":
                return _both(found, self.primitive(self.pop()))
            return found
        if word in ("ip", "ip6"):
            six = word == "ip6"
            found = lambda what: isinstance(what, Packet) and (":" in what.dst) == six  # noqa: E731
            if self.left and self.left[0] in (*_SIDES, "host", "net"):
                return _both(found, self.primitive(self.pop()))
            return found
        if word == "arp":
            return lambda what: isinstance(what, Question) and ":" not in what.address
        if word in ("greater", "less"):
            size = self.number()
            return lambda what: isinstance(what, Packet) and ((what.size + 14 >= size) if word == "greater" else
                                                             (what.size + 14 <= size))
        side, kind = "", ""
        if word in _SIDES:
            side, word = word, self.pop()
        if word in ("host", "net", "port", "portrange"):
            kind, word = word, self.pop()
        if not side and not kind:
            side, kind = self.before
        kind = kind or ("net" if "/" in word else "host")
        self.before = (side, kind)
        return self.property(side, kind, word)

    def property(self, side: str, kind: str, value: str) -> Wanted:
        """Packets of which one end, or (without a side) either end, has this property."""
        if kind in ("port", "portrange"):
            first, _, last = value.partition("-")
            low, high = self.port(first), self.port(last or first)
            return _of_ends(side, lambda packet: (packet.src_port, packet.dst_port), lambda port: low <= port <= high)
        if kind == "net":
            try:
                net = ip_network(value if "/" in value else _short(value))
            except ValueError:
                raise BadFilter(f"invalid network '{value}'") from None
            return _addresses(side, lambda text: is_address(text) and ip_address(text) in net)
        address = value if is_address(value) else self.resolve(value)
        if not address:
            raise BadFilter(f"unknown host '{value}'" if value not in ("and", "or", ")") else "syntax error")
        return _addresses(side, lambda text: text == address)

    def port(self, text: str) -> int:
        """A port's number."""
        if text in _PORTS:
            return _PORTS[text]
        if not (text.isdecimal() and len(text) <= 5):
            raise BadFilter(f"unknown port '{text}'")
        return int(text)

    def number(self) -> int:
        """A number of bytes."""
        word = self.pop()
        if not word.isdecimal():
            raise BadFilter("syntax error")
        return int(word)

    def pop(self) -> str:
        """The next word.  Raises BadFilter behind the last one."""
        if not self.left:
            raise BadFilter("syntax error")
        return self.left.pop(0)


def _both(one: Wanted, other: Wanted) -> Wanted:
    return lambda what: one(what) and other(what)


def _either(one: Wanted, other: Wanted) -> Wanted:
    return lambda what: one(what) or other(what)


def _of_ends(side: str, ends: Callable[[Packet], tuple[int, int]], fits: Callable[[int], bool]) -> Wanted:
    def wanted(what: Packet | Question) -> bool:
        if not isinstance(what, Packet) or what.is_icmp:
            return False
        src, dst = ends(what)
        return (side != "dst" and fits(src)) or (side != "src" and fits(dst))

    return wanted


def _addresses(side: str, fits: Callable[[str], bool]) -> Wanted:
    def wanted(what: Packet | Question) -> bool:
        src, dst = (what.src, what.dst) if isinstance(what, Packet) else (
            (what.address, what.tell) if what.mac else (what.tell, what.address))
        return (side != "dst" and fits(src)) or (side != "src" and fits(dst))

    return wanted


def _short(text: str) -> str:
    """A network as pcap writes it: the bytes that count.

    >>> _short("10.244"), _short("192.168.1")
    ('10.244.0.0/16', '192.168.1.0/24')
    """
    parts = text.split(".")
    return ".".join([*parts, *["0"] * (4 - len(parts))]) + f"/{8 * len(parts)}"
