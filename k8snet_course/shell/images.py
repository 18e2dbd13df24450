"""What is in a container image: the commands that it ships, and in whose form.

Three kinds of user land are told apart.  ``busybox`` images are one program with many names, built on glibc; ``alpine`` images
have the same program, built on musl; ``debian`` images have coreutils and little else.  A distroless image has the one program
that it was made for, and no shell.  What an image adds are packages, and those of iproute2, iputils, BIND and others take the
place of BusyBox's commands.

The table is knowledge about the world, not about the cluster: it says nothing of what a command prints.

Source: the images' own build files (Docker Official Images; nicolaka/netshoot; Kubernetes, test/images); Alpine's
busyboxconfig.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

from k8snet_course.programs import image_name

BUSYBOX, ALPINE, DEBIAN, NOTHING = "busybox", "alpine", "debian", "distroless"
FULL = "full"
"""The form of a command that is not BusyBox's."""

PACKAGES: dict[str, tuple[str, ...]] = {
    "coreutils": ("cat", "echo", "env", "false", "head", "hostname", "id", "ls", "printenv", "sh", "sleep", "sort", "tail",
                  "true", "uname", "wc", "whoami"),
    "grep": ("grep",),
    "bash": ("bash",),
    "libc-bin": ("getent",),
    "iproute2": ("bridge", "ip", "ss"),
    "iputils": ("ping", "tracepath"),
    "traceroute": ("traceroute",),
    "bind": ("dig", "host", "nslookup"),
    "net-tools": ("arp", "ifconfig", "netstat", "route"),
    "netcat": ("nc",),
    "curl": ("curl",),
    "wget": ("wget",),
    "tcpdump": ("tcpdump",),
    "iptables": ("ip6tables", "ip6tables-save", "iptables", "iptables-save"),
    "nftables": ("nft",),
    "ipset": ("ipset",),
    "ipvsadm": ("ipvsadm",),
    "conntrack": ("conntrack",),
    "procps": ("sysctl",),
}
"""Package -> the commands in it that this course has."""

APPLETS = ("arp", "cat", "echo", "env", "false", "grep", "head", "hostname", "id", "ifconfig", "ip", "ls", "nc",
           "netstat", "nslookup", "ping", "printenv", "route", "sh", "sleep", "sort", "sysctl", "tail", "traceroute", "true",
           "uname", "wc", "wget", "whoami")
"""The commands of BusyBox that this course has."""

_BASES: dict[str, tuple[str, ...]] = {
    BUSYBOX: (),
    ALPINE: ("libc-bin",),
    DEBIAN: ("coreutils", "grep", "bash", "libc-bin"),
    NOTHING: (),
}
_NET = ("iproute2", "iputils", "bind", "net-tools", "netcat", "curl", "tcpdump", "iptables", "nftables", "ipset", "ipvsadm",
        "conntrack", "bash", "libc-bin")

IMAGES: dict[str, tuple[str, tuple[str, ...]]] = {
    "busybox": (BUSYBOX, ()),
    "alpine": (ALPINE, ()),
    "netshoot": (ALPINE, _NET),
    "network-multitool": (ALPINE, _NET),
    "agnhost": (ALPINE, ("bind", "curl", "iproute2")),
    "curl": (ALPINE, ("curl",)),
    "caddy": (ALPINE, ()),
    "traefik": (ALPINE, ()),
    "controller": (ALPINE, ("curl", "bash")),
    "debian": (DEBIAN, ()),
    "ubuntu": (DEBIAN, ()),
    "nginx": (DEBIAN, ("curl",)),
    "httpd": (DEBIAN, ()),
    "postgres": (DEBIAN, ()),
    "mysql": (DEBIAN, ("curl",)),
    "redis": (DEBIAN, ()),
    "python": (DEBIAN, ("curl", "wget")),
    "node": (DEBIAN, ("curl", "wget")),
    "dnsutils": (DEBIAN, ("bind", "iproute2", "iputils", "net-tools", "netcat")),
    "jessie-dnsutils": (DEBIAN, ("bind", "iproute2", "iputils", "net-tools", "netcat")),
    "coredns": (NOTHING, ()),
    "pause": (NOTHING, ()),
    "static": (NOTHING, ()),
    "base": (NOTHING, ()),
    "http-echo": (NOTHING, ()),
    "whoami": (NOTHING, ()),
    "kube-proxy": (NOTHING, ()),
}
"""Image (without registry and tag) -> what it is built on, and the packages that it adds.  Any other image is taken for a
Debian one, unless its tag says ``alpine`` or its name ``distroless``."""

_TEACHERS = ("busybox", "nginx:alpine", "nicolaka/netshoot")
"""Images to name to somebody whose image lacks a command, the smallest first."""


@dataclass(frozen=True, slots=True)
class Image:
    """An image: ``base`` is its user land, ``packages`` what it has beside that.

    >>> image("nicolaka/netshoot:v0.13").form_of("ip"), image("nginx:1.29-alpine").form_of("ip"), image("nginx").form_of("ip")
    ('full', 'busybox', '')
    """

    name: str
    base: str
    packages: tuple[str, ...] = ()

    def form_of(self, command: str) -> str:
        """In which form it has a command: ``busybox`` or ``full``; empty when it does not have it."""
        if any(command in PACKAGES[package] for package in self.packages):
            return FULL
        return BUSYBOX if self.base in (BUSYBOX, ALPINE) and command in APPLETS else ""

    @property
    def commands(self) -> tuple[str, ...]:
        """All commands of it that this course has.

        >>> image("pause").commands
        ()
        """
        known = {*APPLETS, *(command for commands in PACKAGES.values() for command in commands)}
        return tuple(sorted(command for command in known if self.form_of(command)))

    @property
    def musl(self) -> bool:
        """Whether its C library is musl, whose resolver and error texts differ from glibc's."""
        return self.base == ALPINE

    @property
    def has_shell(self) -> bool:
        """Whether there is a shell in it."""
        return bool(self.form_of("sh"))

    def __str__(self) -> str:
        more = f" with {', '.join(self.packages)}" if self.packages else ""
        return f"image {self.name} ({self.base}{more})"


MACHINE = Image("a machine with Debian", DEBIAN, (*_BASES[DEBIAN], *(each for each in PACKAGES if each not in _BASES[DEBIAN])))
"""What nodes and the machines outside the cluster have: everything."""


@lru_cache(maxsize=256)
def image(text: str) -> Image:
    """What is in an image.

    >>> print(image("registry.k8s.io/e2e-test-images/agnhost:2.53"))
    image agnhost (alpine with libc-bin, bind, curl, iproute2)
    >>> image("gcr.io/distroless/static-debian12").has_shell, image("example.com/shop/cart:1.0").base
    (False, 'debian')
    """
    name = image_name(text)
    tag = text.rpartition("/")[2].partition("@")[0].partition(":")[2]
    base, more = IMAGES.get(name, (DEBIAN, ()))
    if name not in IMAGES and "distroless" in text:
        base = NOTHING
    elif base == BUSYBOX and "musl" in tag:
        base = ALPINE
    elif base == DEBIAN and "alpine" in tag:
        base, more = ALPINE, tuple(each for each in more if each == "curl")
    return Image(name, base, tuple(dict.fromkeys((*_BASES[base], *more))))


def teacher(command: str) -> str:
    """The smallest image that has a command; empty where none has it.

    >>> teacher("ip"), teacher("dig"), teacher("vim")
    ('busybox', 'nicolaka/netshoot', '')
    """
    return next((each for each in _TEACHERS if image(each).form_of(command)), "")
