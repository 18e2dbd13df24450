"""Why there is no such name: one sentence for learners, with what to write instead where the mistake is a known one.

Sentences only; that there is no such name has been found by :mod:`k8snet_course.dns.zone`.
"""

from __future__ import annotations

from k8snet_course.dns.names import IPV4_REVERSE, address_of, pod_name
from k8snet_course.objects.service import Service


def with_dots(labels: list[str], domain: str) -> str:
    """What to write instead of a pod's address with dots under ``svc``; empty for any other name.

    >>> print(with_dots(["10", "244", "0", "1", "my-app", "svc"], "cluster.local"))
    each dot of 10.244.0.1 begins a new label, and svc has Services only; the pod's name is \
10-244-0-1.my-app.pod.cluster.local
    >>> with_dots(["web", "default", "svc"], "cluster.local")
    ''
    """
    if len(labels) < 5:
        return ""
    ip = address_of(".".join(reversed(labels[:4])) + f".{IPV4_REVERSE}")
    name = pod_name(ip, labels[4] if len(labels) > 5 else "default", domain) if ip else ""
    return f"each dot of {ip} begins a new label, and svc has Services only; the pod's name is {name}" if ip else ""


def no_hosts(service: Service, labels: list[str], any_ready: bool) -> str:
    """Why a name under a Service that exists stands for nothing; ``any_ready``: it has a ready endpoint.

    >>> no_hosts(Service("db", cluster_ips=("None",)), ["db", "default", "svc"], any_ready=False)
    'the Service db is headless, and no endpoint of it is ready'
    """
    if len(labels) == 4:
        return f"no ready endpoint of the Service {service.name} is called {labels[0]}"
    if not any_ready and service.headless:
        return f"the Service {service.name} is headless, and no endpoint of it is ready"
    if len(labels) == 3:
        return f"the Service {service.name} has no ready endpoint, and the server leaves such Services out"
    return f"the Service {service.name} has no port {labels[0]} of protocol {labels[1]}"
