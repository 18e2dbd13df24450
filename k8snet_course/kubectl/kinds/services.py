"""Services as kubectl sees them.

Source: kubernetes pkg/printers (printService); kubectl describe (describeService); core/v1 (Service) and its defaults.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, ClassVar

from k8snet_course.kubectl.kinds import tell
from k8snet_course.kubectl.kinds.form import NONE, Form, labels_text
from k8snet_course.objects.service import EXTERNAL_NAME, LOAD_BALANCER, NODE_PORT, Service

_WIDTH = 16
"""So many characters of a load balancer's addresses are shown, unless with -o wide."""


class ServiceForm(Form):
    """How Services are listed and written."""

    columns = ("NAME", "TYPE", "CLUSTER-IP", "EXTERNAL-IP", "PORT(S)", "AGE")
    wide = ("SELECTOR",)
    fields: ClassVar[Mapping[str, Callable[[Any, Any], str]]] = {
        "spec.clusterIP": lambda form, service: service.cluster_ip,
        "spec.type": lambda form, service: service.type,
    }

    def cells(self, service: Service) -> tuple[str, ...]:
        """NAME, TYPE, CLUSTER-IP, EXTERNAL-IP, PORT(S), AGE."""
        ports = ",".join(port.column for port in service.ports) or NONE
        return (service.name, service.type, service.cluster_ip or NONE, _external(service), ports, self.age(service))

    def more(self, service: Service) -> tuple[str, ...]:
        """The selector."""
        return (labels_text(service.selector),)

    def widened(self, service: Service, cells: tuple[str, ...]) -> tuple[str, ...]:
        """With -o wide all of a load balancer's addresses are shown."""
        return (*cells[:3], service.external_ip_column, *cells[4:])

    def fill(self, service: Service, served: dict[str, Any]) -> None:
        """What the API server fills in."""
        spec = served["spec"]
        spec |= {"type": service.type, "sessionAffinity": service.session_affinity,
                 "ports": [_port(service, number) for number in range(len(service.ports))]}
        if not service.ports:
            del spec["ports"]
        if service.session_affinity != "None":
            spec["sessionAffinityConfig"] = {"clientIP": {"timeoutSeconds": service.affinity_timeout}}
        if service.type != EXTERNAL_NAME:
            spec |= {"internalTrafficPolicy": service.internal_traffic_policy, "clusterIP": service.cluster_ip,
                     "clusterIPs": list(service.cluster_ips), "ipFamilies": list(service.ip_families),
                     "ipFamilyPolicy": service.ip_family_policy}
        if service.type in (NODE_PORT, LOAD_BALANCER) or service.external_ips:
            spec["externalTrafficPolicy"] = service.external_traffic_policy
        if service.type == LOAD_BALANCER:
            spec["allocateLoadBalancerNodePorts"] = service.allocate_load_balancer_node_ports
        balancer = {"ingress": [{"ip": ip, "ipMode": "VIP"} for ip in service.load_balancer_ips]}
        served["status"] = {"loadBalancer": balancer if service.load_balancer_ips else {}}

    def describe(self, service: Service) -> str:
        """The Service, its ports, and the endpoints that are ready."""
        text = f"Name:\t{service.name}\nNamespace:\t{service.namespace}\n"
        text += tell.labels(service.labels) + tell.notes(service.annotations)
        text += f"Selector:\t{labels_text(service.selector)}\nType:\t{service.type}\n"
        has_ips = service.type != EXTERNAL_NAME
        if has_ips:
            text += f"IP Family Policy:\t{service.ip_family_policy}\nIP Families:\t{','.join(service.ip_families)}\n"
        else:
            text += f"IP Families:\t{NONE}\n"
        text += f"IP:\t{service.cluster_ip if has_ips else ''}\nIPs:\t{','.join(service.cluster_ips) or NONE}\n"
        if service.external_ips:
            text += f"External IPs:\t{','.join(service.external_ips)}\n"
        if service.external_name:
            text += f"External Name:\t{service.external_name}\n"
        if service.load_balancer_ips:
            text += f"LoadBalancer Ingress:\t{', '.join(f'{ip} (VIP)' for ip in service.load_balancer_ips)}\n"
        slices = self.server.api.services.slices(service.key)
        for port in service.ports:
            name = port.name or "<unset>"
            text += f"Port:\t{name}\t{port.port}/{port.protocol}\nTargetPort:\t{port.target_port}/{port.protocol}\n"
            if port.app_protocol:
                text += f"AppProtocol:\t{port.app_protocol}\n"
            if port.node_port:
                text += f"NodePort:\t{name}\t{port.node_port}/{port.protocol}\n"
            text += f"Endpoints:\t{tell.some(tell.ready_behind(slices, port.name), '' if slices else NONE)}\n"
        text += f"Session Affinity:\t{service.session_affinity}\n"
        if service.type in (NODE_PORT, LOAD_BALANCER) or service.external_ips:
            text += f"External Traffic Policy:\t{service.external_traffic_policy}\n"
        if has_ips:
            text += f"Internal Traffic Policy:\t{service.internal_traffic_policy}\n"
        if service.health_check_node_port:
            text += f"HealthCheck NodePort:\t{service.health_check_node_port}\n"
        if service.load_balancer_source_ranges:
            text += f"LoadBalancer Source Ranges:\t{','.join(service.load_balancer_source_ranges)}\n"
        if service.traffic_distribution:
            text += f"Traffic Distribution:\t{service.traffic_distribution}\n"
        return text + tell.NO_EVENTS


def _external(service: Service) -> str:
    """The column EXTERNAL-IP: a load balancer's long list is cut."""
    if service.type != LOAD_BALANCER or not service.load_balancer_ips:
        return service.external_ip_column
    given = ",".join(service.load_balancer_ips)
    if len(given) > _WIDTH:
        given = f"{given[:_WIDTH - 3]}..."
    return ",".join((given, *service.external_ips))


def _port(service: Service, number: int) -> dict[str, Any]:
    port = service.ports[number]
    found: dict[str, Any] = {"port": port.port, "protocol": port.protocol, "targetPort": port.target_port}
    more = {"name": port.name, "nodePort": port.node_port, "appProtocol": port.app_protocol}
    return found | {name: value for name, value in more.items() if value}


FORMS = {"services": ServiceForm}
