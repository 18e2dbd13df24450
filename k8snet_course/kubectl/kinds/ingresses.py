"""Ingresses as kubectl sees them.

Source: kubernetes pkg/printers (printIngress); kubectl describe (describeIngressV1).
"""

from __future__ import annotations

from typing import Any

from k8snet_course.kubectl.kinds import tell
from k8snet_course.kubectl.kinds.form import NONE, Form
from k8snet_course.objects.ingress import Ingress, IngressBackend


class IngressForm(Form):
    """How Ingresses are listed and written."""

    columns = ("NAME", "CLASS", "HOSTS", "ADDRESS", "PORTS", "AGE")

    def cells(self, ingress: Ingress) -> tuple[str, ...]:
        """NAME, CLASS, HOSTS, ADDRESS, PORTS, AGE."""
        return (ingress.name, ingress.ingress_class_name or NONE, ingress.hosts_column, ",".join(ingress.load_balancer_ips),
                ingress.ports_column, self.age(ingress))

    def fill(self, ingress: Ingress, served: dict[str, Any]) -> None:
        """The status, which is empty while no controller has reported an address."""
        served.setdefault("status", {"loadBalancer": {}})

    def describe(self, ingress: Ingress) -> str:
        """The rules, and for each backend the endpoints behind it."""
        text = f"Name:\t{ingress.name}\n" + tell.labels(ingress.labels) + f"Namespace:\t{ingress.namespace}\n"
        text += f"Address:\t{','.join(ingress.load_balancer_ips)}\n"
        text += f"Ingress Class:\t{ingress.ingress_class_name or NONE}\n"
        backend = ingress.default_backend
        text += f"Default backend:\t{self._backend(ingress, backend) if backend is not None else '<default>'}\n"
        if ingress.tls:
            text += "TLS:\n"
            for entry in ingress.tls:
                terminates = f"{entry.secret_name} terminates" if entry.secret_name else "SNI routes"
                text += f"  {terminates} {','.join(entry.hosts)}\n"
        text += "Rules:\n  Host\tPath\tBackends\n  ----\t----\t--------\n"
        rules = 0
        for rule in ingress.rules:
            if not rule.paths:
                continue
            rules += 1
            text += f"  {rule.host or '*'}\t\n"
            text += "".join(f"    \t{path.path} \t{self._backend(ingress, path.backend)}\n" for path in rule.paths)
        if not rules:
            text += f"  *\t*\t{self._backend(ingress, backend) if backend is not None else '<default>'}\n"
        return text + tell.notes(ingress.annotations) + tell.NO_EVENTS

    def _backend(self, ingress: Ingress, backend: IngressBackend) -> str:
        """A backend and the endpoints that are ready behind it, or why there are none."""
        if backend.resource:
            kind, _, name = backend.resource.partition("/")
            return f"APIGroup: {NONE}, Kind: {kind}, Name: {name}"
        shown = f"{backend.service}:{backend.port}"
        key = f"{ingress.namespace}/{backend.service}"
        service = self.server.api.services.services.get(key)
        if service is None:
            return f'{shown} (<error: services "{backend.service}" not found>)'
        port = next((port for port in service.ports if backend.port in (port.port, port.name)), None)
        found = tell.ready_behind(self.server.api.services.slices(key), port.name) if port is not None else []
        return f"{shown} ({tell.some(found, '')})"


FORMS = {"ingresses": IngressForm}
