"""The names of kube-proxy's chains: a prefix, and a hash of what the chain is for.

Source: kubernetes, pkg/proxy/iptables/proxier.go and pkg/proxy/nftables/proxier.go.
"""

from __future__ import annotations

from base64 import b32encode
from functools import lru_cache
from hashlib import sha256


@lru_cache(maxsize=64)  # a Service's chains differ in the prefix and share the hash
def hash_of(key: str, length: int) -> str:
    """The first letters, 16 at most, of the base32 form of a text's SHA-256.

    >>> hash_of("default/webtcp", 16)
    'LOLE4ISW44XBNF3G'
    """
    return b32encode(sha256(key.encode()).digest()[:10])[:length].decode()


def service_chain(prefix: str, port_name: str, protocol: str) -> str:
    """The name of a Service port's chain in the mode iptables; ``port_name`` as in ``default/web:http``.

    >>> service_chain("KUBE-SVC-", "kube-system/kube-dns:dns", "udp")
    'KUBE-SVC-TCOU7JCQXEZGVUNU'
    """
    return prefix + hash_of(port_name + protocol, 16)


def endpoint_chain(port_name: str, protocol: str, endpoint: str) -> str:
    """The name of an endpoint's chain in the mode iptables.

    >>> endpoint_chain("default/web", "tcp", "10.244.1.2:8080")
    'KUBE-SEP-PXJ2U7QYT2QW5545'
    """
    return "KUBE-SEP-" + hash_of(port_name + protocol + endpoint, 16)


def nft_chain(kind: str, key: str, protocol: str, port: str, endpoint: str = "") -> str:
    """The name of a chain in the mode nftables; ``endpoint`` as in ``10.244.1.2/8080``.

    >>> nft_chain("service", "default/web", "tcp", "http")
    'service-SUSTUHLJ-default/web/tcp/http'
    >>> nft_chain("endpoint", "default/web", "tcp", "", "10.244.1.2/8080")
    'endpoint-X665QFQS-default/web/tcp/__10.244.1.2/8080'
    """
    rest = f"{key}/{protocol}/{port}" + (f"__{endpoint}" if endpoint else "")
    return f"{kind}-{hash_of(rest, 8)}-{rest}"
