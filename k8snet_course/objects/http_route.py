"""HTTPRoutes: which Services answer an HTTP request, said by its host, path, method, headers and query parameters.

A route attaches to Gateways, or to a Service (then it is for a service mesh).  What the API server would refuse cannot be made.
It chooses nothing: that is :mod:`k8snet_course.services.gateway`.  Filters (redirects, changed paths and headers) are not here.

Source: kubernetes-sigs/gateway-api 1.6, gateway.networking.k8s.io/v1 (HTTPRoute, ParentReference).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from k8snet_course.errors import InvalidArgument
from k8snet_course.names import check_labels, dns_label, dns_subdomain, nearest
from k8snet_course.objects.ingress import check_host, check_path
from k8snet_course.objects.network_policy import check_port

EXACT, PATH_PREFIX, REGULAR_EXPRESSION = "Exact", "PathPrefix", "RegularExpression"
"""How values are compared.  The third is left to each controller, and ours does without."""

METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH")

MOST_PARENTS, MOST_HOSTNAMES, MOST_RULES, MOST_MATCHES_OF_A_RULE, MOST_MATCHES, MOST_CONDITIONS = 32, 16, 16, 64, 128, 16
MOST_BACKENDS, MOST_WEIGHT = 16, 1_000_000

_HEADER = re.compile(r"[A-Za-z0-9!#$%&'*+\-.^_`|~]{1,256}")
_PATH = re.compile(r"(?:[-A-Za-z0-9/._~!$&'()*+,;=:@]|%[0-9a-fA-F]{2})+")


@dataclass(frozen=True, slots=True)
class ParentReference:
    """To what a route attaches: a Gateway (or one of its listeners), or a Service of a mesh.

    No namespace: the route's own.  ``section_name`` is a listener's name, ``port`` (0: any) its port.  Raises InvalidArgument.

        >>> print(ParentReference("edge", "infra", "web"))
        Gateway infra/edge listener web
    """

    name: str
    namespace: str = ""
    section_name: str = ""
    port: int = 0
    kind: str = "Gateway"

    def __post_init__(self) -> None:
        dns_subdomain(self.name, "name of a parentRef")
        if self.namespace:
            dns_label(self.namespace, "namespace")
        if self.section_name:
            dns_subdomain(self.section_name, "sectionName")
        if self.port:
            check_port(self.port, "port")

    def __str__(self) -> str:
        where = f"{self.kind} {self.namespace}/{self.name}" if self.namespace else f"{self.kind} {self.name}"
        section = f" listener {self.section_name}" if self.section_name else ""
        return where + section + (f" port {self.port}" if self.port else "")


@dataclass(frozen=True, slots=True)
class HTTPPathMatch:
    """A condition on the path: Exact, or PathPrefix, which compares whole elements between '/'.  Raises InvalidArgument.

    >>> print(HTTPPathMatch("/cart"), "|", HTTPPathMatch())
    PathPrefix /cart | PathPrefix /
    """

    value: str = "/"
    type: str = PATH_PREFIX

    def __post_init__(self) -> None:
        known = (EXACT, PATH_PREFIX, REGULAR_EXPRESSION)
        if self.type not in known:
            raise InvalidArgument(self.type, f"a type of path match: {', '.join(known)}", f"write {nearest(self.type, known)}")
        if self.type != REGULAR_EXPRESSION:
            check_path(self.value)
            if not _PATH.fullmatch(self.value):
                raise InvalidArgument(self.value, "a path as it stands in a URL, without '#', '?' and spaces",
                                      "write '%20' for a space, and the query under queryParams")
        if len(self.value) > 1024:
            raise InvalidArgument(self.value[:60] + "...", "a path of at most 1024 characters", "shorten it")

    def __str__(self) -> str:
        return f"{self.type} {self.value}"


@dataclass(frozen=True, slots=True)
class HTTPHeaderMatch:
    """A condition on a header: it has this very value.  The case of the name does not matter.  Raises InvalidArgument.

    >>> print(HTTPHeaderMatch("version", "v2"))
    header version: v2
    """

    name: str
    value: str
    type: str = EXACT

    def __post_init__(self) -> None:
        _check_condition(self.name, self.value, self.type, "header")

    def __str__(self) -> str:
        return f"header {self.name}: {self.value}"


@dataclass(frozen=True, slots=True)
class HTTPQueryParamMatch:
    """A condition on a query parameter: it has this very value.  Raises InvalidArgument.

    >>> print(HTTPQueryParamMatch("animal", "whale"))
    query animal=whale
    """

    name: str
    value: str
    type: str = EXACT

    def __post_init__(self) -> None:
        _check_condition(self.name, self.value, self.type, "query parameter")

    def __str__(self) -> str:
        return f"query {self.name}={self.value}"


@dataclass(frozen=True, slots=True)
class HTTPRouteMatch:
    """Conditions that must *all* hold.  Without any it is the prefix '/', which every request has.  Raises InvalidArgument.

    >>> print(HTTPRouteMatch(HTTPPathMatch("/cart"), "POST", (HTTPHeaderMatch("version", "v2"),)))
    PathPrefix /cart and POST and header version: v2
    """

    path: HTTPPathMatch = field(default_factory=HTTPPathMatch)
    method: str = ""
    headers: tuple[HTTPHeaderMatch, ...] = ()
    query_params: tuple[HTTPQueryParamMatch, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "headers", tuple(self.headers))
        object.__setattr__(self, "query_params", tuple(self.query_params))
        if self.method and self.method not in METHODS:
            raise InvalidArgument(self.method, f"a method: {', '.join(METHODS)}",
                                  f"write {nearest(self.method.upper(), METHODS)}")
        for names in ([each.name for each in self.headers], [each.name for each in self.query_params]):
            _at_most(names, MOST_CONDITIONS, "conditions of a kind")
            for number, name in enumerate(names):
                if name in names[:number]:
                    raise InvalidArgument(name, "each name once in a match", "leave the second out, or add another match")

    @property
    def supported(self) -> bool:
        """Whether no part of it is a regular expression."""
        types = [self.path.type, *(each.type for each in self.headers), *(each.type for each in self.query_params)]
        return REGULAR_EXPRESSION not in types

    def __str__(self) -> str:
        words = [str(self.path), self.method, *map(str, self.headers), *map(str, self.query_params)]
        return " and ".join(word for word in words if word)


@dataclass(frozen=True, slots=True)
class HTTPBackendRef:
    """A port of a Service, and its share of the requests: ``weight`` out of the sum of all weights of the rule.

    No namespace: the route's own; another needs a ReferenceGrant there.  Raises InvalidArgument or InvalidName.

        >>> print(HTTPBackendRef("web-v2", 80, weight=9))
        web-v2:80 weight 9
    """

    name: str
    port: int
    namespace: str = ""
    weight: int = 1
    kind: str = "Service"
    group: str = ""

    def __post_init__(self) -> None:
        dns_subdomain(self.name, "name of a backendRef")
        if self.namespace:
            dns_label(self.namespace, "namespace")
        if self.kind == "Service":
            check_port(self.port, "port")
        if not isinstance(self.weight, int) or isinstance(self.weight, bool) or not 0 <= self.weight <= MOST_WEIGHT:
            raise InvalidArgument(self.weight, f"a weight from 0 to {MOST_WEIGHT}", "write weight: 1")

    def __str__(self) -> str:
        where = f"{self.namespace}/{self.name}" if self.namespace else self.name
        return f"{where}:{self.port}" + (f" weight {self.weight}" if self.weight != 1 else "")


@dataclass(frozen=True, slots=True)
class HTTPRouteRule:
    """Matches, *any* of which is enough, and the backends that share the requests.  Raises InvalidArgument.

    >>> print(HTTPRouteRule(backend_refs=(HTTPBackendRef("web", 80),)))
    PathPrefix / -> web:80
    """

    matches: tuple[HTTPRouteMatch, ...] = ()
    backend_refs: tuple[HTTPBackendRef, ...] = ()
    name: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "matches", tuple(self.matches) or (HTTPRouteMatch(),))
        object.__setattr__(self, "backend_refs", tuple(self.backend_refs))
        _at_most(self.matches, MOST_MATCHES_OF_A_RULE, "matches in a rule")
        _at_most(self.backend_refs, MOST_BACKENDS, "backendRefs in a rule")
        if self.name:
            dns_subdomain(self.name, "rule name")

    @property
    def supported(self) -> bool:
        """Whether no match of it needs a regular expression."""
        return all(match.supported for match in self.matches)

    def __str__(self) -> str:
        return f"{' or '.join(map(str, self.matches))} -> {', '.join(map(str, self.backend_refs)) or 'nothing'}"


@dataclass(frozen=True, slots=True)
class HTTPRoute:
    """An HTTPRoute.  No hostnames: all hosts; ``*.`` before one: one or more labels in its place.

    ``created`` stands for the creation timestamp: of two routes the one with the smaller number is the older.
    Raises InvalidArgument or InvalidName, as the API server refuses it.

        >>> print(HTTPRoute("web", parent_refs=(ParentReference("edge"),), hostnames=("shop.example.com",)))
        httproute web to Gateway edge for shop.example.com: PathPrefix / -> nothing
    """

    name: str
    namespace: str = "default"
    parent_refs: tuple[ParentReference, ...] = ()
    hostnames: tuple[str, ...] = ()
    rules: tuple[HTTPRouteRule, ...] = ()
    created: int = 0
    labels: Mapping[str, str] = field(default_factory=dict)
    annotations: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        dns_subdomain(self.name, "HTTPRoute name")
        dns_label(self.namespace, "namespace")
        check_labels(self.labels)
        for name in ("parent_refs", "hostnames", "rules"):
            object.__setattr__(self, name, tuple(getattr(self, name)))
        object.__setattr__(self, "rules", self.rules or (HTTPRouteRule(),))
        _at_most(self.parent_refs, MOST_PARENTS, "parentRefs")
        _at_most(self.hostnames, MOST_HOSTNAMES, "hostnames")
        _at_most(self.rules, MOST_RULES, "rules")
        _at_most([match for rule in self.rules for match in rule.matches], MOST_MATCHES, "matches in all rules together")
        for host in self.hostnames:
            check_host(host, "hostname")
        self._check_parents()
        names = [rule.name for rule in self.rules if rule.name]
        for number, name in enumerate(names):
            if name in names[:number]:
                raise InvalidArgument(name, "rules of different names", "rename one of them")

    def _check_parents(self) -> None:
        """Two references to one parent must each name a listener, and not the same."""
        for number, one in enumerate(self.parent_refs):
            for two in self.parent_refs[:number]:
                if (one.kind, one.namespace, one.name) != (two.kind, two.namespace, two.name):
                    continue
                same = (one.section_name, one.port) == (two.section_name, two.port)
                if same or bool(one.section_name) != bool(two.section_name):
                    raise InvalidArgument(str(one), "parentRefs to one parent that each name another sectionName",
                                          "name the listener in each, or leave one out")

    @property
    def key(self) -> str:
        """Namespace and name, which together are unique in a cluster."""
        return f"{self.namespace}/{self.name}"

    @property
    def label(self) -> str:
        """The name as people say it: without the namespace where that is ``default``."""
        return self.key.removeprefix("default/")

    def __str__(self) -> str:
        to = f" to {', '.join(map(str, self.parent_refs))}" if self.parent_refs else ""
        hosts = f" for {','.join(self.hostnames)}" if self.hostnames else ""
        return f"httproute {self.label}{to}{hosts}: {'; '.join(map(str, self.rules))}"


def _check_condition(name: str, value: str, type_: str, what: str) -> None:
    if type_ not in (EXACT, REGULAR_EXPRESSION):
        raise InvalidArgument(type_, f"a type of {what} match: {EXACT}, {REGULAR_EXPRESSION}", f"write {EXACT}")
    if not _HEADER.fullmatch(name):
        raise InvalidArgument(name, f"a {what} name of letters, digits and '-'", "write a name such as 'version'")
    longest = 4096 if what == "header" else 1024
    if not 1 <= len(value) <= longest:
        raise InvalidArgument(value[:60], f"a {what} value of 1 to {longest} characters", "write a value such as 'v2'")


def _at_most(values: tuple[object, ...] | list[HTTPRouteMatch] | list[str], most: int, what: str) -> None:
    if len(values) > most:
        raise InvalidArgument(len(values), f"at most {most} {what}", "split the route in two")
