"""A handle on one device of a cluster: what you get from ``cluster.node("node-1")`` and ``cluster.pod("frontend")``.

It holds no state of its own: every property asks the cluster for the tables as they are at that moment, and they print as
the Linux commands print them.
"""

from __future__ import annotations

from collections.abc import Callable

from k8snet_course.dns import ResolvConf
from k8snet_course.linux.bridge import FdbEntry
from k8snet_course.linux.link import Link
from k8snet_course.linux.namespace import Listener, Namespace, Network, Refused
from k8snet_course.linux.neighbour import Neighbour
from k8snet_course.linux.netfilter import FILTER, NAT
from k8snet_course.linux.route import Route
from k8snet_course.linux.rows import Rows
from k8snet_course.linux.rule import Row


class Device:
    """One device: a pod, a node, the laptop, the router or the switch.

        >>> from k8snet_course import Cluster
        >>> print(Cluster().node("node-1").routes)
        default via 192.168.1.1 dev eth0
        192.168.1.0/24 dev eth0 proto kernel scope link src 192.168.1.2
    """

    __slots__ = ("_network", "_resolv_conf", "ip", "name", "pod_cidr", "second_ip", "second_pod_cidr")

    def __init__(self, network: Network, name: str, ip: str, pod_cidr: str = "", second_ip: str = "",
                 second_pod_cidr: str = "", resolv_conf: Callable[[], ResolvConf] = ResolvConf) -> None:
        self._network = network
        self.name = name
        self.ip = ip
        self.pod_cidr = pod_cidr
        self.second_ip = second_ip
        self.second_pod_cidr = second_pod_cidr
        self._resolv_conf = resolv_conf

    @property
    def ips(self) -> tuple[str, ...]:
        """Its addresses: one, or in a dual-stack cluster one of each IP version."""
        return tuple(ip for ip in (self.ip, self.second_ip) if ip)

    @property
    def pod_cidrs(self) -> tuple[str, ...]:
        """A node's ranges of pod addresses, in the order of the cluster's."""
        return tuple(cidr for cidr in (self.pod_cidr, self.second_pod_cidr) if cidr)

    @property
    def _now(self) -> Namespace:
        return self._network.namespace(self.name)

    @property
    def kind(self) -> str:
        """pod, node, laptop, router or switch."""
        return self._now.kind

    @property
    def links(self) -> Rows[Link]:
        """Its interfaces, as `ip addr` prints them."""
        return Rows(self._now.links.values())

    @property
    def routes(self) -> Rows[Route]:
        """Its routes, as `ip route` and behind it `ip -6 route` print them."""
        return Rows(self._now.routes)

    @property
    def neighbours(self) -> Rows[Neighbour]:
        """The MAC addresses it knows, as `ip neigh` prints them."""
        return Rows(self._now.neighbours)

    @property
    def fdb(self) -> Rows[FdbEntry]:
        """What its bridges have learnt, as `bridge fdb` prints it."""
        return Rows(self._now.fdb_entries())

    @property
    def nat(self) -> Rows[Row]:
        """Its rules that rewrite addresses, as `iptables-save` and behind it `ip6tables-save` print them.

            >>> from k8snet_course import Cluster
            >>> cluster = Cluster(nodes=2, cni="flannel")
            >>> print(cluster.node("node-1").nat[0])
            -A POSTROUTING -m comment --comment "flanneld masq" -j FLANNEL-POSTRTG
        """
        now = self._now
        return Rows((*now.rules.rows(NAT), *now.rules6.rows(NAT)))

    @property
    def filters(self) -> Rows[Row]:
        """Its rules that let packets pass or not, as `iptables-save` and behind it `ip6tables-save` print them."""
        now = self._now
        return Rows((*now.rules.rows(FILTER), *now.rules6.rows(FILTER)))

    @property
    def maps(self) -> Rows[Route]:
        """What the maps of its eBPF programs say: to which node packets for which addresses go."""
        return Rows(self._now.maps)

    @property
    def resolv_conf(self) -> ResolvConf:
        """Its /etc/resolv.conf: whom its programs ask for names, and how short names are completed.

            >>> from k8snet_course import Cluster
            >>> cluster = Cluster()
            >>> _ = cluster.add_pod("a")
            >>> print(cluster.pod("a").resolv_conf)
            search default.svc.cluster.local svc.cluster.local cluster.local
            nameserver 10.96.0.10
            options ndots:5
        """
        return self._resolv_conf()

    @property
    def listeners(self) -> Rows[Listener]:
        """The programs that wait for packets, as `ss -ln` lists them."""
        return Rows(self._now.listeners)

    @property
    def refused(self) -> Rows[Refused]:
        """The programs that could not listen, because another one has their port (`address already in use`).

            >>> from k8snet_course import Cluster
            >>> cluster = Cluster()
            >>> _ = cluster.add_pod("web", containers={"nginx": "nginx", "apache": "httpd"})
            >>> print(cluster.pod("web").refused)
            apache cannot listen on TCP 0.0.0.0:80: address already in use (nginx has it)
        """
        return Rows(self._now.refused)

    def __repr__(self) -> str:
        now = self._now
        return f"{now.kind} {now.label} {' and '.join(self.ips)}".rstrip()
