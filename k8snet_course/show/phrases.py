"""What devices do, in the words of a choice: the sentences that challenge mode offers, right and wrong ones alike.

Right and wrong choices are made by the same functions, so that their form gives nothing away.
"""

from __future__ import annotations

from collections.abc import Sequence

from k8snet_course.linux.trace import Action, Hop, Step


def phrase(hop: Hop, step: Step) -> str:
    """What a step does, in the words of a choice.

    >>> from k8snet_course import Cluster
    >>> cluster = Cluster()
    >>> _ = cluster.add_pod("frontend"), cluster.add_pod("backend")
    >>> [print(phrase(hop, step)) for hop, step in cluster.send("frontend", "backend").steps()][-1]
    frontend sends its packet
    frontend asks its routing table, and '10.244.0.0/24 dev eth0' wins
    frontend asks by ARP on eth0: who has 10.244.0.3?
    cni0 reads the MAC address and sends the frame out of port veth70997b14
    backend takes the packet and hands it to nginx
    """
    name = hop.label
    match step.action:
        case Action.ORIGINATE:
            return f"{name} sends its packet"
        case Action.ROUTE if step.matched:
            return route_wins(name, step.matched)
        case Action.ROUTE:
            return no_row(name)
        case Action.RESOLVE:
            address = step.looked_up.rpartition(" ")[2]
            return knows(name, address) if was_known(step) else asks(name, step.link, address)
        case Action.BRIDGE:
            return bridge_does(step)
        case Action.DELIVER:
            program = step.matched.rpartition(" ")[2]
            return takes(name, program) if program else f"{name} takes the packet: it is the end of the way"
        case Action.DROP if step.looked_up:
            return refuses(name, step.looked_up)
        case Action.DROP:
            return f"{step.link or name} drops the packet"
        case Action.TRANSLATE:
            return rewrites(name, [(change.field, change.old, change.new) for change in step.changed])
        case Action.FILTER:
            return rule_decides(name, step.matched) if step.matched else f"{name} asks its filter rules"
        case Action.ENCAPSULATE:
            return wraps_to(step.link, step.packet.src, step.packet.dst)
        case _:
            return f"{step.link or name} takes out the packet that is inside: {step.packet.src} -> {step.packet.dst}"


def short(row: str) -> str:
    """A route without what does not decide."""
    return row.partition(" proto ")[0]


def short_rule(rule: str) -> str:
    """A netfilter rule without its comment.

    >>> short_rule('-A POSTROUTING -m comment --comment "masq" -j MASQUERADE')
    '-A POSTROUTING -j MASQUERADE'
    """
    head, _, tail = rule.partition(' -m comment --comment "')
    return head + tail.partition('"')[2] if tail else rule


def route_wins(name: str, row: str) -> str:
    """A row of the routing table wins."""
    return f"{name} asks its routing table, and '{short(row)}' wins"


def no_row(name: str) -> str:
    """No row of the routing table matches."""
    return f"{name} asks its routing table, and no row matches"


def sends_on(name: str) -> str:
    """A device routes a packet further."""
    return f"{name} asks its routing table where to send the packet on"


def refuses(name: str, door: str) -> str:
    """Nobody listens."""
    return f"{name} refuses the packet: no program listens on {door}"


def knows(name: str, address: str) -> str:
    """The neighbour table knows an address."""
    return f"{name} finds the MAC address of {address} in its neighbour table"


def asks(name: str, link: str, address: str) -> str:
    """A question by ARP, or by neighbour discovery.

    >>> asks("frontend", "eth0", "fd00:10:244::3")
    'frontend sends a neighbour solicitation on eth0: who has fd00:10:244::3?'
    """
    how = "sends a neighbour solicitation" if ":" in address else "asks by ARP"
    return f"{name} {how} on {link}: who has {address}?"


def takes(name: str, program: str) -> str:
    """A program takes the packet."""
    return f"{name} takes the packet and hands it to {program}"


def wraps(name: str) -> str:
    """Encapsulation."""
    return f"{name} wraps the packet in another packet and sends that"


def wraps_to(link: str, src: str, dst: str) -> str:
    """Encapsulation by a tunnel, with the addresses of the packet around it."""
    return f"{link} wraps it in another packet, from {src} to {dst}"


def rewrites(name: str, changes: Sequence[tuple[str, str, str]]) -> str:
    """Translation: each change a field, its old and its new value.

    >>> rewrites("node-1", [("source", "10.244.0.2", "192.168.1.2")])
    'node-1 rewrites the source 10.244.0.2 to 192.168.1.2'
    """
    return f"{name} rewrites " + (" and ".join(f"the {what} {old} to {new}" for what, old, new in changes) or "nothing")


def rule_decides(name: str, rule: str) -> str:
    """A filter rule decides."""
    return f"{name} asks its filter rules, and '{rule}' decides"


def floods(bridge: str) -> str:
    """A bridge floods a frame."""
    return f"{bridge} sends the frame out of every other port"


def out_of(bridge: str, port: str) -> str:
    """A bridge knows the port."""
    return f"{bridge} reads the MAC address and sends the frame out of port {port}"


def goes_up(bridge: str) -> str:
    """A bridge gets a frame for its own MAC address."""
    return f"{bridge} reads the MAC address, sees its own, and passes the packet up to the routing"


def port_of(row: str) -> str:
    """The port in a row of a forwarding database."""
    return row.partition(" dev ")[2].partition(" ")[0]


def is_own(step: Step) -> bool:
    """Whether a bridge's step was for the bridge itself."""
    return step.matched.endswith("(the bridge itself)")


def was_known(step: Step) -> bool:
    """Whether a MAC address was in the neighbour table already."""
    return any(candidate.why == "known already" for candidate in step.candidates)


def bridge_does(step: Step) -> str:
    """What a bridge's step did."""
    if is_own(step):
        return goes_up(step.link)
    return out_of(step.link, port_of(step.matched)) if step.matched else floods(step.link)
