"""What those who take a connection and make another one for it decide: a controller's pod, a mesh's sidecar.

Where a walk has ended, somebody reads the connection:

- an Ingress controller or a Gateway reads the request, chooses a rule and connects to a pod of the rule's Service;
- a sidecar that the pod's own rules redirected to goes by the address that the program had asked for: for a Service's address
  it chooses the pod itself, by an HTTPRoute of that Service if there is one; any other address it leaves as it is;
- a sidecar of the receiving pod connects to the program there;
- a node's kube-proxy answers at a Service's health check node port: 200 where the node has endpoints, else 503;
- any other program is believed to speak HTTP and answers.

Modelled simply: a controller tries one endpoint (many try another one), trusts no X-Forwarded-For that it is given and writes
the sender's address there, and redirects nobody from http to https.  Sidecars write no such header, and cannot read HTTPS.

It makes no connection: that is :mod:`k8snet_course.http_walk`.

Source: Kubernetes documentation, "Ingress"; Gateway API, GEP-1426; Istio, "Traffic Management"; RFC 9110, RFC 7239.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from k8snet_course.api_server import ApiServer
from k8snet_course.controllers import gateway_controller, gateway_served, ingress_controller, is_controller, scheme_at
from k8snet_course.linux.namespace import ANY
from k8snet_course.linux.packet import Packet, with_port
from k8snet_course.linux.rule import draw
from k8snet_course.linux.trace import Action, Candidate, Change, Hop, Step, Told, Trace
from k8snet_course.meaning import Target
from k8snet_course.objects import Pod
from k8snet_course.objects.gateway import Gateway
from k8snet_course.objects.service import Service
from k8snet_course.programs import listeners_of
from k8snet_course.services import gateway, ingress
from k8snet_course.services.http import HTTPS, HttpRequest, host_precision
from k8snet_course.services.http_routing import ENDPOINTS, NextConnection, Routing, ServiceRef, next_connection
from k8snet_course.services.load_balancer import health, local_endpoints
from k8snet_course.sidecar import INBOUND_PORT, OUTBOUND_PORT, PASSTHROUGH, PROXY_UID, has_sidecar


@dataclass(frozen=True, slots=True)
class Call:
    """A connection to make: from which device, to where, as which user, and (empty: Linux chooses) from which address."""

    source: str
    target: Target
    port: int
    owner: int = 0
    address: str = ""


@dataclass(frozen=True, slots=True)
class Decision:
    """What somebody makes of a connection: another one (``call``), or else the ``status`` with which he answers.

    ``who`` decided; ``broken`` and ``silent`` are the statuses that he answers when his own connection is refused, and when
    nobody answers it.  ``told`` is the decision as a step of the walk (None: the walk has said all).
    """

    who: str
    status: int
    why: str
    call: Call | None = None
    told: Told | None = None
    routing: Routing | None = None
    served_by: str = ""
    forwarded_for: str = ""
    broken: int = 503
    silent: int = 503


class Relays:
    """Those who decide in one cluster."""

    def __init__(self, api: ApiServer) -> None:
        self.api = api

    def decide(self, trace: Trace, request: HttpRequest | None, seed: int, via: str = ENDPOINTS,
               insecure: bool = False) -> Decision:
        """What the one at the end of a walk makes of it.  Without a request the connection carries something else than HTTP.

        ``insecure``: the client takes any certificate.
        """
        hop = trace.hops[-1]
        arrived = hop.packet
        pod = self._pod_at(hop, arrived)
        port = _redirected_from(hop) if pod is not None and has_sidecar(pod) else 0
        if pod is not None and port and arrived.dst_port == OUTBOUND_PORT:
            return self._outbound(pod, trace.packet, request, seed)
        if pod is not None and port and arrived.dst_port == INBOUND_PORT:
            return _inbound(pod, arrived, port)
        if pod is not None and request is not None and is_controller(pod) and scheme_at(pod, arrived.dst_port):
            return self._controller(pod, trace, arrived, request, seed, via, insecure)
        if pod is None and request is not None and (checked := self._health_checked(hop.device, arrived.dst_port)) is not None:
            return checked
        name = pod.label if pod is not None else hop.label
        return Decision(name, 200, trace.reason, served_by=name)

    def _health_checked(self, node: str, port: int) -> Decision | None:
        """What a node's kube-proxy answers a load balancer at a Service's health check node port; None: it is no such port."""
        services = self.api.services
        key = next((key for key, number in services.health_ports.items() if number == port), "")
        if not key or node not in self.api.control.nodes:
            return None
        slices = services.slices(key)
        status, local = health(services.services[key], node, slices), local_endpoints(node, slices)
        who = f"kube-proxy on {node}"
        may = "may send" if status == 200 else "is not to send"
        ends = f"{local} endpoint{'s' * (local != 1)} of {key}"
        why = f"{who} counts {ends} on its node, so a load balancer {may} connections here"
        return Decision(who, status, why, served_by=who)

    # -- sidecars ------------------------------------------------------------------------------------------------------

    def _outbound(self, pod: Pod, wanted: Packet, request: HttpRequest | None, seed: int) -> Decision:
        """The sidecar of the sending pod.  ``wanted`` is what its program sent."""
        who = f"{pod.label}'s sidecar"
        service = self._service_with(wanted.dst, wanted.dst_port)
        if service is None:
            call = Call(pod.key, Target(wanted.dst, wanted.dst), wanted.dst_port, PROXY_UID)
            asked = with_port(wanted.dst, wanted.dst_port)
            return Decision(who, 0, "", call, Told(f"{who} knows no Service with {asked} and connects there itself", asked))
        plain = request if request is not None and request.scheme != HTTPS else None
        asked_for = plain or HttpRequest(service.name, scheme=request.scheme if request is not None else "http")
        if asked_for.port != wanted.dst_port:
            asked_for = replace(asked_for, host=f"{asked_for.hostname}:{wanted.dst_port}")
        services = self.api.services.services
        ref = ServiceRef(service.namespace, service.name, wanted.dst_port)
        routing = Routing(asked_for, ref, 0, f"the connection is to the Service {service.key}")
        if plain is not None:
            routing = gateway.mesh_route(asked_for, service, self.api.all("HTTPRoute"), services,
                                         self.api.all("ReferenceGrant"), draw(wanted, seed))
        following = self._next(routing, ENDPOINTS, draw(wanted, -seed))
        decided = str(routing) if plain is not None else f"the connection is for {routing.backend}"
        return self._went(pod, who, routing if routing.candidates else None, routing, following, decided, PROXY_UID)

    # -- controllers ---------------------------------------------------------------------------------------------------

    def _controller(self, pod: Pod, trace: Trace, arrived: Packet, request: HttpRequest, seed: int, via: str,
                    insecure: bool) -> Decision:
        chance = draw(arrived, seed)
        routing = self._by_gateway(pod, trace.packet, arrived, request, chance)
        controller = ingress_controller(pod)
        if controller and (routing is None or (routing.status in (0, 404) and routing.backend is None)):
            spoken = scheme_at(pod, arrived.dst_port)
            by_ingress = ingress.route(request, self.api.all("Ingress"), self.api.all("IngressClass"), controller)
            if request.scheme != spoken:
                by_ingress = Routing(request, None, 400 if spoken == HTTPS else 0,
                                     f"it speaks {spoken} on port {arrived.dst_port}, not {request.scheme}")
            elif spoken == HTTPS and not by_ingress.certificate and not insecure:
                by_ingress = Routing(request, None, 0, f"it has no certificate for {request.hostname}, and the client does not "
                                     "trust the one that it shows instead")
            routing = by_ingress if routing is None else replace(
                by_ingress, candidates=(*routing.candidates, *by_ingress.candidates))
        assert routing is not None, "a controller's pod serves Ingresses or Gateways"
        following = self._next(routing, via, draw(arrived, -seed))
        made = self._went(pod, pod.label, routing, routing, following, str(routing))
        if made.call is None:
            return made
        assert made.told is not None
        header = (Change("header X-Forwarded-For", request.header("X-Forwarded-For") or "", arrived.src),)
        return replace(made, told=made.told._replace(changed=header), forwarded_for=arrived.src, broken=502, silent=504)

    def _by_gateway(self, pod: Pod, wanted: Packet, arrived: Packet, request: HttpRequest, chance: float) -> Routing | None:
        """What the Gateways that a pod serves say, the one with the most precise listener; None where it serves none."""
        classes = self.api.all("GatewayClass")
        controller, only = gateway_controller(pod), gateway_served(pod)
        if not controller and not only:
            return None
        names = {each.name: each.controller_name for each in classes}
        served: list[Gateway] = [each for each in self.api.all("Gateway") if (each.key == only if only else (
            names.get(each.gateway_class_name) == controller))]
        if not served:
            wanting = f"there is no Gateway {only}" if only else f"no Gateway is of a class of {controller}"
            return Routing(request, None, 0, wanting)
        open_ports = {listener.port for each in served for listener in each.listeners}
        ports = self._ports(wanted, arrived)
        port = next((each for each in ports if each in open_ports), ports[0])
        namespaces = {each.name: each for each in self.api.all("Namespace")}
        found = [(each, gateway.route(
            request, each, classes, controller or names.get(each.gateway_class_name, ""), self.api.all("HTTPRoute"),
            self.api.services.services, namespaces, self.api.all("ReferenceGrant"), chance, port)) for each in served]
        return max(found, key=lambda pair: _precision(*pair))[1]

    def _ports(self, wanted: Packet, arrived: Packet) -> list[int]:
        """The ports of a Gateway that a connection may be meant for, the likeliest first.

        A Service stands before its pods: its port is the listener's, and its target port may be another one.
        """
        through: list[int] = []
        beside: list[int] = []
        for service in self.api.services.services.values():
            for part in self.api.services.slices(service.key):
                if not any(arrived.dst in end.addresses for end in part.endpoints):
                    continue
                names = [each.name for each in part.ports if (each.port, each.protocol) == (arrived.dst_port, "TCP")]
                for port in service.ports:
                    if port.protocol == "TCP" and port.name in names:
                        ours = wanted.dst in _addresses(service) and wanted.dst_port == port.port
                        (through if ours or wanted.dst_port == port.node_port else beside).append(port.port)
        return [*through, wanted.dst_port, *beside, arrived.dst_port]

    # -- what both need ------------------------------------------------------------------------------------------------

    def _next(self, routing: Routing, via: str, chance: float) -> NextConnection:
        slices = self.api.services.slices(routing.backend.key) if routing.backend is not None else ()
        return next_connection(routing, self.api.services.services, slices, chance, via)

    def _went(self, pod: Pod, who: str, noted: Routing | None, routing: Routing, following: NextConnection, decided: str,
              owner: int = 0) -> Decision:
        """A decision by a routing, with the rules that lost."""
        rows = tuple(Candidate(f"{each.owner}: {each.rule}", each.matched, each.won, each.why) for each in routing.candidates)
        won = next((row.row for row in rows if row.won), "")
        if not following.address:
            why = f"{who} {f'answers {following.status}' if following.status else 'gives no answer'}: {following.why}"
            told = Told(why, str(routing.request), rows, 0, won)
            return Decision(who, following.status, why, None, told, noted)
        target = self._target(routing, following)
        receiver = self.api.control.pods.get(target.device)
        secret = " by mutual TLS" if owner and receiver is not None and has_sidecar(receiver) else ""
        why = f"{who} decides: {decided}; it will connect to {with_port(following.address, following.port)}{secret}"
        call = Call(pod.key, target, following.port, owner)
        return Decision(who, 0, why, call, Told(why, str(routing.request), rows, 0, won), noted)

    def _target(self, routing: Routing, following: NextConnection) -> Target:
        """The pod behind an endpoint's address, or the Service whose address it is."""
        assert routing.backend is not None
        service = self.api.services.services[routing.backend.key]
        if following.address in service.cluster_ips:
            return Target(following.address, service.label)
        for part in self.api.services.slices(service.key):
            for end in part.endpoints:
                pod = self.api.control.pods.get(end.target) if following.address in end.addresses else None
                if pod is not None:
                    return Target(following.address, pod.label, pod.key)
        return Target(following.address, following.address)

    def _service_with(self, address: str, port: int) -> Service | None:
        """The Service that has this cluster IP and TCP port."""
        return next((each for each in self.api.services.services.values() if address in each.cluster_ips and any(
            one.protocol == "TCP" and one.port == port for one in each.ports)), None)

    def _pod_at(self, hop: Hop, arrived: Packet) -> Pod | None:
        """The pod in which a walk has ended: on a node, the one of those with hostNetwork whose program takes the packet."""
        control = self.api.control
        if hop.device not in control.nodes:
            return control.pods.get(hop.device)
        at_home = (control.pods[key] for key in control.nodes[hop.device].at_home if not self.api.services.state(key).finished)
        return next((pod for pod in at_home if any(
            row.takes(arrived.protocol, arrived.dst_port, arrived.dst) for row in listeners_of(pod, ANY))), None)


def with_step(trace: Trace, told: Told | None) -> Trace:
    """The walk with one more step at its end: what the program that took the packet decided."""
    if told is None:
        return trace
    last = trace.hops[-1]
    step = Step(Action.DELIVER, "", last.packet, told)
    longer = Hop(last.device, last.kind, last.ingress, last.egress, (*last.steps, step))
    return replace(trace, hops=(*trace.hops[:-1], longer))


def _inbound(pod: Pod, arrived: Packet, port: int) -> Decision:
    """The sidecar of the receiving pod: ``port`` is the one that the sender asked for."""
    who = f"{pod.label}'s sidecar"
    source = "" if ":" in arrived.dst else PASSTHROUGH
    asked = with_port(arrived.dst, port)
    told = Told(f"{who} passes it on to the pod's own port {port}, from {source or arrived.dst}", asked)
    return Decision(who, 0, "", Call(pod.key, Target(arrived.dst, pod.label, pod.key), port, PROXY_UID, source), told)


def _redirected_from(hop: Hop) -> int:
    """The port that a packet was for before this device's rules redirected it to one of its own; 0: none did."""
    changes = (change for step in hop.steps if step.action is Action.TRANSLATE for change in step.changed)
    return next((int(change.old) for change in changes if change.field == "destination port"), 0)


def _addresses(service: Service) -> tuple[str, ...]:
    """The addresses at which a Service has its own ports."""
    return (*service.cluster_ips, *service.load_balancer_ips, *service.external_ips)


def _precision(one: Gateway, routing: Routing) -> tuple[bool, tuple[int, int]]:
    """How well a Gateway's listener fits a request, to compare two."""
    host = next((each.hostname for each in one.listeners if each.name == routing.listener), "")
    return bool(routing.listener), host_precision(host)
