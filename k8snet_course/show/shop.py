"""A small shop on a cluster, and what becomes of connections to it: for every mode of kube-proxy, on several network plugins.

The shop has two frontends behind a load balancer, three backends behind a cluster IP and a node port, and a database that only
the backends may reach.  From a pod, another pod, a node, the laptop and the internet the same connections are made again and
again; each :class:`~k8snet_course.show.shop_table.Line` says how they ended, which pods took them, whom these saw as the source,
what was rewritten and which rule decided.

Nothing is decided here: every cell is read off traces, and the fractions off the rules (:mod:`k8snet_course.show.shares`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from fractions import Fraction
from typing import NamedTuple

from k8snet_course.cluster import Cluster
from k8snet_course.linux.trace import Action, Trace
from k8snet_course.services.kube_proxy.modes import MODES
from k8snet_course.show.shares import Shares, rewriting, shares
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
"""
"""The shop as one would hand it to `kubectl apply`.  Bare pods instead of Deployments, because their names are short."""

PLUGINS = ("flannel", "calico")
SOURCES = ("frontend-1", "backend-1", "node-1", "laptop", "internet")
CONNECTIONS = 60
"""How often each connection is made: a number that two, three and four divide."""


class Target(NamedTuple):
    """Where a connection is to go: ``name`` in the table, then what ``cluster.send`` takes."""

    name: str
    word: str
    port: int


class Shop:
    """The shop on a cluster of two nodes, with a provider of load balancers.  Raises InvalidArgument.

    >>> print(*Shop().cluster.services, sep="\\n")
    service frontend LoadBalancer 10.109.131.193 80:31663/TCP
    service backend NodePort 10.102.42.247 80:30080/TCP
    service database ClusterIP 10.108.33.149 5432/TCP
    """

    def __init__(self, cni: str = "flannel", proxy: str = "iptables") -> None:
        self.proxy = proxy
        self.cluster = Cluster(nodes=2, cni=cni, proxy=proxy, load_balancer="192.168.1.240/28")
        self.cluster.apply(MANIFESTS)

    @property
    def targets(self) -> tuple[Target, ...]:
        """What there is to connect to.

        >>> print(*(target.name for target in Shop().targets), sep=", ")
        backend's cluster IP, backend's node port, frontend's load balancer, database's cluster IP, database-1 itself
        """
        services = {service.name: service for service in self.cluster.services}
        return (
            Target("backend's cluster IP", "svc/backend", 80),
            Target("backend's node port", "node-1", services["backend"].ports[0].node_port),
            Target("frontend's load balancer", services["frontend"].load_balancer_ips[0], 80),
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
        traces = [self.cluster.send(source, target.word, target.port) for _ in range(connections)]
        names = [pod.label for pod in self.cluster.pods]
        traces.sort(key=lambda trace: names.index(trace.hops[-1].label) if trace.delivered else len(names))
        ways = tuple({_way(trace): trace for trace in reversed(traces)}.values())[::-1]
        taken = [trace for trace in traces if trace.delivered]
        drawn = shares(self.cluster, taken[0]) if taken else None
        found = rewriting(taken[0]) if taken else None
        return Line(target.name, source, self.cluster.cni, self.proxy, ", ".join(_each(map(_verdict, ways))),
                    _backends(taken, drawn), _each(self._seen(source, trace) for trace in ways if trace.delivered),
                    self._nat(source, ways), ", or ".join(_each(map(_rule, ways))),
                    drawn.chance if drawn is not None else "", found[1].matched.strip() if found is not None else "")

    def _seen(self, source: str, trace: Trace) -> str:
        """Whom the pod sees as the source; a node's address with the interface that has it."""
        address = trace.hops[-1].steps[-1].packet.src
        name = self._named(source, address)
        for node in self.cluster.nodes:
            link = self.cluster.namespace(node.name).local_link(address)
            if link is not None and name == address:
                return f"{address} ({node.name} {link})"
        return name

    def _nat(self, source: str, ways: Iterable[Trace]) -> tuple[str, ...]:
        """What was rewritten on the way there: old -> all that it became.  The pods behind the Service are just "pod"."""
        became: dict[str, dict[str, None]] = {}
        pods = {address for pod in self.cluster.pods for address in pod.ips}
        for _, step in (each for trace in ways for each in trace.steps()):
            change = {change.field: change for change in step.changed} if step.action is Action.TRANSLATE else {}
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


def _backends(taken: Iterable[Trace], drawn: Shares | None) -> tuple[Backend, ...]:
    """The pods that took the connections, each with its part by the rules and its number."""
    counts = Counter(trace.hops[-1].label for trace in taken)
    ends = {trace.hops[-1].label: trace.hops[-1].steps[-1].packet for trace in taken}
    return tuple(Backend(pod, drawn.parts[ends[pod].dst, ends[pod].dst_port] if drawn is not None else Fraction(1), count)
                 for pod, count in counts.items())


def _each(texts: Iterable[str]) -> tuple[str, ...]:
    """Texts without repetitions, in order."""
    return tuple(dict.fromkeys(texts))


def _way(trace: Trace) -> tuple[object, ...]:
    """What tells the ways of two packets apart: the devices, what these did, and the addresses afterwards."""
    return trace.verdict, trace.reason, trace.answered, tuple(
        (hop.device, step.action, step.packet.src, step.packet.dst) for hop, step in trace.steps())


def _verdict(trace: Trace) -> str:
    return str(trace.verdict) if trace.answered or not trace.delivered else f"{trace.verdict}, its answer is lost"


def _rule(trace: Trace) -> str:
    """What decided: the rewriting of the destination, policies, and what ended the walk; without any of these the route."""
    found = rewriting(trace)
    decided = [f"DNAT on {found[0].label}"] if found is not None else []
    if not trace.delivered:
        return ", then ".join([*decided, trace.reason.partition(", ")[0]])
    decided += [step.why for _, step in trace.steps() if step.action is Action.FILTER]
    routes = (f"route '{step.matched}' on {hop.label}" for hop, step in trace.steps()
              if step.action is Action.ROUTE and hop.kind == "node")
    return ", then ".join(decided or [next(routes, "")])
