"""A forwarded port: kubectl listens on its own machine, and every connection ends on the localhost of a pod.

The way is kubectl -> API server -> kubelet of the pod's node -> the pod's network namespace, and there a new connection to
localhost.  Only that last part is a walk through the cluster's network: no Service address, no kube-proxy and no policy is on
it, because nothing comes in at the pod's interface.

Source: Kubernetes documentation, "Use Port Forwarding"; containerd, internal/cri (portforward on Linux: it enters the sandbox's
network namespace and connects to localhost, IPv4 first).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from k8snet_course.kubectl.complaint import Complaint
from k8snet_course.kubectl.reply import Reply
from k8snet_course.linux.trace import Trace
from k8snet_course.objects.pod import Pod

if TYPE_CHECKING:
    from k8snet_course.kubectl.server import Server

_LOCALHOST = ("127.0.0.1", "::1")


@dataclass(frozen=True, slots=True)
class Forward:
    """A port of kubectl's machine that leads to a port of one pod, as long as that pod is there.

    >>> from k8snet_course import Cluster
    >>> cluster = Cluster()
    >>> _ = cluster.add_pod("web")
    >>> (forward,) = cluster.kubectl("port-forward pod/web 8080:80").value
    >>> str(forward.trace.verdict), forward.trace.hops[0].device
    ('delivered', 'default/web')
    """

    server: Server
    pod: Pod
    sandbox: str
    local: int
    remote: int

    @classmethod
    def to(cls, server: Server, pod: Pod, local: int, remote: int) -> Forward:
        """A port that leads to a pod."""
        return cls(server, pod, _sandbox(server, pod.key), local, remote)

    @property
    def alive(self) -> bool:
        """Whether the pod is there: the same one, not another of its name."""
        return self.pod.key in self.server.control.pods and _sandbox(self.server, self.pod.key) == self.sandbox

    @property
    def trace(self) -> Trace:
        """A new connection, in the pod's own network namespace.  Raises Complaint when the pod is gone."""
        if not self.alive:
            raise Complaint("error: lost connection to pod", "A forwarded port leads to one pod, and dies with it.")
        found = [self.server.cluster.send(self.pod.key, address, port=self.remote) for address in self._localhost]
        return next((trace for trace in found if trace.answered and str(trace.verdict) == "delivered"), found[0])

    def connect(self) -> Reply:
        """Somebody connects to the local port: what kubectl says of it, with the walk as the reply's value."""
        try:
            trace = self.trace
        except Complaint as lost:
            return lost.reply()
        handling = f"Handling connection for {self.local}\n"
        if str(trace.verdict) == "delivered":
            return Reply(handling, value=trace)
        failed = (f"an error occurred forwarding {self.local} -> {self.remote}: error forwarding port {self.remote} to pod "
                  f"{self.sandbox or self.pod.name}, uid : failed to execute portforward in network namespace: failed to "
                  f"connect to localhost:{self.remote} inside namespace: dial tcp4 127.0.0.1:{self.remote}: connect: "
                  "connection refused")
        return Reply(handling, f"{failed}\nerror: lost connection to pod\n{trace.reason}.\n", 1, trace)

    @property
    def way(self) -> str:
        """The way of a connection, in one sentence."""
        return (f"The way: kubectl -> API server -> kubelet on {self.pod.node} -> the network namespace of "
                f"{'the node' if self.pod.host_network else f'pod {self.pod.name}'} -> localhost:{self.remote}. No Service "
                "address, no kube-proxy and no NetworkPolicy is on it.")

    @property
    def _localhost(self) -> tuple[str, ...]:
        return _LOCALHOST if any(":" in ip for ip in self.pod.ips) else _LOCALHOST[:1]

    def __repr__(self) -> str:
        return f"localhost:{self.local} -> {self.pod.label}:{self.remote}{'' if self.alive else ' (lost)'}"


def _sandbox(server: Server, key: str) -> str:
    """The id of the pod's sandbox, which another pod of the same name would not have; empty: it uses the node's network."""
    pod = server.control.pods.get(key)
    return server.control.nodes[pod.node].cables[key][0] if pod is not None and not pod.host_network else ""
