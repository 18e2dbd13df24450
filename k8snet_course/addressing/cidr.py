"""Reading addresses and networks that people write, and writing numbers back as addresses.

This is the one place where a text becomes an address or a network.  It is strict, as Kubernetes is since 1.36: no
leading zeros, no host bits, no netmasks, no IPv4 address dressed up as IPv6.  What it returns is valid and canonical,
so nobody behind it checks again.  It does not know what an address is used for; who calls says so in ``what``, for
the message.

Source: RFC 4632 section 3.1 (CIDR notation); RFC 5952 (canonical IPv6 text); Kubernetes "StrictIPCIDRValidation".
"""

from __future__ import annotations

from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from itertools import combinations

from k8snet_course.errors import CidrOverlap, InvalidAddress, InvalidCidr

Address = IPv4Address | IPv6Address
Network = IPv4Network | IPv6Network


def network(text: str, what: str = "CIDR") -> Network:
    """A network written in CIDR notation, such as ``10.244.0.0/16`` or ``fd00:10:244::/48``.

    ``what`` names it in the message.  Raises InvalidCidr: no CIDR notation, or bits set behind the prefix (host bits).
    Source: RFC 4632 section 3.1.

        >>> network("10.244.0.0/24")
        IPv4Network('10.244.0.0/24')
        >>> network("10.244.0.7/24", "pod_cidr")
        Traceback (most recent call last):
        k8snet_course.errors.InvalidCidr: invalid CIDR '10.244.0.7/24': expected a pod_cidr without host bits \
(Network has host bits set. For a subnet mask of length 24 the network address is 10.244.0.0); write '10.244.0.0/24'.
    """
    try:
        return _network(_plain(text))
    except ValueError:
        pass
    meant = _meant_network(text)
    if meant is not None and meant[1]:
        raise InvalidCidr(text, f"a {what} without host bits (Network has host bits set. For a subnet mask of length "
                          f"{meant[0].prefixlen} the network address is {meant[0].network_address})",
                          f"write '{meant[0]}'")
    raise InvalidCidr(text, f"a {what}: a network address, '/' and the prefix length",
                      f"write '{meant[0]}'" if meant else "write something like '10.244.0.0/16'")


def networks(text: str, what: str = "CIDR") -> tuple[Network, ...]:
    """One network, or one of each address family joined by a comma: how Kubernetes flags write dual stack.

    Raises InvalidCidr.  Source: kube-controller-manager reference, ``--cluster-cidr``.

        >>> [str(each) for each in networks("10.244.0.0/16,fd00:10:244::/48")]
        ['10.244.0.0/16', 'fd00:10:244::/48']
    """
    parts = text.split(",") if isinstance(text, str) else [text]
    found = tuple(network(part, what) for part in parts)
    if len({each.version for each in found}) < len(found):
        raise InvalidCidr(text, f"a {what} with one network, or one of IPv4 and one of IPv6", f"write '{found[0]}'")
    return found


def address(text: str, what: str = "address") -> Address:
    """An IP address, such as ``10.244.0.2`` or ``fd00:10:244::2``.

    ``what`` names it in the message.  Raises InvalidAddress.  Source: RFC 6943 section 3.1.1 (why leading zeros are
    refused: some programs read them as octal).

        >>> address("10.244.0.2")
        IPv4Address('10.244.0.2')
        >>> address("10.244.0.02", "pod address")
        Traceback (most recent call last):
        k8snet_course.errors.InvalidAddress: invalid address '10.244.0.02': expected a pod address: an IPv4 or IPv6 \
address without prefix length or leading zeros; write '10.244.0.2'.
    """
    try:
        return _address(_plain(text))
    except ValueError:
        article = "an" if what[:1] in "aeio" else "a"
        raise InvalidAddress(text, f"{article} {what}: an IPv4 or IPv6 address without prefix length or leading zeros",
                             _meant_address(text)) from None


def number_of(text: str) -> tuple[int, int]:
    """An address as (IP version, number), for arithmetic and comparison; remembered, so asking again costs nothing.

    Raises InvalidAddress.

        >>> number_of("10.0.0.2")
        (4, 167772162)
    """
    found = address(text)
    return found.version, int(found)


def text_of(version: int, number: int) -> str:
    """The canonical text of an address given as number.  Source: RFC 5952 for IPv6.

        >>> text_of(4, 167772162), text_of(6, 1)
        ('10.0.0.2', '::1')
    """
    if version == 4:
        return f"{number >> 24}.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"
    return str(IPv6Address(number))


def disjoint(**named_networks: str) -> None:
    """Check that networks share no address: nodes, pods and Services each need a range of their own.

    Each value is a network, or an IPv4 and an IPv6 network joined by a comma; its keyword names it in the message.
    Raises CidrOverlap, or InvalidCidr.  Source: Kubernetes documentation, "Cluster Networking".

        >>> disjoint(pod_cidr="10.244.0.0/16", service_cidr="10.96.0.0/12", node_network="192.168.1.0/24")
        >>> disjoint(pod_cidr="10.100.0.0/16", service_cidr="10.96.0.0/12")
        Traceback (most recent call last):
        k8snet_course.errors.CidrOverlap: overlapping CIDR '10.100.0.0/16': expected a pod_cidr that shares no \
address with service_cidr 10.96.0.0/12; give pod_cidr or service_cidr another range.
    """
    parsed = {name: networks(text, name) for name, text in named_networks.items()}
    for (name, mine), (other, theirs) in combinations(parsed.items(), 2):
        for one in mine:
            for two in theirs:
                if one.version == two.version and one.overlaps(two):
                    raise CidrOverlap(str(one), f"a {name} that shares no address with {other} {two}",
                                      f"give {name} or {other} another range")


def _plain(text: object) -> str:
    """The text, if it is one: ipaddress would also take numbers and bytes."""
    if not isinstance(text, str):
        raise ValueError(text)
    return text


@lru_cache(maxsize=65536)
def _address(text: str) -> Address:
    """Parse strictly, or ValueError."""
    found = ip_address(text)
    if isinstance(found, IPv6Address) and (found.ipv4_mapped is not None or found.scope_id is not None):
        raise ValueError(text)
    return found


@lru_cache(maxsize=16384)
def _network(text: str) -> Network:
    """Parse strictly, or ValueError."""
    found = ip_network(text)
    length = text.partition("/")[2]
    if not length.isdecimal() or length != _without_zeros(length):
        raise ValueError(text)
    if isinstance(found, IPv6Network):
        _address(text.partition("/")[0])
    return found


def _without_zeros(digits: str) -> str:
    """Digits without leading zeros."""
    return digits.lstrip("0") or digits[:1]


def _meant_address(text: object) -> str:
    """How to mend a text that is no address."""
    base = str(text).strip().partition("/")[0].partition("%")[0]
    if base.count(".") == 3 and ":" not in base:
        base = ".".join(map(_without_zeros, base.split(".")))
    try:
        found = ip_address(base)
    except ValueError:
        return "write something like '10.244.0.2'"
    mapped = found.ipv4_mapped if isinstance(found, IPv6Address) else None
    return f"write '{mapped or found}'"


def _meant_network(text: object) -> tuple[Network, bool] | None:
    """What was meant by a text that is no network, and whether host bits were all that was wrong."""
    base, slash, length = str(text).strip().partition("/")
    if base.count(".") == 3 and ":" not in base:
        base = ".".join(map(_without_zeros, base.split(".")))
    mended = f"{base}{slash}{_without_zeros(length)}"
    try:
        return ip_network(mended, strict=False), mended == text and length.isdecimal()
    except ValueError:
        return None
