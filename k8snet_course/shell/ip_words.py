"""What was asked of one object of ip(8): the words behind it, read one after the other.

Source: iproute2 6.1, include/utils.h (NEXT_ARG, invarg); compared with it on Linux 6.18.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from ipaddress import ip_network

from k8snet_course.shell.machine import Machine


class Misspelt(Exception):
    """Words that the program does not take: its complaint, and its exit code."""

    def __init__(self, *lines: str, code: int = 1) -> None:
        super().__init__(*lines)
        self.lines = lines
        self.code = code


class Unsupported(Exception):
    """Words that the real program takes, and this one does not."""


@dataclass(frozen=True, slots=True)
class Asked:
    """The machine, the words behind the command, and the options in front of the object."""

    machine: Machine
    words: list[str]
    family: str = ""
    brief: bool = False
    oneline: bool = False
    details: bool = False
    statistics: bool = False
    busybox: bool = False

    def of_family(self, address: str) -> bool:
        """Whether an address is of the IP version that was asked for."""
        return not self.family or (self.family == "inet6") == (":" in address)

    def check_device(self, name: str) -> None:
        """Raises Misspelt unless there is such an interface."""
        if name not in self.machine.ns.links:
            raise Misspelt(f"ip: can't find device '{name}'" if self.busybox else f'Device "{name}" does not exist.')

    def filters(self, valued: Iterable[str], plain: Iterable[str] = (), bare: str = "dev") -> dict[str, str]:
        """The filters that were given, by name; a word that is none of them is the value of ``bare``.

        Raises Misspelt where a value is missing, Unsupported for anything else that begins like an option.
        """
        found: dict[str, str] = {}
        left = list(self.words)
        known = (*valued, *plain)
        while left:
            word = left.pop(0)
            if word in valued:
                if not left:
                    incomplete = 'Command line is not complete. Try option "help"'
                    raise Misspelt("ip: missing argument" if self.busybox else incomplete, code=255)
                found[word] = left.pop(0)
            elif word in known:
                found[word] = "yes"
            elif bare and bare not in found:
                found[bare] = word
            else:
                raise self.garbage(word, bare)
        return found

    def garbage(self, word: str, bare: str) -> Misspelt:
        """The complaint about a word too many."""
        if self.busybox:
            return Misspelt(f"ip: either \"{bare}\" is duplicate, or \"{word}\" is garbage")
        return Misspelt(f'Error: either "{bare}" is duplicate, or "{word}" is a garbage.', code=255)


def prefix(text: str, busybox: bool = False) -> str:
    """A network as it is written, with the prefix length of an address that has none.  Raises Misspelt.

    >>> prefix("10.244.0.2"), prefix("default"), prefix("10.244.0.0/16")
    ('10.244.0.2/32', 'default', '10.244.0.0/16')
    """
    if text in ("default", "any", "all"):
        return "default"
    try:
        return str(ip_network(text if "/" in text else f"{text}/{128 if ':' in text else 32}"))
    except ValueError:
        if busybox:
            raise Misspelt(f"ip: an inet prefix is expected rather than \"{text}\"") from None
        raise Misspelt(f'Error: any valid prefix is expected rather than "{text}".') from None


def without(text: str, words: Mapping[str, str]) -> str:
    """A row without these pairs of words: what was asked for is not printed again.

    >>> without("10.244.0.0/24 dev cni0 proto kernel", {"dev": "cni0"})
    '10.244.0.0/24 proto kernel'
    """
    for name, value in words.items():
        text = f"{text} ".replace(f" {name} {value} ", " ", 1).removesuffix(" ")
    return text
