"""The cluster's DNS server: what it answers, made from the objects it watches as CoreDNS's plugin ``kubernetes`` makes it.

Two steps.  First: which hosts does the name stand for (none at all: NXDOMAIN)?  Then: which records of the wanted type do
these hosts give (none: NODATA)?

====================================  ====================================================================
name in the domain                    stands for
====================================  ====================================================================
<service>.<namespace>.svc             the ClusterIPs; headless: the ready endpoints; ExternalName: an alias
<endpoint>.<service>.<namespace>.svc  the ready endpoint of that host name or dashed address
_<port>._<protocol>.<service>...svc   the same as the Service, for that port only
<dashed address>.<namespace>.pod      that address, as the option ``pods`` says
<namespace>.svc, <namespace>.pod      nothing, but it exists while the namespace does
====================================  ====================================================================

Where CoreDNS's code has accidents, names are answered by the rule instead: whether a name exists does not depend on the type
that is asked for (CoreDNS says NODATA to TXT for any name, and NXDOMAIN to A for dns-version), and nothing is below an
ExternalName or a pod's name.  Not modelled: NS records, wildcards (CoreDNS has dropped them), caching, message sizes.

Source: Kubernetes DNS-Based Service Discovery, version 1.1.0; CoreDNS 1.14, plugin kubernetes; kubeadm's Corefile.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from types import MappingProxyType

from k8snet_course.dns.hints import no_hosts, with_dots
from k8snet_course.dns.hosts import address_records, hosts_of, names_under, srv_records
from k8snet_course.dns.names import (
    DOMAIN,
    IPV4_REVERSE,
    IPV6_REVERSE,
    address_of,
    askable,
    endpoint_name,
    pod_name,
    question,
    reverse_name,
    service_name,
    undashed,
)
from k8snet_course.dns.outside import Outside
from k8snet_course.dns.records import Answer, Rcode, Record, record_type
from k8snet_course.dns.watched import Watched
from k8snet_course.errors import InvalidArgument
from k8snet_course.names import dns_subdomain, nearest
from k8snet_course.objects.endpoint_slice import EndpointSlice
from k8snet_course.objects.pod import Pod
from k8snet_course.objects.service import EXTERNAL_NAME, Service

VERSION, VERSION_TTL = "1.1.0", 28800
"""The version of the specification that is followed, and how long that may be remembered (seconds)."""

DISABLED, INSECURE, VERIFIED = "disabled", "insecure", "verified"
"""The option ``pods``: no names for pods; for every address that can be spelt; for those that a pod has."""

_NO_NAMES: Mapping[str, tuple[str, ...]] = MappingProxyType({})
_NEGATIVE_TTL = 300
_LONGEST_CHAIN = 8
_VERSIONS = {"A": "IPv4", "AAAA": "IPv6"}


class Zone:
    """The DNS server of a cluster.  It is told of the objects one by one, and asked with :meth:`query`.

    ``pods`` is disabled, insecure (kubeadm's choice, so it is the default here) or verified; ``upstream`` has the names outside
    the cluster and their addresses (None: nobody answers there); ``ttl`` is in seconds.  ``fallthrough`` passes unknown
    addresses in reverse zones on to the outside; ``ignore_empty_service`` hides Services without a ready endpoint.  Raises
    InvalidArgument, InvalidName or InvalidAddress.

        >>> from k8snet_course.objects.service import ServicePort
        >>> zone = Zone()
        >>> zone.add_namespace("shop")
        >>> zone.add_service(Service("web", "shop", ports=(ServicePort(80, name="http"),), cluster_ips=("10.96.0.20",)))
        >>> print(zone.query("web.shop.svc.cluster.local"))
        ;; status: NOERROR
        ;; ANSWER SECTION:
        web.shop.svc.cluster.local. 30 IN A 10.96.0.20
        >>> print(zone.query("_http._tcp.web.shop.svc.cluster.local", "SRV").records[0])
        _http._tcp.web.shop.svc.cluster.local. 30 IN SRV 0 100 80 web.shop.svc.cluster.local.
    """

    __slots__ = ("_outside", "_suffix", "_watched", "domain", "fallthrough", "ignore_empty_service", "pods", "ttl")

    def __init__(self, domain: str = DOMAIN, pods: str = INSECURE, upstream: Mapping[str, tuple[str, ...]] | None = _NO_NAMES,
                 ttl: int = 30, *, fallthrough: bool = True, ignore_empty_service: bool = False) -> None:
        if pods not in (DISABLED, INSECURE, VERIFIED):
            raise InvalidArgument(pods, "pods as disabled, insecure or verified",
                                  f"write {nearest(pods, (INSECURE, VERIFIED, DISABLED))!r}")
        if not isinstance(ttl, int) or isinstance(ttl, bool) or not 0 <= ttl <= 3600:
            raise InvalidArgument(ttl, "a ttl from 0 to 3600 seconds", "write ttl=30")
        self.domain = dns_subdomain(domain, "cluster domain")
        self.pods, self.ttl = pods, ttl
        self.fallthrough, self.ignore_empty_service = fallthrough, ignore_empty_service
        self._suffix = f".{domain}"
        self._outside = None if upstream is None else Outside(upstream, ttl)
        self._watched = Watched()

    def add_namespace(self, name: str) -> None:
        """A namespace is there: only names in known namespaces are answered."""
        self._watched.add_namespace(name)

    def remove_namespace(self, name: str) -> None:
        """A namespace is gone, and with it every name in it."""
        self._watched.remove_namespace(name)

    def add_service(self, service: Service) -> None:
        """A Service is there, or has changed.  Raises InvalidAddress."""
        self._watched.add_service(service)

    def remove_service(self, namespace: str, name: str) -> None:
        """A Service is gone."""
        self._watched.remove_service(namespace, name)

    def set_slices(self, namespace: str, service: str, slices: Iterable[EndpointSlice]) -> None:
        """These are all the EndpointSlices of a Service; of their endpoints, those that are ready get names.

        Raises InvalidAddress.
        """
        self._watched.set_slices(namespace, service, slices)

    def expect_slices(self, namespace: str, service: str, slices: Callable[[], Iterable[EndpointSlice]]) -> None:
        """As ``set_slices``, with what works the slices out when the first question about the Service comes."""
        self._watched.expect_slices(namespace, service, slices)

    def add_pod(self, pod: Pod) -> None:
        """A pod is there: looked at with ``pods="verified"`` only, as otherwise CoreDNS does not watch pods."""
        if self.pods == VERIFIED:
            self._watched.add_pod(pod)

    def remove_pod(self, pod: Pod) -> None:
        """A pod is gone."""
        if self.pods == VERIFIED:
            self._watched.remove_pod(pod)

    def copy(self) -> Zone:
        """Another server that knows the same: what it is told does not change this one."""
        twin = Zone(self.domain, self.pods, None, self.ttl, fallthrough=self.fallthrough,
                    ignore_empty_service=self.ignore_empty_service)
        twin._outside, twin._watched = self._outside, self._watched.copy()
        return twin

    def query(self, name: str, type: str = "A") -> Answer:  # noqa: A002  # the field's word for it
        """The answer to one query.  ``name`` is a full name: with or without the dot at the end, in any case.

        A short name is completed by the client: see :func:`k8snet_course.dns.resolver.lookup`.  Raises InvalidName or
        InvalidArgument.

            >>> zone = Zone(upstream={"example.com": ("93.184.216.34",)})
            >>> zone.query("example.com").addresses
            ('93.184.216.34',)
            >>> print(zone.query("web.nowhere.svc.cluster.local"))
            ;; status: NXDOMAIN (there is no namespace nowhere)
            ;; AUTHORITY SECTION:
            cluster.local. 30 IN SOA ns.dns.cluster.local. hostmaster.cluster.local. 0 7200 1800 86400 30
        """
        asked = question(name)
        return self._answer(asked, record_type(type), name if name[-1:] == "." else name + ".", ())

    def names(self) -> Iterator[tuple[str, str]]:
        """Every name with every type of record that the server has of its own, as (name, type).

        The names that ``pods="insecure"`` would answer are not listed: there is one for every address there is.

            >>> from k8snet_course.objects.service import ServicePort
            >>> zone = Zone()
            >>> zone.add_namespace("default")
            >>> zone.add_service(Service("web", ports=(ServicePort(80),), cluster_ips=("10.96.0.20",)))
            >>> for name, type in zone.names():
            ...     print(type, name)
            SOA cluster.local.
            TXT dns-version.cluster.local.
            A web.default.svc.cluster.local.
            PTR 20.0.96.10.in-addr.arpa.
        """
        yield f"{self.domain}.", "SOA"
        yield f"dns-version.{self.domain}.", "TXT"
        for service in self._watched.services.values():
            if service.namespace not in self._watched.namespaces or self._hidden(service):
                continue
            if service.type != EXTERNAL_NAME:
                yield from names_under(service, self._watched.backends_of(service.key), self.domain)
            elif _target(service):
                yield f"{service_name(service.name, service.namespace, self.domain)}.", "CNAME"
        for ip in self._watched.addresses():
            yield f"{reverse_name(ip)}.", "PTR"
        for ip, pods in self._watched.pods.items():
            for namespace in dict.fromkeys(pod.namespace for pod in pods.values()):
                if namespace in self._watched.namespaces:
                    yield f"{pod_name(ip, namespace, self.domain)}.", "AAAA" if ":" in ip else "A"

    def __repr__(self) -> str:
        watched = self._watched
        return (f"<Zone {self.domain}: {len(watched.services)} Services in {len(watched.namespaces)} namespaces, "
                f"pods {self.pods}>")

    # Names in general

    def _answer(self, asked: str, wanted: str, owner: str, before: tuple[str, ...]) -> Answer:
        """The answer to a query for a plain name.  ``before`` has the names whose aliases have led here."""
        if asked.endswith(self._suffix):
            return self._inside(asked, wanted, owner, before)
        if asked == self.domain:
            if wanted == "SOA":
                return Answer(Rcode.NOERROR, (self._soa(self.domain),))
            return self._nothing(f"{asked} is the cluster's domain, and has no {wanted} record")
        for zone in (IPV4_REVERSE, IPV6_REVERSE):
            if asked == zone or asked.endswith(f".{zone}"):
                return self._reverse(asked, wanted, owner, zone)
        return self._forward(asked, wanted, owner)

    def _forward(self, asked: str, wanted: str, owner: str) -> Answer:
        """What the servers outside the cluster say."""
        if self._outside is None:
            return Answer(Rcode.SERVFAIL, why=f"no server outside the cluster answers, to say whether {asked} exists")
        return self._outside.query(owner, wanted)

    def _reverse(self, asked: str, wanted: str, owner: str, zone: str) -> Answer:
        """An address, backwards: the Service that has it, or else each endpoint that has it."""
        if asked == zone:
            return self._nothing(f"{zone} is the zone of addresses itself", zone)
        ip = address_of(asked)
        serving = self._watched.service_at(ip)
        if serving is not None:
            found = [service_name(serving.name, serving.namespace, self.domain)]
        else:
            found = [endpoint_name(backend.label, service, namespace, self.domain)
                     for namespace, service, backend in self._watched.backends_at(ip)]
        if not found:
            if self.fallthrough:
                return self._forward(asked, wanted, owner)
            return self._missing(f"no Service and no ready endpoint has the address {ip}" if ip else
                                 f"{asked} spells no address", zone)
        if wanted != "PTR":
            return self._nothing(f"{asked} has a PTR record only", zone)
        return Answer(Rcode.NOERROR, tuple([Record(owner, "PTR", self.ttl, f"{each}.") for each in dict.fromkeys(found)]))

    def _inside(self, asked: str, wanted: str, owner: str, before: tuple[str, ...]) -> Answer:
        """A name in the cluster's domain."""
        labels = asked[: -len(self._suffix)].split(".")
        kind = labels[-1]
        if kind not in ("svc", "pod"):
            if labels == ["dns-version"]:
                if wanted == "TXT":
                    return Answer(Rcode.NOERROR, (Record(owner, "TXT", VERSION_TTL, f'"{VERSION}"'),))
                return self._nothing(f"{asked} has a TXT record only")
            return self._missing(f"names in {self.domain} end in svc.{self.domain} or pod.{self.domain}")
        if len(labels) == 1:
            return self._nothing(f"{asked} only holds the names below it")
        namespace = labels[-2]
        if kind == "pod" and self.pods == DISABLED:
            return self._missing("the server gives pods no names (pods disabled)")
        if namespace not in self._watched.namespaces:
            return self._missing(with_dots(labels, self.domain) or f"there is no namespace {namespace}")
        if len(labels) == 2:
            return self._nothing(f"{asked} only holds the names of the namespace {namespace}")
        if kind == "pod":
            return self._pod(labels, namespace, wanted, owner)
        if len(labels) > 5:
            return self._missing(with_dots(labels, self.domain) or "no name has more than four labels before svc")
        service = self._watched.services.get(f"{namespace}/{labels[-3]}")
        if service is None:
            return self._missing(with_dots(labels, self.domain)
                                 or f"there is no Service {labels[-3]} in the namespace {namespace}")
        if service.type == EXTERNAL_NAME:
            return self._alias(service, labels, asked, wanted, owner, before)
        return self._hosts_answer(service, labels, wanted, owner)

    # Pods

    def _pod(self, labels: list[str], namespace: str, wanted: str, owner: str) -> Answer:
        """A pod's address as a name.  Unless pods are verified, no pod needs to have it."""
        if len(labels) > 3:
            return self._missing("nothing is below a pod's name")
        ip = undashed(labels[0])
        if not ip:
            return self._missing(f"{labels[0]} spells no address (a pod is named by its address, as in 10-244-0-2)")
        if self.pods == VERIFIED and not self._watched.has_pod(ip, namespace):
            return self._missing(f"no pod in the namespace {namespace} has the address {ip} (pods verified)")
        if wanted != ("AAAA" if ":" in ip else "A"):
            return self._nothing(f"{ip} is an {'IPv6' if ':' in ip else 'IPv4'} address, so there is no {wanted} record")
        return Answer(Rcode.NOERROR, (Record(owner, wanted, self.ttl, ip),))

    # Services

    def _alias(self, service: Service, labels: list[str], asked: str, wanted: str, owner: str,
               before: tuple[str, ...]) -> Answer:
        """An ExternalName: an alias, together with what the name that it leads to has."""
        target = _target(service)
        if len(labels) > 3:
            return self._missing(f"nothing is below {service.name}, which is an ExternalName")
        if not target:
            return self._missing(f"{service.name} is an ExternalName for {service.external_name!r}, which is no name")
        cname = Record(owner, "CNAME", self.ttl, f"{target}.")
        if wanted == "CNAME":
            return Answer(Rcode.NOERROR, (cname,))
        if wanted not in _VERSIONS:
            return self._nothing(f"{service.name} is an ExternalName, and gives no {wanted} record")
        if target == asked or asked in before:
            return self._nothing(f"the alias {asked} leads back to itself")
        if len(before) >= _LONGEST_CHAIN:
            return self._nothing(f"more than {_LONGEST_CHAIN} aliases lead to {asked}")
        found = self._answer(target, wanted, f"{target}.", (*before, asked))
        if not found.records and (target == self.domain or target.endswith(self._suffix)):
            return self._nothing(f"{service.name} is an alias for {target}, which has no {wanted} record: {found.why}")
        return Answer(Rcode.NOERROR, (cname, *found.records), why=found.why)

    def _hosts_answer(self, service: Service, labels: list[str], wanted: str, owner: str) -> Answer:
        """What the hosts behind a name under a Service give; NXDOMAIN when there are none."""
        hosts = None
        if not self._hidden(service):
            hosts = hosts_of(service, self._watched.backends_of(service.key), labels, self.domain)
        if hosts is None:
            return self._missing(no_hosts(service, labels, bool(self._watched.backends_of(service.key).all)))
        if wanted == "SRV":
            records, additional = srv_records(hosts, owner, self.ttl)
            if records:
                return Answer(Rcode.NOERROR, records, additional=additional)
            return self._nothing("no port is declared, so there is no SRV record")
        if wanted not in _VERSIONS:
            return self._nothing(f"the Service {service.name} has no {wanted} record")
        records = address_records(hosts, owner, wanted, self.ttl)
        if records:
            return Answer(Rcode.NOERROR, records)
        return self._nothing(f"{'.'.join(labels[:-2])} has no {_VERSIONS[wanted]} address")

    def _hidden(self, service: Service) -> bool:
        """Whether a Service is left out because nobody is behind it."""
        return (self.ignore_empty_service and service.type != EXTERNAL_NAME and not service.headless
                and not self._watched.backends_of(service.key).all)

    def _missing(self, why: str, zone: str = "") -> Answer:
        """There is no such name."""
        return Answer(Rcode.NXDOMAIN, authority=(self._soa(zone or self.domain),), why=why)

    def _nothing(self, why: str, zone: str = "") -> Answer:
        """The name exists, but has no record of this type."""
        return Answer(Rcode.NOERROR, authority=(self._soa(zone or self.domain),), why=why)

    def _soa(self, zone: str) -> Record:
        """The record that says whose zone it is.  The serial is a time in CoreDNS; here it counts the changes."""
        return Record(f"{zone}.", "SOA", min(self.ttl, _NEGATIVE_TTL),
                      f"ns.dns.{zone}. hostmaster.{zone}. {self._watched.changes} 7200 1800 86400 {self.ttl}")


def _target(service: Service) -> str:
    """The plain name that an ExternalName leads to; empty where what is written is an address, or no name."""
    target = service.external_name.lower().removesuffix(".")
    return target if askable(target) and not target.replace(".", "").isdigit() and ":" not in target else ""
