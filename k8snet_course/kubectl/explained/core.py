"""What the fields of pods, workloads, Services, EndpointSlices and namespaces are for.

Source: Kubernetes API reference; the words are the course's own.
"""

from __future__ import annotations

TEXTS = {
    "ObjectMeta": "What every object has: its name, where it lies, and what people and programs have written on it.",
    "ObjectMeta.name": "The name: with the namespace, unique among the objects of a kind. It cannot change.",
    "ObjectMeta.namespace": "The namespace in which the object lies; without one, it is that of the command (default).",
    "ObjectMeta.labels": "Keys and values by which selectors find the object: those of Services, of NetworkPolicies, of "
                         "kubectl -l.",
    "ObjectMeta.annotations": "Keys and values for people and programs; nothing selects by them. k8snet-course/listen says "
                              "what the pod's programs listen on.",

    "Namespace": "A part of the cluster with names of its own. It is no wall: pods of different namespaces reach each other "
                 "unless a policy says otherwise. Its name is a part of DNS names, and its labels are what namespaceSelector "
                 "looks at.",

    "Pod": "One or several containers on one node that share one network namespace: one address, one localhost, one set of "
           "ports.",
    "Pod.status": "What the cluster has decided: the pod's addresses, its phase. It is not taken from a manifest.",
    "PodSpec": "What runs in the pod, and with which network and resolver.",
    "PodSpec.nodeName": "The node that has to run the pod; without it, the scheduler chooses the node with the fewest pods.",
    "PodSpec.nodeSelector": "Labels that the node must have. Here: kubernetes.io/hostname, which is a node's name.",
    "PodSpec.hostNetwork": "Whether the pod uses its node's network namespace: it then has the node's address and ports, and "
                           "no network plugin is asked.",
    "PodSpec.hostname": "The pod's host name; without it, the name of the pod.",
    "PodSpec.subdomain": "With hostname and a headless Service of this name, the pod gets a DNS name of its own: "
                         "HOSTNAME.SUBDOMAIN.NAMESPACE.svc.cluster.local.",
    "PodSpec.dnsPolicy": "Where /etc/resolv.conf comes from: the cluster's DNS (ClusterFirst, the default), the node's own "
                         "file (Default), or dnsConfig alone (None). A pod with hostNetwork needs ClusterFirstWithHostNet to "
                         "ask the cluster's DNS.",
    "PodSpec.dnsConfig": "Name servers, search domains and options that are added to /etc/resolv.conf.",
    "PodSpec.containers": "The containers. They share the pod's address, so no two of them can listen on one port.",
    "PodDNSConfig": "Lines of /etc/resolv.conf.",
    "PodDNSConfig.nameservers": "Addresses of name servers; a resolver asks the first three at most.",
    "PodDNSConfig.searches": "Domains to try after a name that has fewer dots than ndots says.",
    "PodDNSConfig.options": "Options of the resolver, such as ndots.",
    "PodDNSConfigOption": "One option of the resolver.",
    "PodDNSConfigOption.name": "Its name: ndots, timeout, attempts, ...",
    "PodDNSConfigOption.value": "Its value, as a text.",
    "Container": "One program in its image.",
    "Container.name": "The container's name in the pod: what exec -c and logs -c mean.",
    "Container.image": "The image. In this course it decides what the container listens on (nginx: TCP 80), and which "
                       "commands it has.",
    "Container.ports": "Ports that the container declares. Declaring one opens nothing: it gives the port a name, and says to "
                       "people what to expect. Only hostPort has an effect.",
    "ContainerPort": "One port that a container declares.",
    "ContainerPort.name": "A name for the port, which targetPort of a Service and the ports of a NetworkPolicy can use.",
    "ContainerPort.containerPort": "The number of the port at the pod's address.",
    "ContainerPort.hostPort": "A port of the node that leads to the pod, by rules of the portmap plugin; 0: none.",
    "ContainerPort.hostIP": "At which address of the node; without it, at all of them.",
    "ContainerPort.protocol": "The protocol; without it, TCP.",
    "PodTemplateSpec": "The pod of which many are made; its name is left out.",
    "PodTemplateSpec.metadata": "The labels and annotations of the pods; the labels have to match the selector.",
    "PodTemplateSpec.spec": "What runs in each of them.",

    "Deployment": "So many pods of one template, by way of a ReplicaSet. A pod that goes is replaced by one with another name "
                  "and another address: that is why there are Services.",
    "DeploymentSpec.replicas": "How many pods; without it, one. kubectl scale changes it.",
    "DeploymentSpec.selector": "Which pods belong to it. It cannot change, and has to select the pods of the template.",
    "DeploymentSpec.template": "The pod that is made. Another template means a new ReplicaSet, and new pods.",
    "DeploymentSpec": "How many pods of which template there should be.",
    "ReplicaSet": "So many pods of one template. Most are made by a Deployment.",
    "ReplicaSetSpec": "How many pods of which template there should be.",
    "ReplicaSetSpec.replicas": "How many pods; without it, one. kubectl scale changes it.",
    "ReplicaSetSpec.selector": "Which pods belong to it. It cannot change, and has to select the pods of the template.",
    "ReplicaSetSpec.template": "The pod that is made.",

    "Service": "One name, and usually one address, for pods that come and go. The address is on no interface: each node's "
               "kube-proxy rewrites packets to it, to the address of a pod that is ready.",
    "Service.status": "What the cluster has decided: the addresses of the load balancer. It is not taken from a manifest.",
    "ServiceSpec": "Which pods stand behind the Service, on which ports, and from where it can be reached.",
    "ServiceSpec.type": "ClusterIP: from inside. NodePort: also at a port of every node. LoadBalancer: also at an address of a "
                        "provider. ExternalName: a name in DNS, and no more. Without it: ClusterIP.",
    "ServiceSpec.selector": "Labels that a pod must all have to stand behind the Service. Without it nobody does, until "
                            "somebody writes EndpointSlices.",
    "ServiceSpec.ports": "The ports of the Service. Of several, each needs a name.",
    "ServiceSpec.clusterIP": "The virtual address; without it, the cluster chooses one. None: a headless Service, whose DNS "
                             "name has the pods' addresses. It cannot change.",
    "ServiceSpec.clusterIPs": "In dual stack the virtual addresses of both IP versions; the first is clusterIP.",
    "ServiceSpec.ipFamilyPolicy": "Whether the Service has addresses of one IP version or of both.",
    "ServiceSpec.ipFamilies": "Which IP versions, in order.",
    "ServiceSpec.externalName": "The name that DNS answers with (CNAME), for type ExternalName.",
    "ServiceSpec.externalIPs": "Addresses outside the cluster's power: a packet to one of them that reaches a node is for the "
                               "Service.",
    "ServiceSpec.sessionAffinity": "ClientIP: a client's connections go to one pod as long as it is there. Without it: None.",
    "ServiceSpec.sessionAffinityConfig": "How long that holds.",
    "ServiceSpec.internalTrafficPolicy": "Local: packets from inside go to pods of the same node only, and are lost where "
                                         "there is none. Without it: Cluster.",
    "ServiceSpec.externalTrafficPolicy": "Local: packets from outside go to pods of the node that they came to, and keep their "
                                         "source address. Without it Cluster, which hides the source behind the node.",
    "ServiceSpec.healthCheckNodePort": "With externalTrafficPolicy Local, the port at which a node says whether it has pods.",
    "ServiceSpec.loadBalancerClass": "Which provider is to serve the Service.",
    "ServiceSpec.loadBalancerSourceRanges": "From which networks the load balancer takes packets.",
    "ServiceSpec.allocateLoadBalancerNodePorts": "Whether a LoadBalancer Service gets node ports too; without it, true.",
    "ServiceSpec.publishNotReadyAddresses": "Whether pods that are not ready count as ready in DNS and slices.",
    "ServiceSpec.trafficDistribution": "Which pods are preferred: those of the same zone, or of the same node.",
    "SessionAffinityConfig": "The settings of session affinity.",
    "SessionAffinityConfig.clientIP": "The settings of affinity by the client's address.",
    "ClientIPConfig": "The settings of affinity by the client's address.",
    "ClientIPConfig.timeoutSeconds": "How long a client is remembered after its last packet; without it, 10800.",
    "ServicePort": "One port of a Service.",
    "ServicePort.name": "The port's name, which SRV records and Ingresses can use.",
    "ServicePort.protocol": "The protocol; without it, TCP.",
    "ServicePort.appProtocol": "What is spoken at the port, as a hint for other programs.",
    "ServicePort.port": "The port at the Service's address.",
    "ServicePort.targetPort": "The port at the pod: a number, or the name of a container's port. Without it, as port.",
    "ServicePort.nodePort": "The port at every node (30000-32767); without it, the cluster chooses one.",

    "EndpointSlice": "Some of the pods that stand behind a Service, with their state. A controller writes them for a Service "
                     "with a selector; kube-proxy and DNS read them. The label kubernetes.io/service-name says whose they are.",
    "EndpointSlice.addressType": "The type of all addresses of the slice.",
    "EndpointSlice.ports": "The ports at each of the endpoints.",
    "EndpointSlice.endpoints": "Who stands behind the Service.",
    "EndpointPort": "A port at each of a slice's endpoints.",
    "EndpointPort.name": "The name of the Service's port that leads here.",
    "EndpointPort.protocol": "The protocol; without it, TCP.",
    "EndpointPort.port": "The number.",
    "Endpoint": "One pod, or another machine, behind a Service.",
    "Endpoint.addresses": "Its address; of several, the first is used.",
    "Endpoint.conditions": "Whether it can take new connections.",
    "Endpoint.hostname": "Its name in DNS, below that of a headless Service.",
    "Endpoint.nodeName": "The node on which it runs: needed for Local traffic policies.",
    "Endpoint.targetRef": "The pod that it is.",
    "Endpoint.zone": "The zone of its node.",
    "EndpointConditions": "The state of an endpoint.",
    "EndpointConditions.ready": "It takes new connections; without it, true.",
    "EndpointConditions.serving": "As ready, but said of pods that are shutting down too.",
    "EndpointConditions.terminating": "It has been told to stop.",
    "ObjectReference": "Which object is meant.",
    "ObjectReference.kind": "Its kind: Pod.",
    "ObjectReference.namespace": "Its namespace.",
    "ObjectReference.name": "Its name.",
}
