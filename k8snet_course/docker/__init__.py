"""Docker, to compare a cluster with: containers on one host or several, on the same linux layer.

=================  ======================================================================================
module             what
=================  ======================================================================================
``engine``         :class:`Docker`, the front door: run, network_create, connect, rm, send, lookup
``container``      a container, and the ports of its host that lead to it
``network``        a network, and a container's place in one
``pool``           subnets, and addresses in them
``ledger``         what the engines have decided: networks, and who has which address
``site``           one host, as those see it who write its tables
``wiring``         the namespaces of hosts and containers; overlay networks
``firewall``       the netfilter rules, and what `iptables-save` prints of them
``names``          Docker's DNS server
``lan``            the wire that the hosts stand on
=================  ======================================================================================

The same question in Kubernetes: who has an address (a pod, not a container), how two hosts are joined (always, by a CNI
plugin), how one gets in (Services), who knows names (CoreDNS), what keeps apart (NetworkPolicy).
"""

from k8snet_course.docker.container import Container, PortBinding
from k8snet_course.docker.engine import Docker
from k8snet_course.docker.network import Endpoint, Network

__all__ = ["Container", "Docker", "Endpoint", "Network", "PortBinding"]
