"""Where an Ingress or a Gateway can be reached: the addresses that its controller writes into its status.

A controller is reached as any pod is: by a Service of type LoadBalancer (or with externalIPs) that selects its pods, or, where
its pods use their nodes' network, at the nodes' addresses.  While there is neither, or no controller at all, the status stays
empty, as kubectl's column ADDRESS then is.

It routes no request: that is :mod:`k8snet_course.relays`.

Modelled simply: a cluster IP or a node port alone is no entrance, though some controllers can be told to report one.

Source: Kubernetes API reference, networking.k8s.io/v1 (IngressStatus); Gateway API, Gateway (status.addresses);
kubernetes/ingress-nginx, internal/ingress/status.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import TypeVar

from k8snet_course.api_server import ApiServer
from k8snet_course.controllers import gateway_controller, gateway_served, ingress_controller, is_controller
from k8snet_course.objects import Pod
from k8snet_course.objects.gateway import Gateway
from k8snet_course.objects.ingress import Ingress
from k8snet_course.services.ingress import why_not_served
from k8snet_course.services.selectors import selects

T = TypeVar("T")


def with_status(api: ApiServer, objects: Sequence[T]) -> tuple[T, ...]:
    """The objects as the API shows them: Ingresses and Gateways with their addresses, all others as they are.

    >>> from k8snet_course import Cluster
    >>> cluster = Cluster(load_balancer="192.168.1.240/28")
    >>> _ = cluster.add_pod("edge", image="traefik:v3", labels={"app": "edge"})
    >>> _ = cluster.apply('''
    ... {apiVersion: v1, kind: Service, metadata: {name: edge},
    ...  spec: {type: LoadBalancer, selector: {app: edge}, ports: [{port: 80}]}}
    ... ---
    ... {apiVersion: networking.k8s.io/v1, kind: IngressClass, metadata: {name: traefik},
    ...  spec: {controller: traefik.io/ingress-controller}}
    ... ---
    ... {apiVersion: networking.k8s.io/v1, kind: Ingress, metadata: {name: shop},
    ...  spec: {ingressClassName: traefik, defaultBackend: {service: {name: web, port: {number: 80}}}}}
    ... ''')
    >>> [one.load_balancer_ips for one in cluster.objects("ingresses")]
    [('192.168.1.240',)]
    """
    if not any(isinstance(one, (Ingress, Gateway)) for one in objects):
        return tuple(objects)
    pods = [pod for pod in api.control.pods.values() if is_controller(pod)]
    return tuple(_shown(api, one, pods) for one in objects)


def _shown(api: ApiServer, one: T, controllers: Iterable[Pod]) -> T:
    if isinstance(one, Ingress):
        classes = api.all("IngressClass")
        serving = [pod for pod in controllers if (name := ingress_controller(pod)) and not why_not_served(one, classes, name)]
        return replace(one, load_balancer_ips=_addresses(api, serving))
    if isinstance(one, Gateway):
        named = api.find("GatewayClass", one.gateway_class_name)
        serving = [pod for pod in controllers if gateway_served(pod) == one.key or (
            not gateway_served(pod) and named is not None and gateway_controller(pod) == named.controller_name)]
        return replace(one, addresses=_addresses(api, serving))
    return one


def _addresses(api: ApiServer, pods: Iterable[Pod]) -> tuple[str, ...]:
    """The addresses of Services that lead to pods from outside, else those of the pods' nodes if they use their network."""
    pods = tuple(pods)
    found = [ip for service in api.services.services.values() for ip in (*service.load_balancer_ips, *service.external_ips)
             if any(pod.namespace == service.namespace and selects(service.selector, pod.labels) for pod in pods)]
    return tuple(dict.fromkeys(found or [ip for pod in pods if pod.host_network for ip in pod.ips]))
