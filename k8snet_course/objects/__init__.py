"""The Kubernetes objects that the course models, as values: one module a noun.

A value here is what somebody has written in a manifest, or what the cluster has decided: a Pod with its node and address, a
Node with its podCIDR.  It holds no tables and decides nothing.

Source: Kubernetes API reference.
"""

from k8snet_course.objects.node import Node
from k8snet_course.objects.pod import LISTEN_ANNOTATION, Container, ContainerPort, Pod

__all__ = ["LISTEN_ANNOTATION", "Container", "ContainerPort", "Node", "Pod"]
