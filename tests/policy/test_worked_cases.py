"""Every line of FACTS section 9.2, judged by all three: decide, PolicyIndex and Matrix."""

from __future__ import annotations

import pytest

from k8snet_course.linux.trace import Verdict
from k8snet_course.objects.network_policy import NetworkPolicy, NetworkPolicyPeer, NetworkPolicyRule
from k8snet_course.objects.selector import LabelSelector
from k8snet_course.policy import NONE, STANDARD, Enforcement
from tests.policy.shop import app, block, end, into, judge, out_of, pods, rule, team

EVERY = LabelSelector()
P = into("p", app("db"), rule(pods("api"), port=5432))
Q = into("q", app("db"), rule(pods("web"), port=5432))
DENY_IN = into("deny-in", EVERY)
DENY_OUT = out_of("deny-out", EVERY)
API_OUT = out_of("api-out", app("api"), rule(pods("db"), port=5432))
NO_TYPES = NetworkPolicy("no-types", "shop", EVERY, egress=())
AND = into("and", app("db"), rule(NetworkPolicyPeer(app("prom"), team("b"))))
OR = into("or", app("db"), rule(NetworkPolicyPeer(namespace_selector=team("b")), pods("prom")))
ALL_NAMESPACES = into("all-ns", app("db"), rule(NetworkPolicyPeer(namespace_selector=EVERY)))
OPEN = into("open", app("db"), NetworkPolicyRule())
PORT_ONLY = into("port-only", app("db"), rule(port=5432))
BLOCK = into("block", app("db"), rule(block("172.17.0.0/16", "172.17.1.0/24")))
BLOCK_2 = into("block-2", app("db"), rule(block("172.17.1.0/24")))
RANGE = into("range", app("db"), rule(port=8000, end_port=8010))
NAMED = into("named", app("db"), rule(port="pg"))
SERVICE_PORT = into("service-port", app("web"), rule(pods("api"), port=80))
IN_MON = into("p", app("db"), rule(pods("api"), port=5432), namespace="mon")
IGNORED = NetworkPolicy("ignored", "shop", app("db"), ingress=(NetworkPolicyRule(),), policy_types=("Egress",))
ARTICLE = into("article", app("database"), rule(pods("api")), namespace="default")

IN, OUT, YES = Verdict.DENIED_INGRESS, Verdict.DENIED_EGRESS, None

CASES = [
    (1, [], "mon/other", "shop/db", 5432, YES),
    (2, [P], "shop/api", "shop/db", 5432, YES),
    (3, [P], "shop/web", "shop/db", 5432, IN),
    (4, [P], "mon/api", "shop/db", 5432, IN),
    (5, [P], "shop/api", "shop/db", 9999, IN),
    (6, [P], "shop/api", "shop/db", "UDP", IN),
    (7, [P], "shop/db", "shop/web", 8080, YES),
    (9, [P], "node-2", "shop/db", 5432, YES),
    (9, [P], "node-1", "shop/db", 5432, IN),
    (11, [P, Q], "shop/web", "shop/db", 5432, YES),
    (11, [P, Q], "shop/api", "shop/db", 5432, YES),
    (12, [DENY_IN, P], "shop/api", "shop/db", 5432, YES),
    (12, [DENY_IN, P], "shop/web", "shop/api", 8080, IN),
    (13, [DENY_OUT, P], "shop/api", "shop/db", 5432, OUT),
    (14, [DENY_OUT, P, API_OUT], "shop/api", "shop/db", 5432, YES),
    (14, [DENY_OUT, P, API_OUT], "shop/api", "mon/other", 53, OUT),
    (15, [NO_TYPES], "shop/web", "mon/other", 80, YES),
    (15, [NO_TYPES], "shop/web", "203.0.113.9", 443, YES),
    (15, [NO_TYPES], "mon/other", "shop/web", 8080, IN),
    (16, [AND], "mon/prom", "shop/db", 5432, YES),
    (16, [AND], "mon/other", "shop/db", 5432, IN),
    (16, [AND], "shop/prom", "shop/db", 5432, IN),
    (17, [OR], "mon/prom", "shop/db", 5432, YES),
    (17, [OR], "mon/other", "shop/db", 5432, YES),
    (17, [OR], "shop/prom", "shop/db", 5432, YES),
    (17, [OR], "shop/web", "shop/db", 5432, IN),
    (18, [ALL_NAMESPACES], "my-app/api", "shop/db", 5432, YES),
    (18, [ALL_NAMESPACES], "shop/web", "shop/db", 5432, YES),
    (18, [ALL_NAMESPACES], "203.0.113.9", "shop/db", 5432, IN),
    (19, [OPEN], "203.0.113.9", "shop/db", 5432, YES),
    (20, [PORT_ONLY], "203.0.113.9", "shop/db", 5432, YES),
    (20, [PORT_ONLY], "mon/other", "shop/db", 5432, YES),
    (20, [PORT_ONLY], "mon/other", "shop/db", 22, IN),
    (21, [BLOCK], "172.17.2.5", "shop/db", 5432, YES),
    (21, [BLOCK], "172.17.1.5", "shop/db", 5432, IN),
    (22, [BLOCK, BLOCK_2], "172.17.1.5", "shop/db", 5432, YES),
    (23, [RANGE], "shop/web", "shop/db", 8000, YES),
    (23, [RANGE], "shop/web", "shop/db", 8010, YES),
    (23, [RANGE], "shop/web", "shop/db", 8011, IN),
    (23, [RANGE], "shop/web", "shop/db", 7999, IN),
    (24, [NAMED], "shop/web", "shop/db", 5432, YES),
    (24, [NAMED], "shop/web", "shop/db", 5433, IN),
    (24, [NAMED], "shop/web", "shop/db-unnamed", 5432, IN),
    # The Service's port 80 has become the pod's port 8080 when the policy looks.
    (25, [SERVICE_PORT], "shop/api", "shop/web", 8080, IN),
    # externalTrafficPolicy Cluster: the source has become the address of the node that the client reached.
    (26, [P], "node-1", "shop/db", 5432, IN),
    (26, [P], "node-2", "shop/db", 5432, YES),
    (28, [IN_MON], "shop/web", "shop/db", 5432, YES),
    (29, [P], "shop/web", "shop/db2", 5432, YES),
    (30, [IGNORED], "shop/web", "shop/db", 5432, YES),
    (30, [IGNORED], "shop/db", "shop/web", 8080, OUT),
    (31, [ARTICLE], "my-app/api", "default/database", 5432, IN),
    (31, [ARTICLE], "default/api", "default/database", 5432, YES),
    (32, [into("self", app("db")), out_of("self-out", app("db"))], "shop/db", "shop/db", 5432, YES),
]


@pytest.mark.parametrize(("number", "policies", "source", "destination", "port", "verdict"), CASES,
                         ids=lambda value: str(value) if isinstance(value, (int, str)) else "")
def test_line(number: int, policies: list[NetworkPolicy], source: str, destination: str, port: int | str,
              verdict: Verdict | None) -> None:
    protocol, port = ("UDP", 5432) if port == "UDP" else ("TCP", port)
    assert isinstance(port, int)
    found = judge(end(source), end(destination), protocol, port, policies)
    assert (found.verdict, found.allowed) == (verdict, verdict is None), str(found)


@pytest.mark.parametrize("enforcement", [NONE, STANDARD])
def test_line_27_a_plugin_that_does_not_enforce(enforcement: Enforcement) -> None:
    found = judge(end("shop/web"), end("shop/db"), "TCP", 5432, [P], enforcement)
    assert found.allowed is (enforcement is NONE)
    assert found.ingress.selecting == (P,)
    if enforcement is NONE:
        assert found.ingress.reason == "the network plugin enforces no policies"


def test_lines_8_and_10_are_about_the_first_packet_and_the_pod() -> None:
    """Line 8, replies: nobody is asked again, and db itself may open nothing it might not before.  Line 10: after DNAT."""
    own = judge(end("shop/db"), end("shop/api"), "TCP", 40000, [P]).egress
    assert own.reason == "no policy selects pod shop/db for egress"
    before, after = end("10.96.0.20"), end("shop/db")
    rules = [out_of("api-out", app("api"), rule(pods("db"), port=5432)), P]
    assert judge(end("shop/api"), after, "TCP", 5432, rules).allowed
    assert not judge(end("shop/api"), before, "TCP", 5432, rules).allowed, "no selector matches a Service's address"


def test_every_line_is_here() -> None:
    assert {case[0] for case in CASES} | {8, 10, 27} == set(range(1, 33))
