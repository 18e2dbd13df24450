"""A Docker network, and a container's place in one.

=============  =========================================================================================================
driver         what the network is
=============  =========================================================================================================
``bridge``     a virtual switch on one host: docker0 (the network called bridge), or br- and the id for one that a user made
``host``       no network of its own: the container uses the host's
``none``       a network namespace with nothing in it but lo
``overlay``    a virtual switch that reaches over several hosts, by VXLAN
``foreign``    a bridge that another program made, such as a CNI plugin on the same host; Docker knows nothing of it
=============  =========================================================================================================

These are values.  Who makes them is :mod:`k8snet_course.docker.engine`; what follows from them on a host is written by
:mod:`k8snet_course.docker.wiring` and :mod:`k8snet_course.docker.firewall`.  The drivers macvlan and ipvlan are not here.

Source: Docker Engine 29 documentation, "Networking overview" and the pages on the drivers.
"""

from __future__ import annotations

from dataclasses import dataclass
from ipaddress import IPv4Network

from k8snet_course.errors import InvalidArgument

BRIDGE, HOST, NONE, OVERLAY, FOREIGN = "bridge", "host", "none", "overlay", "foreign"
GATEWAY_BRIDGE = "docker_gwbridge"
"""The bridge network by which containers of overlay networks reach what is outside of them."""
OVERLAY_MTU = 1450
"""What an overlay network leaves of 1500 bytes: VXLAN needs 50."""
VXLAN_PORT = 4789
"""The UDP port that IANA gave to VXLAN (RFC 7348).  flannel uses Linux's older one, 8472."""

_NAME, _ICC, _MTU = ("com.docker.network.bridge.name", "com.docker.network.bridge.enable_icc", "com.docker.network.driver.mtu")


@dataclass(frozen=True, slots=True)
class Network:
    """One network, as `docker network ls` lists it.

    ``host`` is where it is; empty for an overlay network, which is on every host of the swarm.  ``link`` is its bridge on the
    host and ``index`` that one's ifindex, ``vni`` an overlay network's number in VXLAN.  ``icc`` says whether its containers
    may talk to each other, ``internal`` that nothing leads out of it.

    >>> print(Network("bridge", "f" * 64, BRIDGE, "172.17.0.0/16", "172.17.0.1", "docker-1", "docker0"))
    ffffffffffff   bridge            bridge    local
    """

    name: str
    id: str
    driver: str
    subnet: str = ""
    gateway: str = ""
    host: str = ""
    link: str = ""
    index: int = 0
    mtu: int = 1500
    internal: bool = False
    icc: bool = True
    vni: int = 0

    @property
    def scope(self) -> str:
        """``swarm`` for an overlay network, else ``local``."""
        return "swarm" if self.driver == OVERLAY else "local"

    @property
    def prefix_length(self) -> int:
        """The prefix length of its subnet."""
        return IPv4Network(self.subnet).prefixlen

    @property
    def bridged(self) -> bool:
        """Whether it is a bridge that Docker made on one host."""
        return self.driver == BRIDGE

    @property
    def leads_out(self) -> bool:
        """Whether a container can have its default route here."""
        return self.driver in (BRIDGE, FOREIGN) and not self.internal

    @property
    def has_names(self) -> bool:
        """Whether its containers are known by name: on networks that a user made, not on the default bridge."""
        return self.driver in (BRIDGE, OVERLAY) and self.name not in (BRIDGE, GATEWAY_BRIDGE)

    @property
    def tunnel(self) -> str:
        """The VXLAN interface of an overlay network, on each host that has a container in it."""
        return f"vx-{self.vni:06x}-{self.id[:5]}" if self.vni else ""

    def __str__(self) -> str:
        return f"{self.id[:12]}   {self.name:<15}   {self.driver:<7}   {self.scope}"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A container's place in a network: its interface there, and the other end of the cable on the host.

    ``aliases`` are names by which the containers of this network may call it, besides its own.

    >>> print(Endpoint("app", "eth0", "172.18.0.2", 16, "02:42:ac:12:00:02", "veth1a2b3c4", 5))
    app: eth0 172.18.0.2/16 at veth1a2b3c4
    """

    network: str
    link: str
    ip: str
    prefix_length: int
    mac: str
    host_link: str
    host_index: int
    aliases: tuple[str, ...] = ()

    @property
    def interface(self) -> str:
        """The address with its prefix length."""
        return f"{self.ip}/{self.prefix_length}"

    def __str__(self) -> str:
        return f"{self.network}: {self.link} {self.interface} at {self.host_link}"


@dataclass(frozen=True, slots=True)
class Options:
    """What `docker network create -o` can say here: the bridge's name, whether containers may talk, the MTU (0: the usual)."""

    bridge: str = ""
    icc: bool = True
    mtu: int = 0

    @classmethod
    def read(cls, options: object) -> Options:
        """The options from a dict of texts.  Raises InvalidArgument.

        >>> Options.read({"com.docker.network.bridge.name": "bridge1", "com.docker.network.driver.mtu": "1400"})
        Options(bridge='bridge1', icc=True, mtu=1400)
        """
        if not isinstance(options, dict):
            raise InvalidArgument(options, "options as a dict of texts", f"write options={{'{_NAME}': 'bridge1'}}")
        unknown = [key for key in options if key not in (_NAME, _ICC, _MTU)]
        if unknown:
            raise InvalidArgument(unknown[0], f"an option that is modelled here: {_NAME}, {_ICC}, {_MTU}", "use one of them")
        name, icc, mtu = str(options.get(_NAME, "")), str(options.get(_ICC, "true")), str(options.get(_MTU, "1500"))
        if len(name) > 15 or "/" in name or " " in name:
            raise InvalidArgument(name, "the name of an interface, of 15 characters at most", "write 'bridge1'")
        if icc not in ("true", "false"):
            raise InvalidArgument(icc, f"true or false for {_ICC}", "write 'false'")
        if not mtu.isascii() or not mtu.isdecimal() or not 68 <= int(mtu) <= 65535:
            raise InvalidArgument(mtu, "an MTU from 68 to 65535 bytes", "write '1450'")
        return cls(name, icc == "true", int(mtu) if _MTU in options else 0)
