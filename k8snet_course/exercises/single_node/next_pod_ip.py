"""Write: the rule by which a node chooses the next address, as a function."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from ipaddress import ip_address, ip_network
from typing import NamedTuple

from k8snet_course.addressing import HostLocal
from k8snet_course.cluster import Cluster
from k8snet_course.errors import AddressesExhausted
from k8snet_course.exercises.answers import BadAnswer, call, read_address, read_function, shown
from k8snet_course.exercises.exercise import Attempt, Exercise, Finding, Kind, Misconception, Variant


class Case(NamedTuple):
    """One call of the function: its arguments."""

    subnet: str
    used: frozenset[str]
    last: str | None

    def __str__(self) -> str:
        used = sorted(self.used, key=ip_address)
        few = ", ".join(repr(one) for one in used[:6]) + (f" and {len(used) - 6} more" if len(used) > 6 else "")
        return f"next_pod_ip({self.subnet!r}, {'{' + few + '}' if used else 'set()'}, {self.last!r})"


def _host(subnet: str, number: int) -> str:
    return str(ip_network(subnet)[number])


def _case(subnet: str, used: Iterable[int], last: int | None) -> Case:
    """A case whose addresses are given as numbers in the subnet."""
    return Case(subnet, frozenset(_host(subnet, one) for one in used), None if last is None else _host(subnet, last))


def _draw(rng: random.Random) -> Variant:
    base = f"10.{rng.randint(20, 239)}.{rng.randint(0, 200)}"
    small, middle, large = f"{base}.0/29", f"{base}.16/28", f"{base}.0/24"
    cases = [
        _case(small, (), None), _case(small, (2, 3), 3), _case(small, (2,), 3), _case(small, (4, 5), 3),
        _case(small, (), 6), _case(small, (6,), 5), _case(small, (3, 6), 6), _case(small, (2, 3, 4, 5, 6), 4),
        _case(small, (2, 4, 5, 6), 3),
        _case(small, (2, 3, 4, 5, 6), None), _case(f"{base}.4/30", (), None), _case(f"{base}.4/30", (2,), 2),
        _case(f"{base}.4/30", (), 2), _case(large, range(2, 255), 254), _case(large, range(3, 255), 254),
        _case(large, range(2, 201), 200),
    ]
    for _ in range(16):
        used = [one for one in range(2, 15) if rng.random() < 0.7]
        cases.append(_case(middle, used, rng.randint(2, 14)))
    example = f"next_pod_ip({small!r}, {{{_host(small, 2)!r}, {_host(small, 3)!r}}}, {_host(small, 3)!r})"
    story = (f"Your subnets lie in {base}.0/24. For example,\n  {example}\n"
             f"asks: in {small} two addresses are in use, and {_host(small, 3)} was given out last; which is next?")
    distinct = {str(case): case for case in cases}  # a long set is shortened: two cases may read the same
    return Variant({"cases": tuple(distinct.values()), "subnet": small}, story, lambda: Cluster(nodes=1))


def _by_model(subnet: str, used: set[str], last: str | None) -> str | None:
    """What the model's allocator gives, which is held to the reference plugin."""
    try:
        return HostLocal(subnet, {address: f"pod-{ip_address(address)}" for address in used}, last).peek()
    except AddressesExhausted:
        return None


def _observe(variant: Variant, answer: object) -> tuple[Finding, ...]:
    function = read_function(answer, "next_pod_ip")
    return tuple(Finding(str(case), _outcome(function, case)) for case in variant.numbers["cases"])


def _outcome(function: Callable[..., object], case: Case) -> str:
    given = call(function, str(case), case.subnet, set(case.used), case.last)
    if given is None:
        return "None"
    try:
        return read_address(given, "the address")
    except BadAnswer:
        return shown(given)


def _explain(variant: Variant, got: Finding, wanted: Finding) -> str:
    return f"{got.asked} should return {wanted.got}, and your function returns {got.got}. {_reason(variant, got)}"


def _reason(variant: Variant, got: Finding) -> str:
    case = next(case for case in variant.numbers["cases"] if str(case) == got.asked)
    network = ip_network(case.subnet)
    if got.got == "None":
        return "There is still a free address: after the end of the subnet the search goes on at its beginning."
    try:
        address = ip_address(got.got)
    except ValueError:
        return "It should be an address as a text, or None."
    if got.got in case.used:
        return "That address is in use."
    if address not in network:
        return "That address is not in the subnet."
    if address == network[1]:
        return "That address is the gateway's."
    if address in (network.network_address, network.broadcast_address):
        return "The first and the last address of a subnet are no device's."
    return "That address is free, but going up from the last one given there is another free one before it."


def _walks(first: int, end: int, *, from_last: bool = True, wrap: bool = True,
           skip_used: bool = True) -> Callable[..., object]:
    """An allocator with a mistake: which numbers it walks over (``end`` counts from the subnet's end), and how."""

    def next_pod_ip(subnet: str, used: set[str], last: str | None) -> str | None:
        network = ip_network(subnet)
        addresses = [str(network[number]) for number in range(first, network.num_addresses - end)]
        start = addresses.index(last) + 1 if from_last and last in addresses else 0
        order = addresses[start:] + (addresses[:start] if wrap else [])
        return next((address for address in order if not skip_used or address not in used), None)

    return next_pod_ip


def _first_hint(variant: Variant, attempt: Attempt | None) -> str:
    if attempt is not None and attempt.belief == "the lowest free address":
        return "Your function does not look at `last`. Begin with the address behind it."
    if attempt is not None and attempt.belief == "the end is the end":
        return "Your function stops at the end of the subnet. Where does the search go on from there?"
    return ("Make a list of all addresses that a pod may have, in order: from the second device's address to the last "
            "but one of the subnet. list(ip_network(subnet).hosts()) from the module ipaddress comes close.")


def _second_hint(variant: Variant, attempt: Attempt | None) -> str:
    return ("With that list and the position of `last` in it, the order of the search is: the part behind that "
            "position, and then the part up to it. If `last` is not in the list, search from the beginning. The first "
            "that is not in `used` wins.")


EXERCISE = Exercise(
    name="next_pod_ip",
    chapter="01_single_node",
    kind=Kind.WRITE,
    title="Write the allocator",
    statement="""\
The program that hands out addresses on a node is called `host-local`. Write its rule as a function
`next_pod_ip(subnet, used, last)`:

- `subnet` is the node's range, a text such as `"10.244.0.0/29"`;
- `used` is the set of the addresses that pods have now, each a text;
- `last` is the address that was given out last, or `None` on a new node. It may be free again.

It returns the next address as a text, or `None` when there is no free one. The first address of the subnet names the
network and the last one everybody on it (the *broadcast* address); the one after the first is the *gateway*'s. No pod
gets these three. The search begins behind `last`, goes up, and from the end goes on at the beginning.

Your function is called with many inputs, and its answers are compared with those of the course's own allocator.""",
    variable="next_pod_ip",
    starter='''\
from ipaddress import ip_network

def next_pod_ip(subnet, used, last):
    """The address that host-local gives out next, or None."""
    ...
''',
    reference='''\
from ipaddress import ip_network

def next_pod_ip(subnet, used, last):
    """The address that host-local gives out next, or None."""
    # hosts() leaves out the network's own address and the broadcast address; [1:] leaves out the gateway.
    for_pods = [str(address) for address in ip_network(subnet).hosts()][1:]
    start = for_pods.index(last) + 1 if last in for_pods else 0
    for address in for_pods[start:] + for_pods[:start]:
        if address not in used:
            return address
    return None
''',
    praise="Your function gives the same address as the course's own allocator, on every input.",
    draw=_draw,
    right=lambda variant: _by_model,
    observe=_observe,
    explain=_explain,
    worked=lambda variant: (
        "List the addresses that pods may have, and turn the list so that it begins behind the last one given. The "
        f"first of them that nobody has is the answer. In {variant.numbers['subnet']} that list has five addresses, "
        f"{_host(variant.numbers['subnet'], 2)} to {_host(variant.numbers['subnet'], 6)}."),
    hints=(_first_hint, _second_hint),
    misconceptions=(
        Misconception("the lowest free address", lambda variant: _walks(2, 1, from_last=False),
                      "Your function always gives the lowest free address. The node goes on from `last`, so that an "
                      "address that was just freed rests for as long as possible."),
        Misconception("the gateway is free", lambda variant: _walks(1, 1),
                      "Your function gives the gateway's address to a pod. The address after the network's own is the "
                      "bridge's: with two owners of it, no packet would find its way out."),
        Misconception("the broadcast address is free", lambda variant: _walks(2, 0),
                      "Your function gives out the last address of the subnet. It is the broadcast address: what is "
                      "sent there is for everybody, so no pod can have it."),
        Misconception("the end is the end", lambda variant: _walks(2, 1, wrap=False),
                      "Your function gives None when it has come to the end of the subnet, although addresses before "
                      "`last` are free again. The search goes on at the beginning."),
        Misconception("the next number is free", lambda variant: _walks(2, 1, skip_used=False),
                      "Your function gives the address behind `last` without a look at `used`, so two pods get the "
                      "same address."),
    ),
)
