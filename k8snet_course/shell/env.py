"""The environment of a program in a container: its own variables, and those by which the kubelet tells it of Services.

For each Service of the pod's namespace that has a cluster IP there are the names of Docker's links and the pair
``NAME_SERVICE_HOST`` and ``NAME_SERVICE_PORT``.  The kubelet writes them when a container starts, so that a Service which came
later is missing in a real container until it is started again; here the environment is always that of a container that is
started now.

Source: Kubernetes, pkg/kubelet/envvars/envvars.go.
"""

from __future__ import annotations

from k8snet_course.linux.packet import with_port
from k8snet_course.objects.service import Service
from k8snet_course.shell.machine import Machine

_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def environment(machine: Machine) -> dict[str, str]:
    """The variables by name, sorted."""
    found = {"PATH": _PATH, "HOSTNAME": machine.hostname, "HOME": "/root"}
    if machine.pod is not None:
        for service in machine.wires.meaning.api.services.services.values():
            if service.namespace == machine.pod.namespace and service.proxied:
                found |= variables_of(service)
    return dict(sorted(found.items()))


def variables_of(service: Service) -> dict[str, str]:
    """The variables by which the kubelet tells of a Service.

    >>> from k8snet_course.objects.service import ServicePort
    >>> web = Service("my-web", ports=(ServicePort(80, name="http"),), cluster_ips=("10.96.0.20",))
    >>> for name, value in variables_of(web).items():
    ...     print(f"{name}={value}")
    MY_WEB_SERVICE_HOST=10.96.0.20
    MY_WEB_SERVICE_PORT=80
    MY_WEB_SERVICE_PORT_HTTP=80
    MY_WEB_PORT=tcp://10.96.0.20:80
    MY_WEB_PORT_80_TCP=tcp://10.96.0.20:80
    MY_WEB_PORT_80_TCP_PROTO=tcp
    MY_WEB_PORT_80_TCP_PORT=80
    MY_WEB_PORT_80_TCP_ADDR=10.96.0.20
    """
    name, ip = _upper(service.name), service.cluster_ip
    found = {f"{name}_SERVICE_HOST": ip}
    if service.ports:
        found[f"{name}_SERVICE_PORT"] = str(service.ports[0].port)
    for port in service.ports:
        if port.name:
            found[f"{name}_SERVICE_PORT_{_upper(port.name)}"] = str(port.port)
    for number, port in enumerate(service.ports):
        protocol = port.protocol.lower()
        url, start = f"{protocol}://{with_port(ip, port.port)}", f"{name}_PORT_{port.port}_{port.protocol}"
        if number == 0:
            found[f"{name}_PORT"] = url
        found |= {start: url, f"{start}_PROTO": protocol, f"{start}_PORT": str(port.port), f"{start}_ADDR": ip}
    return found


def _upper(name: str) -> str:
    """A name as a part of a variable's."""
    return name.upper().replace("-", "_")
