"""getent: names as the C library finds them, in /etc/hosts and by the pod's resolver.

Source: glibc, nss/getent.c; getent(1); compared with it on Linux 6.18.
"""

from __future__ import annotations

from k8snet_course.errors import CourseError
from k8snet_course.probe import is_address
from k8snet_course.shell.machine import Machine
from k8snet_course.shell.ran import Ran, failed, wrote

_NOT_FOUND = 2
_DATABASES = ("hosts", "ahosts", "ahostsv4", "ahostsv6")


def getent(machine: Machine, words: list[str], stdin: str) -> Ran:
    """`getent hosts|ahosts|ahostsv4|ahostsv6 NAME...`."""
    if not words:
        return failed("getent: wrong number of arguments", code=1)
    database, *names = words
    if database not in _DATABASES:
        return failed(f"Unknown database: {database}", f"(this course's getent has {', '.join(_DATABASES)})", code=1)
    lines: list[str] = []
    code = 0
    for name in names:
        found = _hosts(machine, name) if database == "hosts" else _ahosts(machine, name, database.removeprefix("ahosts"))
        lines += found
        code = code if found else _NOT_FOUND
    return wrote(lines, code)


def _hosts(machine: Machine, name: str) -> list[str]:
    """The addresses of a name: the IPv6 ones if it has any, else the IPv4 ones; or the name of an address."""
    if is_address(name):
        known = _own_name(machine, name) or machine.name_of(name)
        return [f"{name:<15} {known}"] if known else []
    addresses, canonical, alias = _found(machine, name)
    six = [each for each in addresses if ":" in each]
    return [f"{each:<15} {canonical}{f' {alias}' if alias != canonical else ''}" for each in six or addresses]


def _ahosts(machine: Machine, name: str, version: str) -> list[str]:
    """Each address as getaddrinfo(3) gives it, once for each type of socket."""
    addresses, canonical, _ = ([name], name, name) if is_address(name) else _found(machine, name)
    wanted = [each for each in addresses if not version or (":" in each) == (version == "v6")]
    lines = []
    for number, each in enumerate(wanted):
        lines += [f"{each:<15} STREAM {canonical if number == 0 else ''}", f"{each:<15} DGRAM  ", f"{each:<15} RAW    "]
    return lines


def _found(machine: Machine, name: str) -> tuple[list[str], str, str]:
    """The addresses of a name, the name that has them, and the full name that was found."""
    try:
        found = machine.lookup(name)
    except CourseError:
        return [], "", ""
    return list(found.result), machine.canonical(found) or name, found.found.removesuffix(".") or name


def _own_name(machine: Machine, address: str) -> str:
    """What /etc/hosts calls an address."""
    if address in ("127.0.0.1", "::1"):
        return "localhost"
    pod = machine.pod
    return machine.hostname if pod is not None and address in pod.ips and not pod.host_network else ""
