"""The modes by name, and a cluster's kube-proxies in one of them.

Source: kube-proxy reference, ``--proxy-mode``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from k8snet_course.errors import InvalidArgument
from k8snet_course.linux.chain import Seek
from k8snet_course.linux.memory import Memory
from k8snet_course.linux.netfilter import Rules
from k8snet_course.names import nearest
from k8snet_course.objects.endpoint_slice import EndpointSlice
from k8snet_course.objects.node import Node
from k8snet_course.objects.service import Service
from k8snet_course.services.kube_proxy.iptables import IptablesMode, iptables_save
from k8snet_course.services.kube_proxy.ipvs import IpvsMode
from k8snet_course.services.kube_proxy.ipvs_text import ipvsadm, service_addresses
from k8snet_course.services.kube_proxy.kernelspace import KernelspaceMode, policy_table
from k8snet_course.services.kube_proxy.mode import Mode
from k8snet_course.services.kube_proxy.nftables import NftablesMode, nft_list
from k8snet_course.services.kube_proxy.node_tables import NodeTables
from k8snet_course.services.kube_proxy.proxy import Settings
from k8snet_course.services.kube_proxy.tables import Tables, node_rules

MODES: dict[str, type[Mode]] = {mode.name: mode for mode in (IptablesMode, IpvsMode, NftablesMode, KernelspaceMode)}
"""The modes that kube-proxy can be started in, by name."""

DEFAULT_MODE = "iptables"
"""The mode that kube-proxy takes on Linux when it is told none."""


class KubeProxy:
    """All kube-proxies of a cluster, in one mode: a :class:`~k8snet_course.services.kube_proxy.proxy.Proxy`.

    ``families`` are the IP families of the cluster, each with tables of its own.  Raises InvalidArgument.

        >>> from k8snet_course.objects.endpoint_slice import Endpoint, EndpointPort
        >>> from k8snet_course.objects.service import ServicePort
        >>> from k8snet_course.linux.packet import Packet
        >>> from k8snet_course.services.kube_proxy.proxy import decide
        >>> proxy = KubeProxy("nftables")
        >>> proxy.update(Service("web", ports=(ServicePort(80),), cluster_ips=("10.96.0.20",)), [
        ...     EndpointSlice("web-1", "default", "web", endpoints=(Endpoint(("10.244.1.2",)),), ports=(EndpointPort(80),))])
        >>> rules = proxy.rules(Node("node-1", "192.168.1.2", "10.244.0.0/24"))
        >>> print(decide(rules, Packet("10.244.0.2", "10.96.0.20", "TCP", 40000, 80), lambda address: False))
        translated to 10.244.1.2:80
    """

    __slots__ = ("_tables", "mode", "settings")

    def __init__(self, mode: str = DEFAULT_MODE, settings: Settings | None = None,
                 families: tuple[str, ...] = ("IPv4",)) -> None:
        if not isinstance(mode, str) or mode not in MODES:
            raise InvalidArgument(mode, f"a mode of kube-proxy: {', '.join(MODES)}", f"write {nearest(mode, MODES)!r}")
        self.mode = mode
        self.settings = settings or Settings()
        self._tables = tuple(Tables(MODES[mode](self.settings), family) for family in families)

    def update(self, service: Service, slices: Iterable[EndpointSlice]) -> None:
        """Take in a Service with its EndpointSlices, or put them in the place of those with the same key."""
        slices = tuple(slices)
        for tables in self._tables:
            tables.update(service, slices)

    def expect(self, service: Service, number: int, slices: Callable[[], Iterable[EndpointSlice]]) -> None:
        """As ``update``, for a Service with so many endpoints, all of them ready and each with an address of its own.

        The EndpointSlices are asked for when they are needed: at once, or when a packet first goes there.

            >>> from k8snet_course.objects.service import ServicePort
            >>> proxy = KubeProxy()
            >>> proxy.expect(Service("web", ports=(ServicePort(80),), cluster_ips=("10.96.0.20",)), 0, tuple)
            >>> proxy
            <KubeProxy iptables: 1 Services>
        """
        for tables in self._tables:
            tables.expect(service, number, slices)

    def finds_by(self, seek: Seek) -> None:
        """``seek`` says which Services, by namespace/name, have an endpoint with an address.

        Without it the mode ipvs, which has rows for each endpoint, looks at all Services at once.
        """
        for tables in self._tables:
            tables.seek = seek

    def remove(self, key: str) -> None:
        """Take a Service out, by namespace/name.  One that is not there is no error."""
        for tables in self._tables:
            tables.remove(key)

    def on(self, node: Node, zone: str = "") -> tuple[NodeTables, ...]:
        """The rules of a node, one source for each IP family, which follow every later change."""
        return tuple(tables.on(node, zone) for tables in self._tables)

    def rules(self, node: Node, zone: str = "") -> Rules:
        """The rules of a node on which nothing but kube-proxy has written any."""
        return node_rules(self._tables, node, zone)

    def forget_node(self, name: str) -> None:
        """A node has left the cluster."""
        for tables in self._tables:
            tables.forget_node(name)

    @property
    def gives_addresses(self) -> bool:
        """Whether kube-proxy gives the Services' addresses to the nodes themselves."""
        return self.mode == IpvsMode.name

    def addresses(self, node: Node, zone: str = "") -> tuple[str, ...]:
        """The addresses that kube-proxy gives to the node itself: in the mode ipvs those of all Services, else none."""
        if not self.gives_addresses:
            return ()
        return tuple(address for tables in self._tables for address in service_addresses(self.rules(node, zone), tables.family))

    def text(self, node: Node, zone: str = "", memory: Memory | None = None, addresses: Iterable[str] = ()) -> str:
        """The node's tables as `iptables-save`, `nft list table`, `ipvsadm -Ln` or a list of policies prints them.

        ``addresses`` are those at which the node has node ports in the mode ipvs, if they are not only its own.
        """
        rules, texts = self.rules(node, zone), []
        if self.mode == IpvsMode.name:
            return ipvsadm((rules,), tuple(addresses) or node.ips, memory)
        for family in (tables.family for tables in self._tables):
            if self.mode == IptablesMode.name:
                texts.append(iptables_save(rules, family))
            elif self.mode == NftablesMode.name:
                texts.append(nft_list(rules, node, family))
            else:
                texts.append(policy_table(rules, family))
        return "\n".join(texts)

    def __repr__(self) -> str:
        return f"<KubeProxy {self.mode}: {len(self._tables[0].held)} Services>"
