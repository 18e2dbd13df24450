"""A pod's /etc/resolv.conf: whom its programs ask, and how short names are completed.

The kubelet makes the file from the pod's ``dnsPolicy``, its ``dnsConfig`` and the node's own file:

=======================  ===================================================================================
dnsPolicy                what the file begins with
=======================  ===================================================================================
ClusterFirst             the cluster's server; three search domains and then the node's; ``ndots:5``
... with hostNetwork     the same as Default
ClusterFirstWithHostNet  the same as ClusterFirst, hostNetwork or not
Default                  the node's file
None                     nothing: all must come from ``dnsConfig``
=======================  ===================================================================================

The policy for a pod that names none is ClusterFirst, not Default.  ``dnsConfig`` is then merged in, and the limits are applied
last.  What becomes of a name is for :mod:`k8snet_course.dns.resolver` to say.

Source: Kubernetes documentation, "DNS for Services and Pods"; Kubernetes 1.37, kubelet (network/dns) and API validation;
resolv.conf(5).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

from k8snet_course.dns.names import DOMAIN
from k8snet_course.errors import InvalidArgument, InvalidManifest
from k8snet_course.names import nearest
from k8snet_course.objects.pod_dns_config import (
    LONGEST_SEARCH,
    LONGEST_SEARCH_LINE,
    MOST_NAMESERVERS,
    MOST_SEARCHES,
    PodDnsConfig,
    option_text,
)

CLUSTER_FIRST, CLUSTER_FIRST_WITH_HOST_NET = "ClusterFirst", "ClusterFirstWithHostNet"
DEFAULT, NONE = "Default", "None"
DNS_POLICIES = (CLUSTER_FIRST, CLUSTER_FIRST_WITH_HOST_NET, DEFAULT, NONE)
"""The values of a pod's ``dnsPolicy``."""


@dataclass(frozen=True, slots=True)
class ResolvConf:
    """A resolv.conf.  It prints as the file that the container runtime writes.

    ``events`` are what the kubelet complained of while it made the file; they are not in it.

        >>> print(ResolvConf(("10.96.0.10",), ("default.svc.cluster.local", "svc.cluster.local"), ("ndots:5",)))
        search default.svc.cluster.local svc.cluster.local
        nameserver 10.96.0.10
        options ndots:5
    """

    nameservers: tuple[str, ...] = ()
    search: tuple[str, ...] = ()
    options: tuple[str, ...] = ()
    events: tuple[str, ...] = ()

    @classmethod
    def parse(cls, text: str) -> ResolvConf:
        """Read a resolv.conf as the kubelet does: the last ``search`` and ``options`` line counts, every ``nameserver`` does.

        >>> ResolvConf.parse("nameserver 192.168.1.1\\nsearch old.example\\nsearch lan. example.com").search
        ('lan', 'example.com')
        """
        nameservers: list[str] = []
        search: list[str] = []
        options: list[str] = []
        for line in text.splitlines():
            words = line.split()
            if not words or words[0].startswith(("#", ";")):
                continue
            if words[0] == "nameserver" and len(words) > 1:
                nameservers.append(words[1])
            elif words[0] == "search":
                search = [word if word == "." else word.removesuffix(".") for word in words[1:]]
            elif words[0] == "options":
                options = words[1:]
        return cls(tuple(nameservers), tuple(search), tuple(options))

    def option(self, name: str, otherwise: int = 0) -> int:
        """The number that an option has; ``otherwise`` where it is missing or is none.

        >>> ResolvConf(options=("ndots:5", "rotate")).option("ndots", 1)
        5
        """
        values = [value for each in self.options for key, _, value in [each.partition(":")] if key == name]
        return int(values[-1]) if values and values[-1].isdecimal() else otherwise

    @property
    def ndots(self) -> int:
        """How many dots make a name worth asking as it is first: 1 where the file does not say, 15 at most.

        >>> ResolvConf().ndots
        1
        """
        return min(self.option("ndots", 1), 15)

    def __str__(self) -> str:
        lines = [f"search {' '.join(self.search)}"] if self.search else []
        lines += [f"nameserver {each}" for each in self.nameservers]
        return "\n".join([*lines, f"options {' '.join(self.options)}"] if self.options else lines)


def resolv_conf(namespace: str = "default", dns_policy: str = CLUSTER_FIRST, dns_config: PodDnsConfig | None = None,
                node: ResolvConf | None = None, cluster_dns: Iterable[str] = ("10.96.0.10",), host_network: bool = False,
                domain: str = DOMAIN) -> ResolvConf:
    """The resolv.conf of a pod in this namespace; ``node`` is its node's own, ``cluster_dns`` the DNS Service's addresses.

    ``dns_policy`` is the pod's as written.  Raises InvalidArgument, or InvalidManifest (policy None without a name server).

        >>> print(resolv_conf("shop"))
        search shop.svc.cluster.local svc.cluster.local cluster.local
        nameserver 10.96.0.10
        options ndots:5
        >>> print(resolv_conf("shop", "Default", node=ResolvConf(("192.168.1.1",), ("lan",))))
        search lan
        nameserver 192.168.1.1
    """
    if dns_policy not in DNS_POLICIES:
        raise InvalidArgument(dns_policy, f"a dnsPolicy: {', '.join(DNS_POLICIES)}",
                              f"write {nearest(dns_policy, DNS_POLICIES)!r}")
    host = node or ResolvConf()
    servers = tuple(cluster_dns)
    events: list[str] = []
    from_cluster = dns_policy == CLUSTER_FIRST_WITH_HOST_NET or (dns_policy == CLUSTER_FIRST and not host_network)
    if from_cluster and not servers:
        events.append(f"MissingClusterDNS: the kubelet knows no DNS server of the cluster and uses {DEFAULT}, not {dns_policy}")
    if dns_policy == NONE:
        if dns_config is None or not dns_config.nameservers:
            raise InvalidManifest(NONE, "a dnsConfig with at least one name server beside dnsPolicy None",
                                  "write dnsConfig: {nameservers: [10.96.0.10]}")
        made = ResolvConf()
    elif from_cluster and servers:
        own = (f"{namespace}.svc.{domain}", f"svc.{domain}", domain) if domain else ()
        made = ResolvConf(servers, (*own, *host.search), ("ndots:5",))
    else:
        made = ResolvConf(host.nameservers, host.search, host.options)
    if dns_config is not None:
        made = ResolvConf((*made.nameservers, *dns_config.nameservers),
                          (*made.search, *(each if each == "." else each.removesuffix(".") for each in dns_config.searches)),
                          _merged(made.options, dns_config.options))
    nameservers, search = tuple(dict.fromkeys(made.nameservers)), tuple(dict.fromkeys(made.search))
    kept = _within_limits(search)
    if len(nameservers) > MOST_NAMESERVERS:
        nameservers = nameservers[:MOST_NAMESERVERS]
        events.append(f"DNSConfigForming: more than {MOST_NAMESERVERS} name servers; used are {' '.join(nameservers)}")
    if kept != search:
        events.append(f"DNSConfigForming: the search line is beyond its limits ({MOST_SEARCHES} domains, {LONGEST_SEARCH_LINE} "
                      f"characters); {len(search) - len(kept)} left out")
    return replace(made, nameservers=nameservers, search=kept, events=tuple(events))


def _within_limits(search: tuple[str, ...]) -> tuple[str, ...]:
    """The search domains that fit, from the front; one that is too long by itself is left out alone."""
    kept = [each for each in search[:MOST_SEARCHES] if len(each) <= LONGEST_SEARCH]
    while len(" ".join(kept)) > LONGEST_SEARCH_LINE:
        kept.pop()
    return tuple(kept)


def _merged(options: tuple[str, ...], more: tuple[tuple[str, str], ...]) -> tuple[str, ...]:
    """The options with those of a dnsConfig: one of the same name is replaced where it stands."""
    merged = {name: value for name, _, value in (each.partition(":") for each in options)}
    return tuple(option_text(name, value) for name, value in {**merged, **dict(more)}.items())
