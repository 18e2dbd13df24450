"""``kubectl port-forward``: a local port that leads to a pod's localhost.

The real one goes on until it is stopped.  Here each port is tried once, and the reply's value holds the
:class:`~k8snet_course.kubectl.forward.Forward` of each, whose ``connect`` makes another connection.

Source: k8s.io/kubectl, pkg/cmd/portforward.
"""

from __future__ import annotations

from typing import Any

from k8snet_course.kubectl.complaint import Complaint
from k8snet_course.kubectl.context import Context
from k8snet_course.kubectl.flags import TEXT, WORDS, Flag
from k8snet_course.kubectl.forward import Forward
from k8snet_course.kubectl.pods_behind import named, pod_of
from k8snet_course.kubectl.reply import Reply, joined
from k8snet_course.kubectl.verbs.verb import Verb
from k8snet_course.kubectl.words import Command
from k8snet_course.objects.pod import Pod
from k8snet_course.objects.service import Service

_FIRST_FREE = 32768
"""The first local port that is taken where none is named, as Linux's ip_local_port_range has it."""


def port_forward(context: Context, command: Command) -> Reply:
    """Forward ports, and connect to each once.  Raises Complaint."""
    if len(command.args) < 2:
        raise Complaint("error: TYPE/NAME and list of ports are required for port-forward\nSee 'kubectl port-forward -h' for "
                        "help and examples", "Write kubectl port-forward pod/web 8080:80.")
    value = named(context, command, command.args[0])
    pod = pod_of(context, value)
    if context.server.api.services.state(pod.key).finished:
        raise Complaint("error: unable to forward port because pod is not running. Current status=Succeeded")
    ports = [_ports(number, text, value, pod) for number, text in enumerate(command.args[1:])]
    forwards = tuple(Forward.to(context.server, pod, local, remote) for local, remote in ports)
    listening = "".join(f"Forwarding from {_at(address)}:{each.local} -> {each.remote}\n" for each in forwards
                        for address in _addresses(command["address"]))
    tried = [each.connect() for each in forwards]
    done = joined([Reply(listening), *tried])
    return Reply(done.out, done.err, done.code, forwards).with_hint(forwards[0].way if not done.code else "")


def _addresses(given: tuple[str, ...]) -> list[str]:
    return [each for word in given or ("localhost",) for each in (("127.0.0.1", "::1") if word == "localhost" else (word,))]


def _at(address: str) -> str:
    return f"[{address}]" if ":" in address else address


def _ports(place: int, text: str, value: Any, pod: Pod) -> tuple[int, int]:
    """The local port and the pod's, of ``8080:80``, ``80``, ``:80`` or names.  Raises Complaint."""
    first, colon, second = text.partition(":")
    wanted = second if colon else first
    if not wanted:
        raise Complaint("error: remote port cannot be empty")
    if isinstance(value, Service):
        given, remote = _of_service(value, pod, wanted)
    else:
        given = remote = _number(wanted) or _container_port(pod, wanted)
        _no_udp(wanted, {(port.container_port, port.protocol) for box in pod.containers for port in box.ports}, remote)
    local = (_number(first) if colon else given) if first else _FIRST_FREE + place
    if first and colon and not local:
        raise Complaint(f'error: error parsing local port "{first}": strconv.ParseUint: parsing "{first}": invalid syntax')
    if not 1 <= remote <= 65535:
        raise Complaint("error: remote port must be between 1 and 65535")
    return local, remote


def _of_service(service: Service, pod: Pod, wanted: str) -> tuple[int, int]:
    """A Service's port by number or name, and the pod's port that it leads to.  Raises Complaint."""
    number = _number(wanted)
    if not number:
        found = next((port.port for port in service.ports if port.name == wanted), 0)
        if not found:
            raise Complaint(f"error: Service '{service.name}' does not have a named port '{wanted}'")
        number = found
    port = next((each for each in service.ports if each.port == number), None)
    if port is None:
        raise Complaint(f"error: Service {service.name} does not have a service port {number}",
                        f"It has {', '.join(str(each.port) for each in service.ports)}.")
    _no_udp(wanted, {(each.port, each.protocol) for each in service.ports}, number)
    if service.headless:
        return number, number
    target = port.target_port
    return number, target if isinstance(target, int) else _container_port(pod, target)


def _no_udp(wanted: str, ports: set[tuple[int, str]], number: int) -> None:
    if (number, "UDP") in ports and (number, "TCP") not in ports:
        raise Complaint(f"error: UDP protocol is not supported for {wanted}")


def _container_port(pod: Pod, name: str) -> int:
    found = next((port.container_port for box in pod.containers for port in box.ports if port.name == name), 0)
    if not found:
        raise Complaint(f"error: Pod '{pod.name}' does not have a named port '{name}'")
    return found


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 7 else 0


VERB = Verb(
    "port-forward",
    "Lead a local port to the localhost of a pod.",
    "kubectl port-forward TYPE/NAME [LOCAL_PORT:]REMOTE_PORT ...",
    port_forward,
    (
        Flag("address", WORDS, "The addresses at which kubectl listens.", values=("localhost", "0.0.0.0")),
        Flag("pod-running-timeout", TEXT, "How long to wait for the pod: here it runs at once.", default="1m0s"),
    ),
    ("port-forward pod/web 8080:80", "port-forward svc/web 8080:80", "port-forward deploy/web :80"),
)
