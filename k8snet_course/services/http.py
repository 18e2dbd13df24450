"""An HTTP request as those who route it see it, and how hosts and paths are compared with rules.

A request here has no body and is never sent: it is what an Ingress controller or a Gateway looks at before it chooses a
backend.  Paths are compared as they are written, without decoding, and with regard to case; hosts without.

Source: RFC 9110 (HTTP semantics); Kubernetes documentation, "Ingress" (path types, wildcard hosts); Gateway API, "Hostnames".
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import parse_qsl, urlencode, urlsplit

from k8snet_course.errors import InvalidArgument

HTTP, HTTPS = "http", "https"
PORTS = {HTTP: 80, HTTPS: 443}
"""The port of each scheme, where the URL tells no other."""

_AUTHORITY = re.compile(r"(\[[0-9A-Fa-f:.]+\]|[^\s/?#@:\[\]]+)(:[0-9]{1,5})?")


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """A request: what stands in its Host header (perhaps with a port), its path, method, headers and query parameters.

    With ``scheme="https"`` the host is also the name that the client asks for while TLS begins (SNI).  Of a query parameter
    that comes several times the first counts.  Raises InvalidArgument.

        >>> print(HttpRequest("shop.example.com", "/cart", headers={"version": "v2"}))
        GET http://shop.example.com/cart (version: v2)
        >>> HttpRequest("shop.example.com:8080").hostname, HttpRequest("shop.example.com:8080").port
        ('shop.example.com', 8080)
    """

    host: str
    path: str = "/"
    method: str = "GET"
    headers: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, str] = field(default_factory=dict)
    scheme: str = HTTP

    def __post_init__(self) -> None:
        if self.scheme not in PORTS:
            raise InvalidArgument(self.scheme, "the scheme http or https", "write scheme='http'")
        if not self.path.startswith("/"):
            raise InvalidArgument(self.path, "a path that begins with '/'", f"write '/{self.path}'")
        if "?" in self.path or "#" in self.path:
            raise InvalidArgument(self.path, "a path without query or fragment", "give the query as query={'name': 'value'}")
        if not self.method or self.method != self.method.upper():
            raise InvalidArgument(self.method, "a method in upper case", f"write {self.method.upper() or 'GET'}")
        for text in (self.path, *self.headers, *self.headers.values()):
            if not isinstance(text, str) or not text.isprintable():
                raise InvalidArgument(text, "a path and headers without line breaks and other control characters",
                                      "leave such characters out")
        if not _is_authority(self.host):
            raise InvalidArgument(self.host, "a host, perhaps with a port",
                                  "write 'shop.example.com' or 'shop.example.com:8080'")

    @classmethod
    def from_url(cls, url: str, method: str = "GET", headers: Mapping[str, str] | None = None) -> HttpRequest:
        """The request that a client makes for a URL.  Raises InvalidArgument.

        >>> print(HttpRequest.from_url("https://shop.example.com/cart?animal=whale", "POST"))
        POST https://shop.example.com/cart?animal=whale
        """
        try:
            parts = urlsplit(url)
        except ValueError:
            raise InvalidArgument(url, "a URL", "write 'http://shop.example.com/cart'") from None
        if not parts.netloc:
            raise InvalidArgument(url, "a URL with scheme and host", "write 'http://shop.example.com/cart'")
        query: dict[str, str] = {}
        for name, value in parse_qsl(parts.query, keep_blank_values=True):
            query.setdefault(name, value)
        return cls(parts.netloc, parts.path or "/", method, dict(headers or {}), query, parts.scheme)

    @property
    def hostname(self) -> str:
        """The host in lower case, without a port."""
        return _split(self.host)[0].lower()

    @property
    def port(self) -> int:
        """The port to which the client connects: that of the host, or else 80 or 443."""
        return int(_split(self.host)[1] or PORTS[self.scheme])

    def header(self, name: str) -> str | None:
        """The value of a header, whatever the case of its name; None where there is no such header.

        >>> HttpRequest("example.com", headers={"Version": "v2"}).header("version")
        'v2'
        """
        wanted = name.lower()
        return next((value for each, value in self.headers.items() if each.lower() == wanted), None)

    def __str__(self) -> str:
        query = f"?{urlencode(self.query)}" if self.query else ""
        headers = ", ".join(f"{name}: {value}" for name, value in self.headers.items())
        return f"{self.method} {self.scheme}://{self.host}{self.path}{query}" + (f" ({headers})" if headers else "")


def path_has_prefix(path: str, prefix: str) -> bool:
    """Whether a path lies under a prefix, compared by whole elements between '/'; a '/' at the prefix's end does not count.

    >>> path_has_prefix("/aaa/bbb/ccc", "/aaa/bbb"), path_has_prefix("/aaa/bbb", "/aaa/bbb/"), path_has_prefix("/aaa/bbb", "/")
    (True, True, True)
    >>> path_has_prefix("/aaa/bbbxyz", "/aaa/bbb"), path_has_prefix("/aaa/bbb", "/aaa/bb")
    (False, False)
    """
    stem = prefix.removesuffix("/")
    return path.startswith(stem) and (len(path) == len(stem) or path[len(stem)] == "/")


def prefix_length(prefix: str) -> int:
    """How many characters of a path a prefix speaks for: a '/' at its end does not count, except that of '/' itself.

    >>> prefix_length("/"), prefix_length("/foo"), prefix_length("/foo/")
    (1, 4, 4)
    """
    return max(1, len(prefix.removesuffix("/")))


def one_label_matches(pattern: str, hostname: str) -> bool:
    """Whether a host meets an Ingress's rule: the same, or ``*.`` for exactly one label; an empty pattern meets all.

    >>> [one_label_matches("*.foo.com", host) for host in ("bar.foo.com", "baz.bar.foo.com", "foo.com")]
    [True, False, False]
    """
    if not pattern.startswith("*."):
        return pattern in ("", hostname)
    label, dot, rest = hostname.partition(".")
    return bool(label and dot) and rest == pattern[2:]


def any_labels_match(pattern: str, hostname: str) -> bool:
    """Whether a host meets a Gateway's or an HTTPRoute's: the same, or ``*.`` for one label or more; an empty one meets all.

    >>> [any_labels_match("*.foo.com", host) for host in ("bar.foo.com", "baz.bar.foo.com", "foo.com")]
    [True, True, False]
    """
    if not pattern.startswith("*."):
        return pattern in ("", hostname)
    return hostname.endswith(pattern[1:]) and len(hostname) > len(pattern) - 1


def host_precision(pattern: str) -> tuple[int, int]:
    """How precisely a pattern names hosts, to compare two: any name without ``*`` before all with it, then the longer.

    >>> sorted(["", "*.com", "a.com", "*.example.com"], key=host_precision, reverse=True)
    ['a.com', '*.example.com', '*.com', '']
    """
    return (0 if pattern.startswith("*") else len(pattern), len(pattern))


def _split(host: str) -> tuple[str, str]:
    """A host and the port behind it, if any.  An IPv6 address stands in brackets."""
    if host.startswith("["):
        inner, _, rest = host[1:].partition("]")
        return inner, rest.removeprefix(":")
    name, _, port = host.partition(":")
    return name, port


def _is_authority(host: str) -> bool:
    return bool(_AUTHORITY.fullmatch(host)) and 0 < int(_split(host)[1] or 80) <= 65535
