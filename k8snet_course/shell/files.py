"""Files and settings that a machine knows: `cat`, `ls`, `hostname`, `sysctl`, `env`, and small commands about who one is.

A file is there if the model has what stands in it.  There is no file system beside that.

Source: kubelet (/etc/hosts of a pod, the variables of Services); flannel (subnet.env); proc_sys_net(5).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from ipaddress import ip_network

from k8snet_course.linux.namespace import Namespace
from k8snet_course.shell.env import environment
from k8snet_course.shell.machine import Machine
from k8snet_course.shell.options import BadOption, parsed
from k8snet_course.shell.ran import Ran, failed, wrote


def cat(machine: Machine, words: list[str], stdin: str) -> Ran:
    """`cat`: files one after the other, or its input."""
    names = [word for word in words if not word.startswith("-") or word == "-"]
    if not names:
        return Ran(stdin)
    out, err = "", ""
    for name in names:
        text = stdin if name == "-" else read(machine, name)
        if text is None:
            known = ", ".join(each for each in files_of(machine) if not each.startswith(("/sys/", "/proc/")))
            err += f"cat: {name}: No such file or directory\n" if machine.image.form_of("cat") == "full" else (
                f"cat: can't open '{name}': No such file or directory\n")
            err += f"(the model knows these files here: {known})\n"
        else:
            out += text
    return Ran(out, err, 1 if err else 0)


def read(machine: Machine, name: str) -> str | None:
    """What is in a file; None if the model does not know it."""
    name = name if name.startswith("/") else f"/{name}"
    while "//" in name:
        name = name.replace("//", "/")
    if name.endswith("/*"):
        below = [each for each in files_of(machine) if each.startswith(name[:-1])]
        return "".join(files_of(machine)[each]() for each in below) if below else None
    made = files_of(machine).get(name)
    return made() if made is not None else None


def files_of(machine: Machine) -> dict[str, Callable[[], str]]:
    """The files that are there, by name, each with what makes its text."""
    found: dict[str, Callable[[], str]] = {
        "/etc/resolv.conf": lambda: f"{machine.resolv_conf}\n",
        "/etc/hosts": lambda: hosts(machine),
        "/etc/hostname": lambda: f"{machine.hostname}\n",
    }
    values = {f"/proc/sys/{_swapped(name)}": value for name, value in settings(machine.ns).items()}
    for link in machine.ns.links.values():
        of = {"address": link.mac, "ifindex": link.index, "iflink": link.peer_index or link.index, "mtu": link.mtu,
              "operstate": link.state.lower()}
        values |= {f"/sys/class/net/{link.name}/{name}": str(value) for name, value in of.items()}
    found |= {name: partial("{}\n".format, value) for name, value in values.items()}
    if machine.pod is not None:
        found["/var/run/secrets/kubernetes.io/serviceaccount/namespace"] = lambda: machine.pod.namespace if machine.pod else ""
    elif machine.name in machine.wires.meaning.control.nodes:
        name, text = _cni(machine)
        found[f"/etc/cni/net.d/{name}"] = lambda: text
        if machine.wires.cluster.cni.startswith("flannel"):
            found["/run/flannel/subnet.env"] = lambda: subnet_env(machine)
    return found


def _swapped(name: str) -> str:
    """The name of a setting as a path, or the other way round: dots and slashes change places.

    >>> _swapped("net.ipv4.conf.flannel/1.proxy_arp")
    'net/ipv4/conf/flannel.1/proxy_arp'
    """
    return name.translate(str.maketrans("./", "/."))


def settings(ns: Namespace) -> dict[str, str]:
    """The settings of a device's network that the model has, by their names in sysctl(8)."""
    found = {"net.ipv4.ip_forward": str(int(ns.forwarding)), "net.ipv4.ip_default_ttl": "64"}
    if any(":" in address for link in ns.links.values() for address in link.addresses):
        found["net.ipv6.conf.all.forwarding"] = str(int(ns.forwarding))
    if ns.bridge_nf:
        found["net.bridge.bridge-nf-call-iptables"] = "1"
    for link in ns.links.values():
        found[f"net.ipv4.conf.{link.name.replace('.', '/')}.proxy_arp"] = str(int(link.proxy_arp))
    return dict(sorted(found.items()))


def hosts(machine: Machine) -> str:
    """/etc/hosts: in a pod as the kubelet writes it."""
    pod = machine.pod
    local = ("127.0.0.1\tlocalhost", "::1\tlocalhost ip6-localhost ip6-loopback", "fe00::0\tip6-localnet",
             "fe00::0\tip6-mcastprefix", "fe00::1\tip6-allnodes", "fe00::2\tip6-allrouters")
    if pod is None or pod.host_network:
        head = ["# Kubernetes-managed hosts file (host network)."] if pod is not None else []
        rows = [f"{ip}\t{name}" for name, ips in machine.wires.meaning.hosts_of(machine.name).items() for ip in ips]
        return "\n".join([*head, *rows]) + "\n"
    names = pod.hostname or pod.name
    if pod.subdomain:
        names = f"{names}.{pod.subdomain}.{pod.namespace}.svc.{machine.wires.meaning.domain}\t{names}"
    return "\n".join(["# Kubernetes-managed hosts file.", *local, *(f"{ip}\t{names}" for ip in pod.ips)]) + "\n"


def subnet_env(machine: Machine) -> str:
    """/run/flannel/subnet.env: what flanneld tells its CNI plugin."""
    cluster, ns = machine.wires.cluster, machine.ns
    lines = []
    for whole, part in zip(cluster.pod_cidr.split(","), cluster.node(machine.name).pod_cidrs, strict=True):
        version, own = "IPV6_" if ":" in whole else "", ip_network(part)
        lines += [f"FLANNEL_{version}NETWORK={whole}", f"FLANNEL_{version}SUBNET={own[1]}/{own.prefixlen}"]
    mtu = next((link.mtu for link in ns.links.values() if link.tunnel is not None), ns.links["eth0"].mtu)
    return "\n".join([*lines, f"FLANNEL_MTU={mtu}", "FLANNEL_IPMASQ=true"]) + "\n"


def _cni(machine: Machine) -> tuple[str, str]:
    """The CNI configuration of a node: the file's name and its text."""
    cluster = machine.wires.cluster
    family = cluster.cni.partition("-")[0]
    number = {"cilium": "05", "none": "99"}.get(family, "10")
    return f"{number}-{family}.conflist", json.dumps(cluster.conflist(machine.name), indent=2) + "\n"


def hostname(machine: Machine, words: list[str], stdin: str) -> Ran:
    """`hostname`, and with -i or -I its addresses."""
    if any(word in ("-i", "-I", "--ip-address", "--all-ip-addresses") for word in words):
        own = [address.partition("/")[0] for link in machine.ns.links.values() if link.kind != "loopback"
               for address in link.addresses]
        return wrote([" ".join(own) + (" " if "-I" in words else "")])
    pod = machine.pod
    if any(word in ("-f", "--fqdn", "--long") for word in words) and pod is not None and pod.subdomain:
        return wrote([f"{machine.hostname}.{pod.subdomain}.{pod.namespace}.svc.{machine.wires.meaning.domain}"])
    return wrote([machine.hostname])


def ls(machine: Machine, words: list[str], stdin: str) -> Ran:
    """`ls` of the folders in which the model knows a file."""
    names = [word for word in words if not word.startswith("-")] or ["/"]
    out, err = [], ""
    for name in names:
        folder = f"/{name.strip('/')}/" if name.strip("/") else "/"
        below = dict.fromkeys(each[len(folder):].partition("/")[0] for each in files_of(machine) if each.startswith(folder))
        if below:
            out += sorted(below)
        elif read(machine, name) is not None:
            out.append(name)
        else:
            err += f"ls: {name}: No such file or directory\n" if machine.image.form_of("ls") != "full" else (
                f"ls: cannot access '{name}': No such file or directory\n")
    return Ran("".join(f"{each}\n" for each in out), err, 1 if err else 0)


def sysctl(machine: Machine, words: list[str], stdin: str) -> Ran:
    """`sysctl NAME` and `sysctl -a`; it changes nothing."""
    try:
        given = parsed(words, "anweqN")
    except BadOption as problem:
        return failed(f"sysctl: {problem.text()}")
    known = settings(machine.ns)
    names = list(known) if given.has("a") else [
        _swapped(word) if "/" in word.partition(".")[0] else word for word in given.rest]
    out, err = "", ""
    for name in names:
        if given.has("w") or "=" in name:
            err += "(the settings here follow from the cluster; to break one, inject ForwardingOff of k8snet_course.faults)\n"
        elif name in known:
            out += f"{known[name]}\n" if given.has("n") else f"{name} = {known[name]}\n"
        else:
            err += (f"sysctl: cannot stat /proc/sys/{_swapped(name)}: No such file or directory\n"
                    f"(the model has {', '.join(known)})\n")
    return Ran(out, err, 1 if err else 0)


def env(machine: Machine, words: list[str], stdin: str) -> Ran:
    """`env` and `printenv`."""
    variables = environment(machine)
    if words and not words[0].startswith("-"):
        return wrote([variables[words[0]]]) if words[0] in variables else Ran(code=1)
    return wrote(f"{name}={value}" for name, value in variables.items())
