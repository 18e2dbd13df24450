"""What the fields of policies and of label selectors are for.

Source: Kubernetes API reference; network-policy-api; the words are the course's own.
"""

from __future__ import annotations

TEXTS = {
    "LabelSelector": "Labels that an object must have. All conditions must hold; {} selects everything, and no selector "
                     "nothing.",
    "LabelSelector.matchLabels": "Keys with the value that each must have.",
    "LabelSelector.matchExpressions": "Conditions with an operator.",
    "LabelSelectorRequirement": "One condition on a label.",
    "LabelSelectorRequirement.key": "The label's key.",
    "LabelSelectorRequirement.operator": "In, NotIn, Exists or DoesNotExist. NotIn holds for an object without the label too.",
    "LabelSelectorRequirement.values": "The values for In and NotIn.",

    "NetworkPolicy": "Which connections some pods may have. A pod that no policy selects may have all; one that a policy "
                     "selects may have those that some policy allows, in the directions that the policies name. The plugin "
                     "has to enforce it: not every one does.",
    "NetworkPolicySpec": "Which pods, which directions, and what is allowed.",
    "NetworkPolicySpec.podSelector": "The pods of this namespace that the policy is about; {} means all of them.",
    "NetworkPolicySpec.policyTypes": "The directions in which these pods are isolated. Without it: Ingress, and Egress if "
                                     "there are egress rules.",
    "NetworkPolicySpec.ingress": "What may come in: a connection needs one rule that allows it. An empty list allows nothing.",
    "NetworkPolicySpec.egress": "Where these pods may connect to. Remember DNS: port 53, UDP and TCP.",
    "NetworkPolicyIngressRule": "One thing that is allowed: from one of these, to one of these ports.",
    "NetworkPolicyIngressRule.from": "From whom: one of the list is enough. Without it: from everywhere.",
    "NetworkPolicyIngressRule.ports": "To which ports of the pod; without it, to all.",
    "NetworkPolicyEgressRule": "One thing that is allowed: to one of these, at one of these ports.",
    "NetworkPolicyEgressRule.to": "To whom: one of the list is enough. Without it: to everywhere.",
    "NetworkPolicyEgressRule.ports": "At which ports there: of the pod, not of the Service. Without it, at all.",
    "NetworkPolicyPeer": "Who is at the other end: pods, or a network. podSelector and namespaceSelector in one item mean "
                         "both at once; in two items, one or the other.",
    "NetworkPolicyPeer.podSelector": "Pods with these labels: of this namespace, or of those that namespaceSelector selects.",
    "NetworkPolicyPeer.namespaceSelector": "Namespaces with these labels, and all pods in them unless podSelector says which.",
    "NetworkPolicyPeer.ipBlock": "A network of addresses, meant for what is outside the cluster.",
    "IPBlock": "A network, with holes.",
    "IPBlock.cidr": "The network: 192.168.1.0/24, or 0.0.0.0/0 for all.",
    "IPBlock.except": "Parts of it that are not meant. They are not denied: another rule may allow them.",
    "NetworkPolicyPort": "A port, or a range of them.",
    "NetworkPolicyPort.protocol": "The protocol; without it, TCP.",
    "NetworkPolicyPort.port": "The number, or the name of a container's port; without it, all ports.",
    "NetworkPolicyPort.endPort": "The last port of a range that begins with port.",

    "ClusterNetworkPolicy": "A policy of the administrator for the whole cluster. Unlike NetworkPolicies, its rules have an "
                            "order, and can deny. The tier Admin is asked before all NetworkPolicies, Baseline after them.",
    "ClusterNetworkPolicySpec": "When the policy is asked, for which pods, and its rules.",
    "ClusterNetworkPolicySpec.tier": "Before NetworkPolicies (Admin), or after them (Baseline).",
    "ClusterNetworkPolicySpec.priority": "Which policy of a tier is asked first: the one with the lowest number.",
    "ClusterNetworkPolicySpec.subject": "The pods that the policy is about.",
    "ClusterNetworkPolicySpec.ingress": "Rules for what comes in; the first that matches decides.",
    "ClusterNetworkPolicySpec.egress": "Rules for what goes out; the first that matches decides.",
    "ClusterNetworkPolicySubject": "Pods: all of some namespaces, or some of some namespaces.",
    "ClusterNetworkPolicySubject.namespaces": "All pods of the namespaces with these labels.",
    "ClusterNetworkPolicySubject.pods": "The pods with these labels, in the namespaces with those.",
    "NamespacedPod": "Pods by their own labels and those of their namespace.",
    "NamespacedPod.namespaceSelector": "Which namespaces.",
    "NamespacedPod.podSelector": "Which pods in them.",
    "ClusterNetworkPolicyRule": "What to do with some connections.",
    "ClusterNetworkPolicyRule.name": "A name, for people.",
    "ClusterNetworkPolicyRule.action": "Accept and Deny decide; Pass leaves it to the NetworkPolicies.",
    "ClusterNetworkPolicyRule.from": "From whom: one of the list is enough.",
    "ClusterNetworkPolicyRule.to": "To whom: one of the list is enough.",
    "ClusterNetworkPolicyRule.protocols": "Which protocols and ports; without it, all.",
    "ClusterNetworkPolicyPeer": "Who is at the other end: exactly one of these fields.",
    "ClusterNetworkPolicyPeer.namespaces": "All pods of the namespaces with these labels.",
    "ClusterNetworkPolicyPeer.pods": "The pods with these labels, in the namespaces with those.",
    "ClusterNetworkPolicyPeer.nodes": "Nodes with these labels.",
    "ClusterNetworkPolicyPeer.networks": "Networks of addresses.",
    "ClusterNetworkPolicyPeer.domainNames": "Names in DNS outside the cluster.",
    "ClusterNetworkPolicyProtocol": "A protocol and its ports: exactly one of these fields.",
    "ClusterNetworkPolicyProtocol.tcp": "TCP ports.",
    "ClusterNetworkPolicyProtocol.udp": "UDP ports.",
    "ClusterNetworkPolicyProtocol.sctp": "SCTP ports.",
    "ClusterNetworkPolicyProtocol.destinationNamedPort": "The name of a container's port.",
    "DestinationPort": "A protocol's ports at the destination.",
    "DestinationPort.destinationPort": "One port, or a range.",
    "Ports": "One port, or a range: exactly one of these fields.",
    "Ports.number": "The port.",
    "Ports.range": "The first and the last port.",
    "PortRange": "Ports that follow each other.",
    "PortRange.start": "The first port.",
    "PortRange.end": "The last port.",
}
