"""Services: from an address that belongs to nobody to a pod that answers.

:mod:`~k8snet_course.services.selectors` finds the pods of a Service, :mod:`~k8snet_course.services.endpoints` writes their
addresses into EndpointSlices, :mod:`~k8snet_course.services.backends` says which of them a node may use, and
:mod:`~k8snet_course.services.kube_proxy` makes the rules by which each node's Linux rewrites packets.
:mod:`~k8snet_course.services.load_balancer` is who gives a Service an address outside the cluster.
"""
