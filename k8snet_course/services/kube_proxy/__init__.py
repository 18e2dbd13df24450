"""kube-proxy: what each node's Linux is told about the cluster's Services.

Packets never pass through kube-proxy.  It writes tables, and the kernel sends each new connection to a pod by them.  Four modes
write four kinds of tables, one module each; :mod:`~k8snet_course.services.kube_proxy.tables` is what they have in common, and
:mod:`~k8snet_course.services.kube_proxy.proxy` says how a node uses them.
"""
