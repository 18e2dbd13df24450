"""A small shop on a cluster, and what becomes of connections to it: for every mode of kube-proxy, on several network plugins.

The shop has two frontends behind a load balancer, three backends behind a cluster IP and a node port, a database that only the
backends may reach, and an Ingress that leads to frontends and backends.  From a pod, another pod, a node, the laptop and the
internet the same connections are made again and again; each :class:`~k8snet_course.show.shop_table.Line` says how they ended,
which pods took them, whom these saw as the source, what was rewritten and which rule decided.

Nothing is decided here: every cell is read off traces, and the fractions off the rules (:mod:`k8snet_course.show.shares`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from typing import NamedTuple

from k8snet_course.cluster import Cluster
from k8snet_course.linux.packet import Packet
from k8snet_course.linux.trace import Action, Trace
from k8snet_course.response import Response
from k8snet_course.services.kube_proxy.modes import MODES
from k8snet_course.show.shares import Shares, rewriting, routed, shares
from k8snet_course.show.shop_table import SENDER, Backend, Line, Walks

MANIFESTS = """\
{apiVersion: v1, kind: Pod, metadata: {name: frontend-1, labels: {app: frontend}},
 spec: {containers: [{name: nginx, image: nginx, ports: [{containerPort: 80}]}]}}
---
{apiVersion: v1, kind: Pod, metadata: {name: frontend-2, labels: {app: frontend}},
 spec: {containers: [{name: nginx, image: nginx, ports: [{containerPort: 80}]}]}}
---
{apiVersion: v1, kind: Pod, metadata: {name: backend-1, labels: {app: backend}},
 spec: {containers: [{name: api, image: shop-api, ports: [{containerPort: 8080}]}]}}
---
{apiVersion: v1, kind: Pod, metadata: {name: backend-2, labels: {app: backend}},
 spec: {containers: [{name: api, image: shop-api, ports: [{containerPort: 8080}]}]}}
---
{apiVersion: v1, kind: Pod, metadata: {name: backend-3, labels: {app: backend}},
 spec: {containers: [{name: api, image: shop-api, ports: [{containerPort: 8080}]}]}}
---
{apiVersion: v1, kind: Pod, metadata: {name: database-1, labels: {app: database}},
 spec: {containers: [{name: db, image: postgres, ports: [{containerPort: 5432}]}]}}
---
apiVersion: v1
kind: Service
metadata: {name: frontend}
spec:
  type: LoadBalancer
  selector: {app: frontend}
  ports: [{port: 80}]
---
apiVersion: v1
kind: Service
metadata: {name: backend}
spec:
  type: NodePort
  selector: {app: backend}
  ports: [{port: 80, targetPort: 8080, nodePort: 30080}]
---
apiVersion: v1
kind: Service
metadata: {name: database}
spec:
  selector: {app: database}
  ports: [{port: 5432}]
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: only-backend}
spec:
  podSelector: {matchLabels: {app: database}}
  ingress:
  - from: [{podSelector: {matchLabels: {app: backend}}}]
    ports: [{port: 5432}]
---
{apiVersion: v1, kind: Pod, metadata: {name: ingress-1, labels: {app: ingress}},
 spec: {containers: [{name: controller, image: registry.k8s.io/ingress-nginx/controller, ports: [{containerPort: 80}]}]}}
---
apiVersion: v1
kind: Service
metadata: {name: ingress}
spec:
  type: LoadBalancer
  selector: {app: ingress}
  ports: [{port: 80}]
---
apiVersion: networking.k8s.io/v1
kind: IngressClass
metadata: {name: nginx}
spec: {controller: k8s.io/ingress-nginx}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: shop}
spec:
  ingressClassName: nginx
  rules:
  - host: shop.example
    http:
      paths:
      - {path: /, pathType: Prefix, backend: {service: {name: frontend, port: {number: 80}}}}
      - {path: /api, pathType: Prefix, backend: {service: {name: backend, port: {number: 80}}}}
"""
"""The shop as one would hand it to `kubectl apply`.  Bare pods instead of Deployments, because their names are short."""

PLUGINS = ("flannel", "calico")
SOURCES = ("frontend-1", "backend-1", "node-1", "laptop", "internet")
CONNECTIONS = 30
"""How often each connection is made: a number that one, two and three divide."""


class Target(NamedTuple):
    """Where a connection is to go: ``name`` in the table, then what ``cluster.send`` takes, or a URL without port."""

    name: str
    word: str
    port: int = 0


class _Try(NamedTuple):
    """One connection that was made, or one request (then with what came of it): ``pod`` took it, or nobody did (empty)."""

    trace: Trace
    pod: str
    response: Response | None = None

    @property
    def arrived(self) -> Packet:
        """The packet that the pod took."""
        return self.trace.connections[-1].hops[-1].packet

    @property
    def way(self) -> tuple[object, ...]:
        """What tells two of them apart: how they ended, the devices, what these did, and the addresses afterwards."""
        return self.response.status if self.response is not None else 0, tuple(
            (trace.verdict, trace.reason, trace.answered, hop.device, step.action, step.packet.src, step.packet.dst)
            for trace in self.trace.connections for hop, step in trace.steps())


class Shop:
    """The shop on a cluster of two nodes, with a provider of load balancers.  Raises InvalidArgument.

    >>> print(*Shop().cluster.services, sep="\\n")
    service frontend LoadBalancer 10.109.131.193 80:31663/TCP
    service backend NodePort 10.102.42.247 80:30080/TCP
    service database ClusterIP 10.108.33.149 5432/TCP
    service ingress LoadBalancer 10.110.63.113 80:31808/TCP
    """

    def __init__(self, cni: str = "flannel", proxy: str = "iptables") -> None:
        self.proxy = proxy
        self.cluster = Cluster(nodes=2, cni=cni, proxy=proxy, load_balancer="192.168.1.240/28",
                               outside_names={"shop.example": ("192.168.1.241",)})
        self.cluster.apply(MANIFESTS)

    @property
    def targets(self) -> tuple[Target, ...]:
        """What there is to connect to.

        >>> print(*(target.name for target in Shop().targets), sep=", ")
        backend's cluster IP, backend's node port, frontend's load balancer, Ingress, database's cluster IP, database-1 itself
        """
        services = {service.name: service for service in self.cluster.services}
        return (
            Target("backend's cluster IP", "svc/backend", 80),
            Target("backend's node port", "node-1", services["backend"].ports[0].node_port),
            Target("frontend's load balancer", services["frontend"].load_balancer_ips[0], 80),
            Target("Ingress", "http://shop.example/api"),
            Target("database's cluster IP", "svc/database", 5432),
            Target("database-1 itself", "database-1", 5432),
        )

    def walk(self, source: str, target: Target, connections: int = CONNECTIONS) -> Line:
        """Make a connection again and again, and say what became of it.  Raises NotFound or InvalidArgument.

        >>> shop = Shop()
        >>> line = shop.walk("laptop", shop.targets[1])
        >>> print(line)
        backend's node port from laptop (flannel, iptables): delivered, backend-1, backend-2, backend-3: 1/3 each
        >>> print(*line.nat, sep="; ")
        dst 192.168.1.2:30080 -> pod:8080; src the sender -> 10.244.0.1 or 10.244.0.0
        """
        names = [pod.label for pod in self.cluster.pods]
        tries = [self._try(source, target) for _ in range(connections)]
        tries.sort(key=lambda one: names.index(one.pod) if one.pod in names else len(names))
        taken = [one for one in tries if one.pod]
        ways = tuple({one.way: one for one in reversed(tries)}.values())[::-1]
        drawn = shares(self.cluster, taken[0].trace) if taken and not taken[0].response else None
        found = rewriting(taken[0].trace) if taken else None
        return Line(target.name, source, self.cluster.cni, self.proxy, ", ".join(_each(map(_verdict, ways))),
                    self._backends(taken, drawn), _each(self._seen(source, one.arrived.src) for one in ways if one.pod),
                    self._nat(source, [trace for one in ways for trace in one.trace.connections]),
                    ", or ".join(_each(map(_rule, ways))), drawn.chance if drawn is not None else "",
                    " ".join(found[1].matched.split()) if found is not None else "")

    def _try(self, source: str, target: Target) -> _Try:
        if target.port:
            trace = self.cluster.send(source, target.word, target.port)
            return _Try(trace, trace.hops[-1].label if trace.delivered else "")
        response = self.cluster.request(source, target.word)
        return _Try(response.trace, response.served_by, response)

    def _backends(self, taken: Sequence[_Try], drawn: Shares | None) -> tuple[Backend, ...]:
        """The pods that took the connections, each with its part by the rules and its number."""
        parts: Mapping[tuple[str, int], Fraction] = drawn.parts if drawn is not None else {}
        routing = taken[0].response.routing if taken and taken[0].response is not None else None
        if routing is not None:
            parts = routed(self.cluster, routing)
        counts = Counter(one.pod for one in taken)
        ends = {one.pod: (one.arrived.dst, one.arrived.dst_port) for one in taken}
        return tuple(Backend(pod, parts[ends[pod]] if parts else Fraction(1), count) for pod, count in counts.items())

    def _seen(self, source: str, address: str) -> str:
        """Whom the pod sees as the source; a node's address with the interface that has it."""
        name = self._named(source, address)
        for node in self.cluster.nodes:
            link = self.cluster.namespace(node.name).local_link(address)
            if link is not None and name == address:
                return f"{address} ({node.name} {link})"
        return name

    def _nat(self, source: str, traces: Iterable[Trace]) -> tuple[str, ...]:
        """What was rewritten on the way there: old -> all that it became.  The pods behind the Service are just "pod"."""
        became: dict[str, dict[str, None]] = {}
        pods = {address for pod in self.cluster.pods for address in pod.ips}
        for step in (step for trace in traces for _, step in trace.steps() if step.action is Action.TRANSLATE):
            change = {each.field: each for each in step.changed}
            for side, short in (("destination", "dst"), ("source", "src")):
                if side not in change:
                    continue
                old, new = change[side].old, change[side].new
                if short == "src":
                    old, new = self._named(source, old), self._named(source, new)
                elif new in pods:
                    new = "pod"
                if f"{side} port" in change:
                    old, new = f"{old}:{change[f'{side} port'].old}", f"{new}:{change[f'{side} port'].new}"
                became.setdefault(f"{short} {old}", {})[new] = None
        return tuple(f"{old} -> {' or '.join(new)}" for old, new in became.items())

    def _named(self, source: str, address: str) -> str:
        """Whose an address is: the sender's, or a pod's or an outside machine's by name; all others stay addresses."""
        nodes = {node.name: node.ips for node in self.cluster.nodes}
        if address in nodes.get(source, ()):
            return SENDER
        name = next((name.removeprefix("default/") for name in self.cluster.holders(address) if name not in nodes), address)
        return SENDER if name == source else name


def walks(plugins: Iterable[str] = PLUGINS, proxies: Iterable[str] = tuple(MODES), connections: int = CONNECTIONS) -> Walks:
    """Every connection to the shop, with each of the plugins and each of the modes of kube-proxy.  Raises InvalidArgument.

    >>> for line in walks(["flannel"], ["iptables", "ipvs"], connections=6).choices():
    ...     print(line.proxy, *line.backends, line.chance, sep=", ")
    iptables, backend-1 1/3 (1), backend-2 1/3 (3), backend-3 1/3 (2), probability 1/3, then 1/2, then the rest
    ipvs, backend-1 1/3 (2), backend-2 1/3 (2), backend-3 1/3 (2), IPVS scheduler rr over 3
    """
    modes = tuple(proxies)
    shops = [Shop(cni, proxy) for cni in plugins for proxy in modes]
    return Walks(shop.walk(source, target, connections) for targets in zip(*(shop.targets for shop in shops), strict=True)
                 for source in SOURCES for shop, target in zip(shops, targets, strict=True))


def _each(texts: Iterable[str]) -> tuple[str, ...]:
    """Texts without repetitions, in order."""
    return tuple(dict.fromkeys(texts))


def _verdict(one: _Try) -> str:
    """How it ended: the first connection that did not come about, or the last one; with the status of a response."""
    last = one.trace.broken or one.trace.connections[-1]
    lost = ", its answer is lost" if last.delivered and not last.answered else ""
    return f"{last.verdict}{lost}" + (f", {one.response.status}" if one.response is not None and one.response.status else "")


def _rule(one: _Try) -> str:
    """What decided: what rewrote the destination, who routed the request, policies, and what ended the walk; else the route."""
    decided: list[str] = []
    for number, trace in enumerate(one.trace.connections):
        if number:
            routings = one.response.routings if one.response is not None else ()
            decided += [f"{each.rule.owner}: {each.rule.rule}" for each in routings if each.rule is not None]
        found = rewriting(trace)
        if found is not None:
            decided.append(f"DNAT on {found[0].label}")
        if trace.delivered:
            decided += [step.why for _, step in trace.steps() if step.action is Action.FILTER]
        else:
            decided.append(trace.reason.partition(", ")[0])
    routes = (f"route '{step.matched}' on {hop.label}" for hop, step in one.trace.steps()
              if step.action is Action.ROUTE and hop.kind == "node")
    return ", then ".join(decided or [next(routes, "")])
