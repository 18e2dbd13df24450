"""Random worlds for hypothesis: a few namespaces, pods, nodes and outside addresses, and policies of both kinds about them."""

from __future__ import annotations

from hypothesis import strategies as st

from k8snet_course.objects.cluster_network_policy import (
    ClusterNetworkPolicy,
    ClusterNetworkPolicyPeer,
    ClusterNetworkPolicyProtocol,
    ClusterNetworkPolicyRule,
    ClusterNetworkPolicySubject,
    NamespacedPod,
)
from k8snet_course.objects.namespace import Namespace
from k8snet_course.objects.network_policy import (
    IPBlock,
    NetworkPolicy,
    NetworkPolicyPeer,
    NetworkPolicyPort,
    NetworkPolicyRule,
)
from k8snet_course.objects.pod import Container, ContainerPort, Pod
from k8snet_course.objects.selector import LabelSelector, LabelSelectorRequirement
from k8snet_course.policy import Party

KEYS, VALUES, SPACES, NODES = ("a", "b"), ("", "x", "y", "z"), ("n1", "n2", "n3"), ("node-1", "node-2")
PORTS, NAMES, PROTOCOLS = (80, 81, 82), ("web", "db"), ("TCP", "UDP")
NETWORKS = ("10.0.0.0/30", "10.0.0.0/29", "10.0.0.4/31", "10.0.0.0/24", "fd00::/126", "192.168.1.0/24", "0.0.0.0/0")
HOLES = {"10.0.0.0/29": ("10.0.0.0/31", "10.0.0.5/32"), "10.0.0.0/24": ("10.0.0.2/31", "10.0.0.4/30"),
         "0.0.0.0/0": ("10.0.0.0/30", "192.168.1.2/32"), "fd00::/126": ("fd00::2/127",)}

labels = st.dictionaries(st.sampled_from(KEYS), st.sampled_from(VALUES), max_size=2)


def few(what: st.SearchStrategy, most: int, least: int = 0) -> st.SearchStrategy:
    """A short tuple."""
    return st.lists(what, min_size=least, max_size=most).map(tuple)


requirements = st.builds(
    lambda key, operator, values: LabelSelectorRequirement(key, operator, values if operator in ("In", "NotIn") else ()),
    st.sampled_from(KEYS), st.sampled_from(("In", "NotIn", "Exists", "DoesNotExist")), few(st.sampled_from(VALUES), 2, 1))
# Half of them empty: policies that select nobody test nothing.
selectors = st.just(LabelSelector()) | st.builds(
    LabelSelector, st.dictionaries(st.sampled_from(KEYS), st.sampled_from(VALUES), max_size=1), few(requirements, 1))
blocks = st.sampled_from(NETWORKS).flatmap(
    lambda cidr: st.builds(IPBlock, st.just(cidr), few(st.sampled_from(HOLES[cidr]), 2) if cidr in HOLES else st.just(())))
peers = (st.builds(NetworkPolicyPeer, selectors) | st.builds(NetworkPolicyPeer, st.none() | selectors, selectors)
         | st.builds(NetworkPolicyPeer, ip_block=blocks))
ports = (st.builds(NetworkPolicyPort, st.none() | st.sampled_from((*PORTS, *NAMES)), st.sampled_from(PROTOCOLS))
         | st.builds(NetworkPolicyPort, st.just(80), st.just("TCP"), st.sampled_from(PORTS)))
rules = st.builds(NetworkPolicyRule, few(peers, 2), few(ports, 2))
network_policies = st.builds(
    NetworkPolicy, st.sampled_from(("p", "q", "r", "s", "t")), st.sampled_from(SPACES), selectors, few(rules, 2), few(rules, 2),
    st.sampled_from(((), ("Ingress",), ("Egress",), ("Ingress", "Egress"))))

chosen = st.builds(NamespacedPod, selectors, selectors)
inside_peers = st.builds(ClusterNetworkPolicyPeer, selectors) | st.builds(ClusterNetworkPolicyPeer, pods=chosen)
outside_peers = (st.builds(ClusterNetworkPolicyPeer, nodes=selectors)
                 | st.builds(ClusterNetworkPolicyPeer, networks=few(st.sampled_from(NETWORKS), 2, 1)))
named_peers = st.builds(ClusterNetworkPolicyPeer, domain_names=few(st.sampled_from(("a.example.com", "*.example.com")), 2, 1))
numbers = (st.builds(ClusterNetworkPolicyProtocol, st.sampled_from(PROTOCOLS), st.sampled_from(PORTS))
           | st.builds(ClusterNetworkPolicyProtocol, st.sampled_from(PROTOCOLS), st.just(80), st.sampled_from((81, 82))))
names = st.builds(lambda name: ClusterNetworkPolicyProtocol(destination_named_port=name), st.sampled_from(NAMES))
actions = st.sampled_from(("Accept", "Deny", "Pass"))
inside_rules = st.builds(ClusterNetworkPolicyRule, actions, few(inside_peers, 2, 1), few(numbers | names, 2))
outside_rules = (inside_rules | st.builds(ClusterNetworkPolicyRule, actions, few(inside_peers | outside_peers, 2, 1),
                                          few(numbers, 2))
                 | st.builds(ClusterNetworkPolicyRule, st.just("Accept"), few(named_peers, 1, 1), few(numbers, 1)))
cluster_policies = st.builds(
    ClusterNetworkPolicy, st.sampled_from(("p", "q", "r", "s", "t")), st.sampled_from(("Admin", "Baseline")),
    st.integers(0, 2), st.builds(ClusterNetworkPolicySubject, selectors) | st.builds(ClusterNetworkPolicySubject, pods=chosen),
    few(inside_rules, 2), few(outside_rules, 2))


def distinct(policies: tuple) -> tuple:
    """One policy of each kind and key: the last, as applying them one after another leaves it."""
    return tuple({(type(policy).__name__, policy.key): policy for policy in policies}.values())


policies = few(network_policies | cluster_policies, 6).map(distinct)


@st.composite
def parties(draw: st.DrawFn) -> list[Party]:
    """Pods of three namespaces on two nodes, the nodes themselves, and an outside address of each IP version."""
    spaces = {name: Namespace(name, draw(labels)) for name in SPACES}
    nodes = {name: draw(labels) for name in NODES}
    found: list[Party] = []
    for number in range(draw(st.integers(1, 6))):
        declared = draw(few(declarations, 2))
        node, host = draw(st.sampled_from(NODES)), draw(st.integers(0, 5)) == 0
        ip = f"192.168.1.{2 + NODES.index(node)}" if host else draw(st.sampled_from((f"10.0.0.{number}", f"fd00::{number}")))
        pod = Pod(f"pod-{number}", node, ip, draw(st.sampled_from(SPACES)), draw(labels),
                  containers=(Container("c", "image", declared),), host_network=host)
        found.append(Party.of_pod(pod, spaces[pod.namespace], node_labels=nodes[node]))
    found += [Party.of_node(name, f"192.168.1.{2 + number}", nodes[name]) for number, name in enumerate(NODES)]
    return [*found, Party.outside("203.0.113.9", draw(st.sampled_from(((), ("a.example.com",), ("b.a.example.com",))))),
            Party.outside("fd00:1::9")]


declarations = st.builds(ContainerPort, st.sampled_from(PORTS), st.sampled_from(PROTOCOLS), st.sampled_from(NAMES))
traffic = st.tuples(st.sampled_from((*PROTOCOLS, "SCTP")), st.sampled_from(PORTS)) | st.just(("ICMP", 0))
