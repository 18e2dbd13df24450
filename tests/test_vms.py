"""Virtual machines: a NAT network of their hypervisor, or the local network itself; addresses that hang on MAC addresses."""

from __future__ import annotations

import pytest

from k8snet_course.errors import AlreadyExists, CourseError, InvalidArgument, InvalidName, NotFound
from k8snet_course.linux.route import Route
from k8snet_course.linux.trace import Verdict
from k8snet_course.show.layout import layout
from k8snet_course.vms import BRIDGED, NAT, VirtualMachines

HV = "192.168.1.30"


@pytest.fixture
def vms() -> VirtualMachines:
    """Two hypervisors, each with a machine behind NAT and one on the local network."""
    made = VirtualMachines(hosts=2)
    for number in (1, 2):
        made.start(f"nat-{number}", NAT, host=f"hv-{number}")
        made.start(f"lan-{number}", BRIDGED, host=f"hv-{number}")
    return made


def hops(vms: VirtualMachines, src: str, dst: str) -> list[str]:
    trace = vms.send(src, dst)
    assert trace.answered, trace
    return [hop.label for hop in trace.hops]


# -- NAT -------------------------------------------------------------------------------------------------------------------


def test_the_default_network_is_libvirts(vms: VirtualMachines) -> None:
    assert vms.namespace("hv-1").links["virbr0"].addresses == ("192.168.122.1/24",)
    assert str(vms.vm("nat-1").routes).startswith("default via 192.168.122.1 dev eth0\n192.168.122.0/24 dev eth0")
    assert vms.vm("nat-1").ip == "192.168.122.2" and vms.vm("nat-1").kind == "vm"


def test_a_nat_network_without_machines_has_no_carrier() -> None:
    alone = VirtualMachines()
    assert alone.namespace("hv-1").links["virbr0"].state == "DOWN" and alone.namespace("hv-1").links["br0"].state == "UP"
    assert "192.168.122.0/24 dev virbr0 proto kernel scope link src 192.168.122.1 linkdown" in [
        str(row) for row in alone.namespace("hv-1").routes]


def test_behind_nat_one_reaches_out_and_is_not_reached(vms: VirtualMachines) -> None:
    trace = vms.send("nat-1", "internet")
    assert trace.answered and trace.nat[0].new == HV
    assert vms.send("laptop", "nat-1").verdict is Verdict.NO_ROUTE  # nobody outside knows the network
    assert hops(vms, "hv-1", "nat-1") == ["hv-1", "nat-1"]


def test_the_hypervisor_rejects_what_is_routed_to_the_network(vms: VirtualMachines) -> None:
    by_hand = [Route("192.168.122.0/24", via=HV, dev="eth0")]  # as if somebody had told the laptop where the network is
    vms._namespaces["laptop"] = vms._underlay.host("laptop", vms.namespace("laptop").learned, by_hand)
    trace = vms.send("laptop", "nat-1")
    assert trace.verdict is Verdict.DENIED_INGRESS and "LIBVIRT_FWI -o virbr0 -j REJECT" in trace.reason
    assert trace.reply is not None and trace.reply.packet.kind == "port unreachable" and trace.reply.delivered


def test_two_hypervisors_give_out_the_same_addresses(vms: VirtualMachines) -> None:
    assert vms.vm("nat-1").ip == vms.vm("nat-2").ip
    assert vms.send("nat-1", "nat-2").verdict is Verdict.ADDRESS_CONFLICT  # as two nodes without a plan for their pods


def test_machines_on_one_bridge_talk_directly(vms: VirtualMachines) -> None:
    vms.start("nat-3", NAT)
    assert hops(vms, "nat-1", "nat-3") == ["nat-1", "hv-1", "nat-3"]
    assert vms.send("nat-1", "nat-3").hops[-1].steps[-1].packet.ttl == 64


# -- the local network itself ------------------------------------------------------------------------------------------------


def test_bridged_machines_stand_on_the_local_network(vms: VirtualMachines) -> None:
    assert [vms.vm(name).ip for name in ("lan-1", "lan-2")] == ["192.168.1.100", "192.168.1.101"]
    card = vms.namespace("hv-1").links["eth0"]
    assert (card.master, card.addresses) == ("br0", ()) and vms.namespace("hv-1").links["br0"].addresses == (f"{HV}/24",)
    assert str(vms.vm("lan-1").routes).startswith("default via 192.168.1.1 dev eth0")


@pytest.mark.parametrize(("src", "dst", "way"), [
    ("laptop", "lan-1", ["laptop", "underlay", "hv-1", "lan-1"]),
    ("lan-1", "lan-2", ["lan-1", "hv-1", "underlay", "hv-2", "lan-2"]),
    ("lan-2", "lan-1", ["lan-2", "hv-2", "underlay", "hv-1", "lan-1"]),
    ("internet", "lan-2", ["internet", "router", "underlay", "hv-2", "lan-2"]),
    ("lan-1", "internet", ["lan-1", "hv-1", "underlay", "router", "internet"]),
    ("hv-1", "lan-1", ["hv-1", "lan-1"]),
    ("hv-1", "lan-2", ["hv-1", "underlay", "hv-2", "lan-2"]),
    ("nat-1", "lan-1", ["nat-1", "hv-1", "lan-1"]),
    ("nat-1", "lan-2", ["nat-1", "hv-1", "underlay", "hv-2", "lan-2"]),
])
def test_every_way(vms: VirtualMachines, src: str, dst: str, way: list[str]) -> None:
    assert hops(vms, src, dst) == way


def test_nobody_routes_nor_translates_on_the_local_network(vms: VirtualMachines) -> None:
    trace = vms.send("lan-1", "lan-2", None)
    assert trace.nat == () and trace.hops[-1].steps[-1].packet.ttl == 64
    assert vms.send("laptop", "lan-1").hops[-1].steps[-1].packet.src == "192.168.1.10"


def test_the_switch_hears_several_machines_behind_one_port(vms: VirtualMachines) -> None:
    vms.send("laptop", "hv-1", None)
    behind = [row.mac for row in vms.namespace("underlay").fdb("br0") if row.dev == "to-hv-1"]
    assert sorted(behind) == sorted([vms.vms[1].mac, vms.namespace("hv-1").links["eth0"].mac])


def test_everybody_reaches_everybody_in_any_order() -> None:
    names = ["lan-1", "lan-2", "lan-3", "laptop", "hv-1", "hv-2", "router"]
    for first in names:  # whoever speaks first, before anybody has learnt anything
        made = VirtualMachines(hosts=2)
        for number, host in ((1, "hv-1"), (2, "hv-2"), (3, "hv-1")):
            made.start(f"lan-{number}", BRIDGED, host=host)
        assert all(made.send(first, other, None).answered for other in names if other != first), first


# -- addresses ---------------------------------------------------------------------------------------------------------------


def test_a_restart_changes_nothing(vms: VirtualMachines) -> None:
    before = vms.vms
    for one in before:
        again = vms.restart(one.name)
        assert (again.ip, again.mac, again.node) == (one.ip, one.mac, one.node)
    assert hops(vms, "laptop", "lan-1")[-1] == "lan-1"


def test_a_lease_hangs_on_the_mac_address(vms: VirtualMachines) -> None:
    old = vms.vms[1]
    vms.rm("lan-1")
    assert vms.start("other", BRIDGED).ip == "192.168.1.102"  # a new card, a new lease
    assert vms.start("lan-1", BRIDGED, mac=old.mac).ip == old.ip
    assert str(vms.leases()[0]) == f"{old.mac} 192.168.1.100 lan-1"
    assert [lease.ip for lease in vms.leases("hv-1")] == ["192.168.122.2"]


def test_mac_addresses_are_qemus_and_differ(vms: VirtualMachines) -> None:
    macs = [one.mac for one in vms.vms]
    assert len(set(macs)) == 4 and all(mac.startswith("52:54:00:") for mac in macs)
    tap = vms.namespace("hv-1").links["vnet0"]
    assert tap.kind == "tap" and tap.mac == "fe" + macs[0][2:] and tap.master == "virbr0"


def test_a_machine_moves_and_keeps_its_address(vms: VirtualMachines) -> None:
    hops(vms, "laptop", "lan-1")
    moved = vms.migrate("lan-1", "hv-2")
    assert moved.ip == "192.168.1.100"
    assert hops(vms, "laptop", "lan-1") == ["laptop", "underlay", "hv-2", "lan-1"]
    assert hops(vms, "lan-2", "lan-1") == ["lan-2", "hv-2", "lan-1"]
    with pytest.raises(InvalidArgument, match="bridged"):
        vms.migrate("nat-1", "hv-2")


def test_nobody_answers_for_a_machine_that_is_gone(vms: VirtualMachines) -> None:
    hops(vms, "laptop", "lan-1")
    vms.rm("lan-1")
    assert vms.send("laptop", "192.168.1.100").verdict is Verdict.NO_NEIGHBOUR


# -- mistakes and pictures ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("arguments", "error"), [
    ({"name": "lan-1"}, AlreadyExists), ({"name": "laptop"}, AlreadyExists), ({"name": "My VM"}, InvalidName),
    ({"name": "new", "network": "wlan"}, InvalidArgument), ({"name": "new", "host": "hv-9"}, NotFound),
    ({"name": "new", "mac": "ff:ff:ff:ff:ff:ff"}, InvalidArgument), ({"name": "new", "mac": "52:54"}, InvalidArgument),
    ({"name": "new", "listen": "loud"}, InvalidArgument)])
def test_mistakes_change_nothing(vms: VirtualMachines, arguments: dict[str, str], error: type[CourseError]) -> None:
    before = f"{vms}{vms.leases()}{vms.leases('hv-1')}"
    with pytest.raises(error):
        vms.start(**arguments)  # type: ignore[arg-type]
    assert f"{vms}{vms.leases()}{vms.leases('hv-1')}" == before
    assert vms.start("next", BRIDGED).ip == "192.168.1.102"


def test_one_card_cannot_be_in_two_machines(vms: VirtualMachines) -> None:
    with pytest.raises(AlreadyExists, match=vms.vms[0].mac):
        vms.start("twin", mac=vms.vms[0].mac.upper())
    with pytest.raises(NotFound, match="lan-1"):
        vms.restart("lan-9")


def test_a_walk_is_drawn_as_in_a_cluster(vms: VirtualMachines) -> None:
    for src, dst in (("lan-1", "lan-2"), ("nat-1", "laptop")):
        trace = vms.send(src, dst, None)
        scene = layout(vms, trace)  # type: ignore[arg-type] # it has what a picture asks a cluster for
        assert all(scene.shows(hop.device) for hop in trace.hops)
