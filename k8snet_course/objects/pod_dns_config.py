"""A pod's ``dnsConfig``: name servers, search domains and options of its own, beside what its ``dnsPolicy`` gives.

What the pod's /etc/resolv.conf then says is for :mod:`k8snet_course.dns.resolv_conf`.

Source: Kubernetes API reference, core/v1 (PodDNSConfig) and its validation.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from k8snet_course.addressing import address
from k8snet_course.errors import InvalidManifest

MOST_NAMESERVERS, MOST_SEARCHES, LONGEST_SEARCH_LINE, LONGEST_SEARCH = 3, 32, 2048, 253
"""How many name servers and search domains a pod may have; how many characters these have, all together and each."""

_SEARCH = re.compile(r"[a-z0-9_]([-a-z0-9_]*[a-z0-9_])?(\.[a-z0-9_]([-a-z0-9_]*[a-z0-9_])?)*\.?", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class PodDnsConfig:
    """A pod's ``dnsConfig``.  ``options`` are pairs of name and value; the value is empty where an option has none.

    Raises InvalidManifest.

        >>> print(PodDnsConfig(searches=("example.com",), options=(("ndots", "2"), ("edns0", ""))))
        dnsConfig searches example.com options ndots:2 edns0
        >>> PodDnsConfig(nameservers=("1.1.1.1", "8.8.8.8", "9.9.9.9", "8.8.4.4"))
        Traceback (most recent call last):
        k8snet_course.errors.InvalidManifest: invalid manifest 4: expected at most 3 nameservers in a dnsConfig; leave 1 out.
    """

    nameservers: tuple[str, ...] = ()
    searches: tuple[str, ...] = ()
    options: tuple[tuple[str, str], ...] = ()

    def __post_init__(self) -> None:
        for what, given, most in (("nameservers", self.nameservers, MOST_NAMESERVERS),
                                  ("searches", self.searches, MOST_SEARCHES)):
            if len(given) > most:
                raise InvalidManifest(len(given), f"at most {most} {what} in a dnsConfig", f"leave {len(given) - most} out")
        for each in self.nameservers:
            address(each, "nameserver of a dnsConfig")
        for each in self.searches:
            if each != "." and (not _SEARCH.fullmatch(each) or len(each.removesuffix(".")) > LONGEST_SEARCH):
                raise InvalidManifest(each, "a search domain of a dnsConfig: labels joined by dots, 253 characters at most",
                                      "write a domain such as 'example.com'")
        if len(" ".join(self.searches)) > LONGEST_SEARCH_LINE:
            raise InvalidManifest(len(" ".join(self.searches)), f"at most {LONGEST_SEARCH_LINE} characters of searches in a "
                                  "dnsConfig, the spaces between them included", "leave some out")
        for name, _ in self.options:
            if not name:
                raise InvalidManifest(name, "a name for each option of a dnsConfig", "write 'ndots'")

    def __str__(self) -> str:
        parts = [("nameservers", self.nameservers), ("searches", self.searches),
                 ("options", [option_text(*pair) for pair in self.options])]
        return " ".join(["dnsConfig", *(f"{what} {' '.join(values)}" for what, values in parts if values)])


def option_text(name: str, value: str) -> str:
    """An option as a resolv.conf has it.

    >>> option_text("ndots", "2"), option_text("edns0", "")
    ('ndots:2', 'edns0')
    """
    return f"{name}:{value}" if value else name
