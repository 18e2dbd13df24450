"""How DNS names in a cluster are spelt: of Services, their ports and endpoints, of pods, and of addresses read backwards.

Pure spelling.  Whether anybody answers to a name is for :mod:`k8snet_course.dns.zone` to say.

=========================  ===================================================  =======================================
what                       function                                             example
=========================  ===================================================  =======================================
a Service                  :func:`service_name`                                 web.shop.svc.cluster.local
a named port of a Service  :func:`port_name`                                    _http._tcp.web.shop.svc.cluster.local
an endpoint of a Service   :func:`endpoint_name`                                db-0.db.shop.svc.cluster.local
a pod, by its address      :func:`pod_name`                                     10-244-0-2.shop.pod.cluster.local
an address, backwards      :func:`reverse_name`                                 20.0.96.10.in-addr.arpa
=========================  ===================================================  =======================================

Source: Kubernetes DNS-Based Service Discovery, version 1.1.0; CoreDNS, plugin kubernetes; RFC 1035 sections 2.3.4 and 3.5;
RFC 3596 section 2.5.
"""

from __future__ import annotations

import re
from functools import lru_cache
from ipaddress import IPv6Address, ip_address

from k8snet_course.addressing import address
from k8snet_course.errors import InvalidName

DOMAIN = "cluster.local"
"""The domain of a cluster whose administrator chose no other."""

IPV4_REVERSE, IPV6_REVERSE = "in-addr.arpa", "ip6.arpa"
"""The zones in which addresses are written backwards."""

LONGEST_LABEL, LONGEST_NAME = 63, 253
"""How many characters a label and a whole name may have (without the dot at the end)."""

_OCTET = r"(?:25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
_IPV4 = re.compile(rf"{_OCTET}(?:\.{_OCTET}){{3}}")


def service_name(service: str, namespace: str = "default", domain: str = DOMAIN) -> str:
    """The name of a Service.

    >>> service_name("web", "shop")
    'web.shop.svc.cluster.local'
    """
    return f"{service}.{namespace}.svc.{domain}"


def port_name(port: str, protocol: str, service: str, namespace: str = "default", domain: str = DOMAIN) -> str:
    """The name under which the SRV record of a Service's named port is found.

    >>> port_name("http", "TCP", "web", "shop")
    '_http._tcp.web.shop.svc.cluster.local'
    """
    return f"_{port}._{protocol.lower()}.{service_name(service, namespace, domain)}"


def endpoint_name(hostname_or_ip: str, service: str, namespace: str = "default", domain: str = DOMAIN) -> str:
    """The name of one endpoint of a Service: by its host name, or by its address where it has none.

    >>> endpoint_name("db-0", "db", "shop")
    'db-0.db.shop.svc.cluster.local'
    >>> endpoint_name("10.244.0.2", "db", "shop")
    '10-244-0-2.db.shop.svc.cluster.local'
    """
    text = hostname_or_ip
    return f"{dashed(text) if '.' in text or ':' in text else text}.{service_name(service, namespace, domain)}"


def pod_name(ip: str, namespace: str = "default", domain: str = DOMAIN) -> str:
    """The name of a pod, made of its address: dashes for dots (or colons), and ``pod``, not ``svc``.

    A pod's own name is in no such record.  Raises InvalidAddress.

        >>> pod_name("10.244.0.1", "my-app")
        '10-244-0-1.my-app.pod.cluster.local'
        >>> pod_name("fd00:10:244::2")
        'fd00-10-244--2.default.pod.cluster.local'
    """
    return f"{dashed(ip)}.{namespace}.pod.{domain}"


def mistaken_pod_name(ip: str, namespace: str = "default", domain: str = DOMAIN) -> str:
    """A mistake that has been published: a pod's name with dots, under ``svc``.  No server answers to it.

    Each dot begins a new label, so this name has eight of them where a Service's has five.  :func:`pod_name` spells it right.
    Raises InvalidAddress.

        >>> mistaken_pod_name("10.244.0.1", "my-app")
        '10.244.0.1.my-app.svc.cluster.local'
    """
    return f"{address(ip)}.{namespace}.svc.{domain}"


def check_address(ip: str) -> None:
    """Raise InvalidAddress for what is no address; the usual case, IPv4, is quickly recognised.

    >>> check_address("10.244.0.1")
    """
    if not _IPV4.fullmatch(ip):
        address(ip)


def dashed(ip: str) -> str:
    """An address as one label.  A label may not end in a dash, so an IPv6 address that would is given a 0.

    Raises InvalidAddress.

        >>> dashed("10.244.0.1"), dashed("fd00:10:244::2"), dashed("2001:db8::")
        ('10-244-0-1', 'fd00-10-244--2', '2001-db8--0')
    """
    if _IPV4.fullmatch(ip):
        return ip.replace(".", "-")
    label = str(address(ip)).replace(".", "-").replace(":", "-")
    return label + "0" if label.endswith("-") else label


def undashed(label: str) -> str:
    """The address that a label spells, in its usual form; empty where it spells none.

    Three single dashes mean IPv4, anything else is tried as IPv6.

        >>> undashed("10-244-0-1"), undashed("fd00-10-244--2"), undashed("10-244-0"), undashed("web")
        ('10.244.0.1', 'fd00:10:244::2', '', '')
    """
    ipv4 = label.count("-") == 3 and "--" not in label
    return _canonical(label.replace("-", "." if ipv4 else ":"))


def reverse_name(ip: str) -> str:
    """The name under which the PTR record of an address is found.  Raises InvalidAddress.

    >>> reverse_name("10.96.0.20")
    '20.0.96.10.in-addr.arpa'
    """
    return address(ip).reverse_pointer


def address_of(reverse: str) -> str:
    """The address that a reverse name spells, in its usual form; empty where it spells none.

    >>> address_of("20.0.96.10.in-addr.arpa."), address_of(reverse_name("fd00::1")), address_of("10.in-addr.arpa")
    ('10.96.0.20', 'fd00::1', '')
    """
    name = reverse.lower().removesuffix(".")
    if name.endswith("." + IPV4_REVERSE):
        return _canonical(".".join(reversed(name.removesuffix("." + IPV4_REVERSE).split("."))), 4)
    if name.endswith("." + IPV6_REVERSE):
        nibbles = name.removesuffix("." + IPV6_REVERSE).split(".")
        if len(nibbles) == 32 and all(len(nibble) == 1 for nibble in nibbles):
            text = "".join(reversed(nibbles))
            return _canonical(":".join(text[start : start + 4] for start in range(0, 32, 4)), 6)
    return ""


def question(name: object) -> str:
    """A name as a server compares it: in small letters, without the dot at the end.  The root is empty.

    Only what no DNS message can carry is refused: a label of more than 63 characters, an empty one, or more than 253 characters
    in all.  Raises InvalidName.

        >>> question("Web.Default.svc.cluster.local.")
        'web.default.svc.cluster.local'
        >>> question("web..svc")
        Traceback (most recent call last):
        k8snet_course.errors.InvalidName: invalid name 'web..svc': expected a DNS name: labels of 1 to 63 characters joined by \
single dots, 253 characters at most; write 'web.svc'.
    """
    if isinstance(name, str):
        plain = name.lower().removesuffix(".")
        if askable(plain):
            return plain
    shown = name if not isinstance(name, str) or len(name) < 80 else name[:60] + "..."
    mend = ".".join(label[:LONGEST_LABEL] for label in name.split(".") if label) if isinstance(name, str) else ""
    raise InvalidName(shown, "a DNS name: labels of 1 to 63 characters joined by single dots, 253 characters at most",
                      f"write '{mend}'" if mend and len(mend) < 80 else "write a name such as 'web.default.svc.cluster.local'")


def askable(plain: str) -> bool:
    """Whether a name without the dot at its end fits into a DNS message.

    >>> askable("web.default"), askable("a..b"), askable("a" * 64), askable("")
    (True, False, False, True)
    """
    if len(plain) > LONGEST_NAME or ".." in plain or plain[:1] == "." or plain[-1:] == ".":
        return False
    return len(plain) <= LONGEST_LABEL or all(len(label) <= LONGEST_LABEL for label in plain.split("."))


@lru_cache(maxsize=4096)
def _canonical(text: str, version: int = 0) -> str:
    """The usual form of an address; empty for what is none, or none of that version, or one with a zone (``%eth0``)."""
    try:
        found = ip_address(text)
    except ValueError:
        return ""
    if "%" in text or version not in (0, found.version):
        return ""
    mapped = found.ipv4_mapped if isinstance(found, IPv6Address) else None
    return str(mapped or found)
