"""The reference CNI plugins at work: they are called as a container runtime calls them, and make the pods' interfaces.

Sent is what the model prints, with these changes, which the machine asks for: the paths of the pod's namespace and of the
plugins; a folder of the lab's own for host-local (``dataDir``) instead of /var/lib/cni; what flannel hands on to bridge, and
not what it gets itself, since Debian has no flannel plugin; for Weave, whose plugin is not to be had either, what makes bridge
do the same; and the pod's MAC address, which bridge would draw at random (``MAC`` in CNI_ARGS).  The bridge's and the node
side's MAC address and the latter's name cannot be asked for: they are set afterwards.

What the plugins answer, the addresses that host-local has written down and the rules that portmap has written have to be those
of the model, or the lab does not start.

Source: CNI specification 1.1.0; containernetworking/plugins 1.1.1 (Debian).
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

from k8snet_course.cni.plugin import Json
from k8snet_course.emulator.attaching import LAST, Adding, NodeRun, Turn, of_portmap
from k8snet_course.emulator.needs import EmulatorUnavailable, PluginDisagrees
from k8snet_course.emulator.spaces import FOLDER, Spaces, ip_batch

_MEND = "report it, with the cluster's manifest, as a mistake of this course"
_LOCK = "lock"
"""The file by which host-local keeps two of its kind apart."""


def attach(runs: Sequence[NodeRun], spaces: Spaces, plugins: str, data: Path) -> dict[str, Json]:
    """CNI ADD for all pods, the nodes side by side, and the results by device.

    ``plugins`` is the plugins' folder, ``data`` the one for host-local.  Raises EmulatorUnavailable if a plugin fails, and
    PluginDisagrees if it does something else than the model says.
    """
    with ThreadPoolExecutor(max(len(runs), 1), "k8snet-cni") as pool:
        parts = list(pool.map(lambda one: _on_node(one, spaces, plugins, data / one.node), runs))
    return {device: result for part in parts for device, result in part.items()}


def _on_node(run: NodeRun, spaces: Spaces, plugins: str, data: Path) -> dict[str, Json]:
    """CNI ADD for the pods of one node, pod by pod; while one waits for bridge, loopback and portmap work for others."""
    store = data / run.network
    store.mkdir(parents=True)
    for name, text in run.before.items():
        (store / name).write_text(text, encoding="ascii", newline="")
    with ThreadPoolExecutor(1, "k8snet-lo") as first, ThreadPoolExecutor(1, "k8snet-ports") as last:

        def ask(one: Adding, turn: Turn, result: Json) -> Json:
            request = {**turn.request, "prevResult": result} if "prevResult" in turn.request else turn.request
            return call(turn._replace(request=request), spaces, run.node, one.device, plugins, data)

        loopbacks = [first.submit(ask, one, one.turns[0], {}) for one in run.addings]
        waiting: list[tuple[Adding, Future[Json]]] = []
        for one in run.addings:
            for name, text in one.last.items():
                (store / name).write_text(text, encoding="ascii")
            if one.skipped:
                # Numbers are never given twice: what is made and removed again uses one up, as the pods did that are gone.
                # The bridge has been there since the first of them.
                there = [] if waiting or run.built else [f"link add {run.bridge} type bridge"]
                spaces.inside(run.node, ip_batch, there + ["link add skipped type bridge", "link del skipped"] * one.skipped)
            bridge, portmap = one.turns[1:]
            waiting.append((one, last.submit(ask, one, portmap, ask(one, bridge, {}))))
        results = {one.device: _as_expected(one, each.result()) for one, each in waiting}
        for each in loopbacks:
            each.result()
    spaces.inside(run.node, ip_batch, [line for one, _ in waiting for line in _renamed(one, results[one.device])])
    _check(run, store, spaces)
    return results


def _as_expected(one: Adding, real: Json) -> Json:
    """A pod's result, if it is the model's.  Raises PluginDisagrees."""
    expected = as_in_real(one.result, real)
    if real != expected:
        raise PluginDisagrees(f"the result for {one.device}: {json.dumps(real)}", json.dumps(expected), _MEND)
    return real


def _renamed(one: Adding, real: Json) -> list[str]:
    """The lines for `ip -batch` that give the node side of a pod's cable the model's name and MAC address."""
    name = real["interfaces"][1]["name"]
    return [f"link set {name} down", f"link set {name} name {one.link} address {one.link_mac}", f"link set {one.link} up"]


def _check(run: NodeRun, store: Path, spaces: Spaces) -> None:
    """Raise PluginDisagrees if the plugins have left something else on a node than the model says."""
    for name, text in run.after.items():
        if name.startswith(LAST):  # the last address may have been a pod's that is gone
            (store / name).write_text(text, encoding="ascii")
    kept = files_in(store)
    if kept != run.after:
        raise PluginDisagrees(f"the addresses held on {run.node}: {kept}", str(dict(run.after)), _MEND)
    if run.port_rules:
        saved = [spaces.inside(run.node, subprocess.check_output, (command, "-t", "nat"), text=True)
                 for command in ("iptables-save", "ip6tables-save")]
        written = of_portmap("".join(saved).splitlines())
        if written != run.port_rules:
            raise PluginDisagrees(f"portmap's rules on {run.node}: {written}", str(run.port_rules), _MEND)


def call(turn: Turn, spaces: Spaces, node: str, device: str, plugins: str, data: Path) -> Json:
    """Start one plugin on a node for a device, and return what it prints ({}: nothing), which may be an error.

    Raises EmulatorUnavailable for an error of CNI ADD.
    """
    path = str(FOLDER / spaces.names[device])
    request = dict(turn.request)
    if "ipam" in request:
        request["ipam"] = {**request["ipam"], "dataDir": str(data)}
    if "prevResult" in request:
        previous = request["prevResult"]
        request["prevResult"] = {**previous, "interfaces": [
            {**link, "sandbox": path} if "sandbox" in link else link for link in previous["interfaces"]]}
    environment = {**os.environ, **turn.environment, "CNI_NETNS": path, "CNI_PATH": plugins}
    process = spaces.inside(node, _start, (f"{plugins}/{turn.program}",), environment)
    printed, said = process.communicate(json.dumps(request))
    if process.returncode and turn.environment["CNI_COMMAND"] == "ADD":
        raise EmulatorUnavailable(f"the CNI plugin {turn.program} for {device}: {' '.join((printed or said).split())}",
                                  "a plugin that succeeds", "report it as a mistake of this course")
    found: Json = json.loads(printed) if printed.strip() else {}
    return found


def _start(command: Sequence[str], environment: Mapping[str, str]) -> subprocess.Popen[str]:
    return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                            env=dict(environment))


def as_in_real(model: Json, real: Json) -> Json:
    """The model's result with the names that the real one could not choose: the node side's name and MAC address, the bridge's
    MAC address, and the path of the pod's namespace.

    >>> inside = {"name": "eth0", "mac": "0a:58:0a:f4:00:02", "sandbox": "/var/run/netns/cni-197e376c"}
    >>> model = {"interfaces": [{"name": "cni0", "mac": "0a:58:0a:f4:00:01"},
    ...                         {"name": "veth197e376c", "mac": "1e:04:6f:68:ca:90"}, inside]}
    >>> real = {"interfaces": [{"name": "cni0", "mac": "b2:0b:27:f8:44:01"},
    ...                        {"name": "veth5c2e7a01", "mac": "c6:aa:e1:03:78:d0"},
    ...                        {**inside, "sandbox": "/run/netns/k8snet-7-0-default.a"}]}
    >>> as_in_real(model, real) == real
    True
    """
    bridge, port, inside = (dict(link) for link in model["interfaces"])
    drawn = real["interfaces"]
    if len(drawn) == 3:
        bridge["mac"] = drawn[0].get("mac")
        port |= {key: drawn[1].get(key) for key in ("name", "mac")}
        inside["sandbox"] = drawn[2].get("sandbox")
    return {**model, "interfaces": [bridge, port, inside]}


def files_in(store: Path) -> dict[str, str]:
    """host-local's files."""
    return {path.name: path.read_bytes().decode("ascii") for path in sorted(store.iterdir()) if path.name != _LOCK}
