"""Virtual machines on hypervisors, to compare pods with: each has a kernel, a network card and a MAC address of its own.

=============  =========================================================================================================
network        what it is
=============  =========================================================================================================
``default``    a virtual switch on the hypervisor, virbr0, with the network 192.168.122.0/24 and NAT (libvirt's usual one): the
               machines reach the world by the hypervisor's address, and nobody outside reaches them
``bridged``    the hypervisor's own network card is a port of its bridge br0, and so are the machines': they stand on the
               local network like any other computer
=============  =========================================================================================================

A virtual machine gets its address by DHCP: from libvirt's server on virbr0, or from the router of the local network.  The lease
hangs on the MAC address, which is part of the machine's definition, so that a restart changes nothing.  A pod has no such
identity: made again, it gets another address.  And nobody has cut the network into a range for each hypervisor: a machine that
moves to another one keeps its address in ``bridged``, because its MAC address is simply heard behind another port.

What is simplified: a DHCP server gives out addresses in order, where dnsmasq begins at a hash of the MAC address; its packets
are not sent.  In ``bridged``, a wire runs through several bridges, which the linux layer does not know; each bridge has
stand-ins for the machines behind the others (see :func:`~k8snet_course.docker.lan.stand_in`).  Of libvirt's rules those for
checksums and for source ports are left out, and so are the ones for DHCP and DNS requests, which no packet here needs.

Source: libvirt documentation, "Network XML format" and "Firewall and network filtering" (the chains of its iptables backend).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from ipaddress import IPv4Network

from k8snet_course.device import Device
from k8snet_course.docker.lan import Lan, stand_in
from k8snet_course.docker.pool import Pool
from k8snet_course.errors import AlreadyExists, InvalidArgument, NotFound
from k8snet_course.linux.carrier import with_carriers
from k8snet_course.linux.link import End, Link, loopback, mac_from_text
from k8snet_course.linux.namespace import Learned, Namespace
from k8snet_course.linux.netfilter import FORWARD, POSTROUTING, Rules
from k8snet_course.linux.route import Route, RouteTable, connected
from k8snet_course.linux.rows import Rows
from k8snet_course.linux.rule import Rule
from k8snet_course.names import dns_label, nearest
from k8snet_course.objects import LISTEN_ANNOTATION, Pod
from k8snet_course.programs import Listen, containers_of, listen_text, listeners_of
from k8snet_course.underlay import HOSTS, ROUTER, SWITCH, SWITCH_BRIDGE, port_to

NAT, BRIDGED = "default", "bridged"
NETWORKS = (NAT, BRIDGED)
NAT_NETWORK, NAT_BRIDGE = "192.168.122.0/24", "virbr0"
HOST_BRIDGE = "br0"
_FIRST_LEASE = 100
"""The router leases addresses of the local network from this place on, above those that machines were given by hand."""


@dataclass(frozen=True, slots=True)
class VirtualMachine(Pod):
    """A virtual machine: ``node`` is its hypervisor, ``ip`` its lease, ``mac`` the MAC address of its network card.

    >>> print(VirtualMachine("web", "hv-1", "192.168.122.2", mac="52:54:00:1b:c0:de", network="default"))
    vm web 192.168.122.2 (52:54:00:1b:c0:de) on hv-1
    """

    mac: str = ""
    network: str = NAT
    tap: str = ""
    tap_index: int = 0

    def __str__(self) -> str:
        return f"vm {self.name} {self.ip} ({self.mac}) on {self.node}"


@dataclass(frozen=True, slots=True)
class Lease:
    """What a DHCP server remembers: this MAC address has that IP address.

    >>> print(Lease("52:54:00:1b:c0:de", "192.168.122.2", "web"))
    52:54:00:1b:c0:de 192.168.122.2 web
    """

    mac: str
    ip: str
    name: str

    def __str__(self) -> str:
        return f"{self.mac} {self.ip} {self.name}"


class VirtualMachines(Lan):
    """One or several hypervisors on the local network (hv-1 is 192.168.1.30, hv-2 192.168.1.31, ...), and machines on them.

    Raises InvalidArgument or InvalidCidr.

        >>> vms = VirtualMachines()
        >>> first, second = vms.start("one", network="default"), vms.start("two", network="bridged")
        >>> first.ip, second.ip
        ('192.168.122.2', '192.168.1.100')
        >>> vms.send("laptop", "two").answered, vms.send("laptop", "one").answered, vms.send("one", "laptop", None).answered
        (True, False, True)
    """

    def __init__(self, hosts: int = 1, *, node_network: str = "192.168.1.0/24") -> None:
        super().__init__(hosts, "hv", 30, node_network)
        self._vms: dict[str, VirtualMachine] = {}
        self._defined = 0
        self._next_index = dict.fromkeys(self._machines, 5)
        self._taps = dict.fromkeys(self._machines, 0)
        lan = Pool(self._wire, self._underlay.address[ROUTER])
        for number in range(2, min(_FIRST_LEASE, self._wire.num_addresses // 2 + 8)):
            lan.take(str(self._wire[number]))
        self._pools = {name: Pool(IPv4Network(NAT_NETWORK)) for name in self._machines} | {"": lan}
        self._leases: dict[tuple[str, str], Lease] = {}

    # -- what there is -------------------------------------------------------------------------------------------------

    @property
    def pods(self) -> tuple[VirtualMachine, ...]:
        """The virtual machines, in the order in which they were started."""
        return tuple(self._vms.values())

    @property
    def vms(self) -> tuple[VirtualMachine, ...]:
        """The same, by their usual name."""
        return self.pods

    def vm(self, name: str) -> Device:
        """The tables of a virtual machine.  Raises NotFound."""
        found = self._vm(name)
        return Device(self, found.key, found.ip)

    def leases(self, host: str | None = None) -> Rows[Lease]:
        """What a DHCP server has given out: that of a hypervisor's default network, or without ``host`` the router's.

        A lease outlives its machine: that is why an address is stable.  Raises NotFound.
        """
        server = "" if host is None else self._machine(host).name
        return Rows(lease for (where, _), lease in self._leases.items() if where == server)

    # -- changing it ---------------------------------------------------------------------------------------------------

    def start(self, name: str, network: str = NAT, *, host: str | None = None, mac: str | None = None, image: str = "nginx",
              listen: Listen | None = None) -> VirtualMachine:
        """Define a virtual machine and start it, on the first hypervisor unless told.

        ``network`` is ``default`` (NAT) or ``bridged``; ``mac`` its MAC address, where it should not be a new one; ``image``
        and ``listen`` say what its program listens on.  Raises InvalidName, AlreadyExists, InvalidArgument, NotFound or
        AddressesExhausted; nothing has changed then.
        """
        dns_label(name, "name of a virtual machine")
        self._must_be_new(name)
        at = self._machine(host or self.nodes[0].name).name
        if network not in NETWORKS:
            raise InvalidArgument(network, f"a network of virtual machines: {' or '.join(NETWORKS)}",
                                  f"write network='{nearest(network, NETWORKS)}'")
        card = self._new_mac(name) if mac is None else _mac(mac)
        if any(each.mac == card for each in self.pods):
            raise AlreadyExists(card, "a MAC address that no other machine has", "choose another one, or leave it out")
        annotations = {} if listen is None else {LISTEN_ANNOTATION: listen_text(listen)}
        made = VirtualMachine(name, at, "", annotations=annotations, containers=containers_of(image), mac=card, network=network)
        listeners_of(made)
        made = self._plugged(replace(made, ip=self._leased(made).ip), at)
        self._defined += 1
        return made

    def restart(self, name: str) -> VirtualMachine:
        """Shut a machine down and start it again: the same MAC address, so the same lease and address.  Raises NotFound.

            >>> vms = VirtualMachines()
            >>> _ = vms.start("one"), vms.start("two")
            >>> vms.restart("one").ip
            '192.168.122.2'
        """
        found = self._vm(name)
        self._unplugged(found)
        return self._plugged(replace(found, ip=self._leased(found).ip), found.node)

    def migrate(self, name: str, host: str) -> VirtualMachine:
        """Move a running machine to another hypervisor, where it keeps its MAC address and its IP address.

        Only a bridged machine can: the default network of another hypervisor is another network.  Raises NotFound or
        InvalidArgument.
        """
        found, at = self._vm(name), self._machine(host).name
        if found.network != BRIDGED:
            raise InvalidArgument(name, "a machine on the local network", f"start it with network='{BRIDGED}'")
        self._unplugged(found)
        return self._plugged(found, at)

    def rm(self, name: str) -> None:
        """Shut a machine down and remove its definition.  Its lease stays with the DHCP server.  Raises NotFound."""
        found = self._vm(name)
        self._unplugged(found)
        del self._vms[found.key]
        self._learned.pop(found.key, None)
        self._changed()

    # -- what the linux layer asks ---------------------------------------------------------------------------------------

    def _derive(self, name: str, learned: Learned) -> Namespace:
        if name in self._machines:
            return self._hypervisor(name, learned)
        if name in self._vms:
            return self._guest(self._vms[name], learned)
        for bridge in (SWITCH, *self._machines):
            for holder, link in self._elsewhere(bridge):
                if name == _far_name(holder, bridge):
                    heard = replace(link, kind="ethernet", peer=self._port(bridge, holder))
                    return stand_in(name, holder.removeprefix("default/"), [heard], self._memory(holder))
        raise NotFound(name, "a hypervisor or a virtual machine", "list them with vms.nodes and vms.vms")

    def _held(self) -> Iterable[tuple[str, str]]:
        yield from ((address, name) for name, address in self._underlay.held())
        for machine in self.nodes:
            yield machine.ip, machine.name
            yield str(IPv4Network(NAT_NETWORK)[1]), machine.name
        for each in self.pods:
            yield each.ip, each.key
        for bridge in (SWITCH, *self._machines):
            for holder, link in self._elsewhere(bridge):
                yield link.address, _far_name(holder, bridge)

    # -- tables --------------------------------------------------------------------------------------------------------

    def _hypervisor(self, name: str, learned: Learned) -> Namespace:
        """A hypervisor: its network card is a port of br0, which has the address; virbr0 stands beside it."""
        lo, eth0 = self._underlay.host_links(name, self._machines[name].ip)
        gateway = f"{IPv4Network(NAT_NETWORK)[1]}/{IPv4Network(NAT_NETWORK).prefixlen}"
        links = [lo, replace(eth0, addresses=(), master=HOST_BRIDGE), self._bridge(name),
                 Link(NAT_BRIDGE, "bridge", 4, mac_from_text(f"{name} {NAT_BRIDGE}"), addresses=(gateway,))]
        links += [Link(each.tap, "tap", each.tap_index, f"fe{each.mac[2:]}", peer=End(each.key, "eth0"),
                       master=HOST_BRIDGE if each.network == BRIDGED else NAT_BRIDGE)
                  for each in self.pods if each.node == name]
        routes = [replace(route, dev=HOST_BRIDGE) for route in self._underlay.host_routes(name, self._machines[name].ip)]
        links, routes = with_carriers(links, [*routes, connected(NAT_BRIDGE, gateway)])
        return Namespace(name, "host", links, RouteTable(routes), forwarding=True,
                         learned=learned, rules=Rules(nat=_nat_rules(), filters=_filter_rules()))

    def _bridge(self, name: str) -> Link:
        """br0 of a hypervisor.  It has the MAC address of the card that was its first port."""
        machine = self._machines[name]
        _, eth0 = self._underlay.host_links(name, machine.ip)
        return Link(HOST_BRIDGE, "bridge", 3, eth0.mac, addresses=eth0.addresses)

    def _guest(self, vm: VirtualMachine, learned: Learned) -> Namespace:
        routes = [Route("default", via=str(self._pool(vm).gateway), dev="eth0"), connected("eth0", self._card(vm).addresses[0])]
        return Namespace(vm.key, "vm", [loopback(), self._card(vm)], RouteTable(routes), listeners=listeners_of(vm),
                         learned=learned)

    def _card(self, vm: VirtualMachine) -> Link:
        """A machine's network card: for its Linux a real one."""
        return Link("eth0", "ethernet", 2, vm.mac, addresses=(f"{vm.ip}/{self._pool(vm).subnet.prefixlen}",),
                    peer=End(vm.node, vm.tap))

    # -- one wire through several bridges ----------------------------------------------------------------------------------

    def _port(self, bridge: str, holder: str) -> End:
        """The port behind which a machine is heard that is plugged in elsewhere: at the switch, or at a hypervisor's br0."""
        home = self._vms[holder].node if holder in self._vms else holder
        return End(SWITCH, port_to(home)) if bridge == SWITCH else End(bridge, "eth0")

    def _elsewhere(self, bridge: str) -> Iterator[tuple[str, Link]]:
        """Who is on the wire, but plugged into another bridge: the machine, and its interface on the wire."""
        if bridge != SWITCH:
            for host in HOSTS:
                found = self.namespace(host).links["eth0"]
                if found.peer is not None and found.peer.namespace == SWITCH:
                    yield host, found
        for name in self._machines:
            if name != bridge:
                yield name, self._bridge(name)
        for each in self.pods:
            if each.network == BRIDGED and each.node != bridge:
                yield each.key, self._card(each)

    def _heard(self, vm: VirtualMachine) -> None:
        """A bridged machine has asked for its lease by a broadcast, so every bridge of the wire knows where it is."""
        if vm.network == BRIDGED:
            self.namespace(SWITCH).fdb(SWITCH_BRIDGE).learn(vm.mac, port_to(vm.node))
            for name in self._machines:
                self.namespace(name).fdb(HOST_BRIDGE).learn(vm.mac, vm.tap if name == vm.node else "eth0")

    # -- its own -------------------------------------------------------------------------------------------------------

    def _vm(self, name: str) -> VirtualMachine:
        for each in self.pods:
            if isinstance(name, str) and name in (each.name, each.key):
                return each
        known = [each.name for each in self.pods]
        raise NotFound(name, f"a virtual machine: {', '.join(known) or 'there is none yet'}",
                       f"write '{nearest(name, known)}'" if known else "make one with start")

    def _pool(self, vm: VirtualMachine) -> Pool:
        return self._pools["" if vm.network == BRIDGED else vm.node]

    def _leased(self, vm: VirtualMachine) -> Lease:
        """What the DHCP server answers to this MAC address: the lease that it has, or a new one.  Raises AddressesExhausted."""
        server = "" if vm.network == BRIDGED else vm.node
        found = self._leases.get((server, vm.mac))
        if found is None:
            found = self._leases[server, vm.mac] = Lease(vm.mac, self._pools[server].take(), vm.name)
        return found

    def _plugged(self, vm: VirtualMachine, host: str) -> VirtualMachine:
        vm = replace(vm, node=host, tap=f"vnet{self._taps[host]}", tap_index=self._next_index[host])
        self._taps[host] += 1
        self._next_index[host] += 1
        self._vms[vm.key] = vm
        self._changed()
        self._heard(vm)
        return vm

    def _unplugged(self, vm: VirtualMachine) -> None:
        self._gone(vm.key, vm.ip, vm.node, vm.tap)

    def _new_mac(self, name: str) -> str:
        """A MAC address that no machine has had: 52:54:00 and three bytes, as QEMU's are."""
        return "52:54:00:" + mac_from_text(f"vm {self._defined} {name}")[9:]


def _mac(text: object) -> str:
    """A MAC address that somebody chose.  Raises InvalidArgument."""
    parts = text.lower().split(":") if isinstance(text, str) else []
    digits = "0123456789abcdef"
    if len(parts) == 6 and all(len(part) == 2 and set(part) <= set(digits) for part in parts) and not int(parts[0], 16) & 1:
        return ":".join(parts)
    raise InvalidArgument(text, "the MAC address of one card: six bytes, the first of them even", "write '52:54:00:00:00:01'")


def _far_name(holder: str, bridge: str) -> str:
    return f"{holder} as {bridge} hears it"


def _filter_rules() -> list[Rule]:
    """libvirt's rules for its default network: what comes from it may leave, and only answers may enter."""
    return [
        Rule(FORWARD, "LIBVIRT_FWX"), Rule(FORWARD, "LIBVIRT_FWI"), Rule(FORWARD, "LIBVIRT_FWO"),
        Rule("LIBVIRT_FWX", "ACCEPT", in_link=NAT_BRIDGE, out_link=NAT_BRIDGE),
        Rule("LIBVIRT_FWI", "ACCEPT", dst=NAT_NETWORK, out_link=NAT_BRIDGE, ctstate="RELATED,ESTABLISHED"),
        Rule("LIBVIRT_FWI", "REJECT", out_link=NAT_BRIDGE, to="icmp-port-unreachable"),
        Rule("LIBVIRT_FWO", "ACCEPT", src=NAT_NETWORK, in_link=NAT_BRIDGE),
        Rule("LIBVIRT_FWO", "REJECT", in_link=NAT_BRIDGE, to="icmp-port-unreachable"),
    ]


def _nat_rules() -> list[Rule]:
    """What leaves the default network gets the hypervisor's address."""
    return [
        Rule(POSTROUTING, "LIBVIRT_PRT"),
        Rule("LIBVIRT_PRT", "RETURN", src=NAT_NETWORK, dst="224.0.0.0/24"),
        Rule("LIBVIRT_PRT", "RETURN", src=NAT_NETWORK, dst="255.255.255.255/32"),
        Rule("LIBVIRT_PRT", "MASQUERADE", src=NAT_NETWORK, dst=f"!{NAT_NETWORK}"),
    ]
