"""What the container runtime and the plugins say to each other about one pod: CNI ADD, CHECK and DEL.

A plugin is a program.  The runtime starts it with a few environment variables and writes a JSON object, the request, to its
standard input; the plugin does its work and prints a result, or an error.  With a list of plugins, each is given the result of
the one before (``prevResult``); ADD and CHECK go from the first to the last, DEL from the last to the first.

Source: CNI specification 1.1.0, sections 2 to 5; libcni 1.3.0 (api.go); containerd (CNI_ARGS).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from k8snet_course.cni.plugin import Attachment, Json
from k8snet_course.errors import InvalidArgument
from k8snet_course.linux.link import Link
from k8snet_course.linux.route import Route

COMMANDS = ("ADD", "CHECK", "DEL")
_PATH = "/opt/cni/bin"
_FAILED = 999
"""The code of errors for which the specification has none (libcni's ErrInternal)."""


@dataclass(frozen=True, slots=True)
class Exchange:
    """One plugin's turn: the program that is started, its environment, the request, and what it prints (None: nothing).

    ``delegate`` is the request that the program hands on to another plugin, which does the work: flannel calls bridge.

    It prints as one would do it by hand in a shell.
    """

    program: str
    environment: Mapping[str, str]
    request: Json
    response: Json | None
    delegate: Json | None = None

    @property
    def failed(self) -> bool:
        """Whether the plugin printed an error."""
        return self.response is not None and "code" in self.response

    def __str__(self) -> str:
        lines = [f"{key}={value!r} \\" if ";" in value else f"{key}={value} \\" for key, value in self.environment.items()]
        lines.append(f"{self.program} <<'EOF'")
        lines += [json.dumps(self.request, indent=2), "EOF"]
        return "\n".join([*lines, json.dumps(self.response, indent=2) if self.response is not None else "(no output: success)"])


def exchange(command: str, conflist: Json, attachment: Attachment, *, runtime_config: Mapping[str, object] | None = None,
             links: Iterable[Link] = (), routes: Iterable[Route] = (), delegate: Json | None = None) -> tuple[Exchange, ...]:
    """What was or would be said for ADD, CHECK or DEL, one exchange a plugin, in the order in which they happen.

    ``runtime_config`` is what the runtime knows for plugins that declare the capability (portMappings, ...); ``links`` and
    ``routes`` are what CHECK finds in the pod now; ``delegate`` is what the first plugin hands on, if it does.  With
    ``disableCheck`` nothing is said.  Raises InvalidArgument for another command, and for CHECK in a version that has none
    (before 0.4.0).
    """
    if command not in COMMANDS:
        raise InvalidArgument(command, f"a CNI command about a pod: {', '.join(COMMANDS)}", "write 'ADD'")
    version = tuple(map(int, conflist["cniVersion"].split(".")))
    if command == "CHECK" and version < (0, 4, 0):
        raise InvalidArgument(conflist["cniVersion"], "a configuration of version 0.4.0 or later, for CHECK (libcni: "
                              f"configuration version \"{conflist['cniVersion']}\" does not support CHECK command)",
                              "write a later cniVersion, or do without CHECK")
    if command == "CHECK" and conflist.get("disableCheck"):
        return ()
    environment = _environment(command, attachment)
    plugins = conflist["plugins"] if command != "DEL" else conflist["plugins"][::-1]
    remembered = attachment.result if command == "CHECK" or (command == "DEL" and version >= (0, 4, 0)) else None
    said = []
    for number, plugin in enumerate(plugins):
        previous = attachment.result if command == "ADD" and number else remembered
        request = _request(conflist, plugin, runtime_config or {}, previous)
        response: Json | None = None
        if command == "ADD":
            response = attachment.result
        elif command == "CHECK" and not number:
            response = _difference(conflist["cniVersion"], attachment, links, routes)
        said.append(Exchange(f"{_PATH}/{plugin['type']}", environment, request, response,
                             delegate if plugin is conflist["plugins"][0] else None))
        if response is not None and "code" in response:
            break
    return tuple(said)


def _environment(command: str, attachment: Attachment) -> dict[str, str]:
    namespace, _, name = attachment.key.partition("/")
    uid = hashlib.sha256(f"{attachment.container_id} uid".encode()).hexdigest()
    arguments = {"IgnoreUnknown": "1", "K8S_POD_NAMESPACE": namespace, "K8S_POD_NAME": name,
                 "K8S_POD_INFRA_CONTAINER_ID": attachment.container_id,
                 "K8S_POD_UID": "-".join((uid[:8], uid[8:12], uid[12:16], uid[16:20], uid[20:32]))}
    inside = next(link for link in attachment.result["interfaces"] if "sandbox" in link)
    return {
        "CNI_COMMAND": command,
        "CNI_CONTAINERID": attachment.container_id,
        "CNI_NETNS": inside["sandbox"],
        "CNI_IFNAME": inside["name"],
        "CNI_ARGS": ";".join(f"{key}={value}" for key, value in arguments.items()),
        "CNI_PATH": _PATH,
    }


def _request(conflist: Json, plugin: Json, runtime_config: Mapping[str, object], previous: Json | None) -> Json:
    """The plugin's own object without ``capabilities``, and what the runtime adds."""
    wanted = {name: runtime_config[name] for name, wants in plugin.get("capabilities", {}).items()
              if wants and name in runtime_config}
    request = {"cniVersion": conflist["cniVersion"], "name": conflist["name"]}
    request |= {key: value for key, value in plugin.items() if key not in ("capabilities", "name")}
    if wanted:
        request["runtimeConfig"] = wanted
    if previous is not None:
        request["prevResult"] = previous
    return request


def _difference(version: str, attachment: Attachment, links: Iterable[Link], routes: Iterable[Route]) -> Json | None:
    """The error for the first thing in the result that is not in the pod any more; None when all is there."""
    result, here = attachment.result, {link.name: link for link in links}
    for link in result["interfaces"]:
        if "sandbox" in link and link["name"] not in here:
            return _error(version, f"{link['name']} is not in the container")
        if "sandbox" in link and here[link["name"]].mac != link["mac"]:
            return _error(version, f"{link['name']} has the MAC address {here[link['name']].mac}, not {link['mac']}")
    found = [address for link in here.values() for address in link.addresses]
    for ip in result["ips"]:
        if ip["address"] not in found:
            return _error(version, f"failed to find address {ip['address']} in the container")
    destinations = {"0.0.0.0/0" if route.dst == "default" else route.dst for route in routes}
    for route in result["routes"]:
        if route["dst"] not in destinations:
            return _error(version, f"expected route {route['dst']} not found")
    return None


def _error(version: str, message: str) -> Json:
    return {"cniVersion": version, "code": _FAILED, "msg": message}
