"""A service mesh's sidecar: a proxy in the pod itself, and the rules by which the pod's TCP connections come to it.

A pod with the label (or annotation) ``sidecar.istio.io/inject: "true"`` has one.  Its packets are redirected to it by rules in
the pod's own network namespace, those that go out to port 15001 and those that come in to port 15006.  The proxy runs as a user
of its own, and what that user sends is let go, or it would come back to the proxy for ever.  To the pod's own program it speaks
from 127.0.0.6.

The rules are Istio's without its own ports for health and metrics.  ``--dst-type LOCAL`` stands for its ``-o lo``.  What the
proxy does with a connection is in :mod:`k8snet_course.relays`.  Istio's label of a whole namespace is not read.

Source: Istio, tools/istio-iptables (chains ISTIO_OUTPUT, ISTIO_INBOUND); "Traffic redirection", "Ports used by Istio".
"""

from __future__ import annotations

from k8snet_course.linux.namespace import ANY_IPV4, Listener
from k8snet_course.linux.netfilter import OUTPUT, PREROUTING, Rule
from k8snet_course.objects import Pod

INJECT = "sidecar.istio.io/inject"
"""The label, or annotation, that asks for a sidecar."""

OUTBOUND_PORT, INBOUND_PORT = 15001, 15006
"""Where the sidecar listens for what the pod sends, and for what is sent to the pod."""

PROXY_UID = 1337
"""The user as whom the sidecar runs."""

PASSTHROUGH = "127.0.0.6"
"""The address from which the sidecar speaks to its pod's program; in IPv6 it is the pod's own here."""

PROGRAM = "istio-proxy"


def has_sidecar(pod: Pod) -> bool:
    """Whether a sidecar runs in a pod.  One with hostNetwork never has any: its rules would be its node's.

    >>> has_sidecar(Pod("web", "", "", labels={"sidecar.istio.io/inject": "true"}))
    True
    """
    return "true" in (pod.labels.get(INJECT), pod.annotations.get(INJECT)) and not pod.host_network


def redirections() -> list[Rule]:
    """The NAT rules in the pod's network namespace.  They name no address, so those for IPv6 are the same.

    >>> print(*redirections(), sep="\\n")
    -A OUTPUT -p tcp -j ISTIO_OUTPUT
    -A PREROUTING -p tcp -j ISTIO_INBOUND
    -A ISTIO_OUTPUT -m owner --uid-owner 1337 -j RETURN
    -A ISTIO_OUTPUT -m addrtype --dst-type LOCAL -j RETURN
    -A ISTIO_OUTPUT -j ISTIO_REDIRECT
    -A ISTIO_REDIRECT -p tcp -j REDIRECT --to-ports 15001
    -A ISTIO_INBOUND -p tcp -j ISTIO_IN_REDIRECT
    -A ISTIO_IN_REDIRECT -p tcp -j REDIRECT --to-ports 15006
    """
    return [
        Rule(OUTPUT, "ISTIO_OUTPUT", protocol="tcp"),
        Rule(PREROUTING, "ISTIO_INBOUND", protocol="tcp"),
        Rule("ISTIO_OUTPUT", "RETURN", uid_owner=PROXY_UID),
        Rule("ISTIO_OUTPUT", "RETURN", dst_type="LOCAL"),
        Rule("ISTIO_OUTPUT", "ISTIO_REDIRECT"),
        Rule("ISTIO_REDIRECT", "REDIRECT", protocol="tcp", to=str(OUTBOUND_PORT)),
        Rule("ISTIO_INBOUND", "ISTIO_IN_REDIRECT", protocol="tcp"),
        Rule("ISTIO_IN_REDIRECT", "REDIRECT", protocol="tcp", to=str(INBOUND_PORT)),
    ]


def sockets(anywhere: str = ANY_IPV4) -> tuple[Listener, ...]:
    """What the sidecar listens on.

    >>> print(*sockets())
    TCP 0.0.0.0:15001 istio-proxy TCP 0.0.0.0:15006 istio-proxy
    """
    return tuple(Listener("TCP", port, PROGRAM, anywhere) for port in (OUTBOUND_PORT, INBOUND_PORT))
