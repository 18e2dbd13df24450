"""Policies: which connections are allowed, and which rule of which policy decided.

Everything here works on plain objects; no cluster is needed.

    >>> from k8snet_course.objects.network_policy import NetworkPolicy, NetworkPolicyPeer, NetworkPolicyRule
    >>> from k8snet_course.objects.pod import Pod
    >>> from k8snet_course.objects.selector import LabelSelector
    >>> web, api, db = (Party.of_pod(Pod(name, "node-1", f"10.244.0.{number}", "shop", {"app": name}))
    ...                 for number, name in enumerate(("web", "api", "db"), start=2))
    >>> only_api = NetworkPolicy("only-api", "shop", LabelSelector({"app": "db"}), ingress=(
    ...     NetworkPolicyRule((NetworkPolicyPeer(LabelSelector({"app": "api"})),)),))
    >>> print(decide(web, db, "TCP", 5432, [only_api]))
    denied_ingress: NetworkPolicy shop/only-api isolates pod shop/db for ingress, and no rule allows TCP 5432 from pod shop/web
    >>> print(decide(api, db, "TCP", 5432, [only_api]).ingress)
    ingress allowed: ingress[0] of NetworkPolicy shop/only-api allows TCP 5432 from pod shop/api

:class:`PolicyIndex` answers for the packets of a cluster, :class:`Matrix` for all pairs of its pods at once.
"""

from k8snet_course.policy.compiled import PolicyIndex
from k8snet_course.policy.enforcement import NONE, STANDARD, Enforcement
from k8snet_course.policy.evaluate import Decision, SideDecision, decide
from k8snet_course.policy.matrix import Matrix, PartyClass
from k8snet_course.policy.party import Party
from k8snet_course.policy.rules import Policy
from k8snet_course.policy.ruling import Ruling

__all__ = ["NONE", "STANDARD", "Decision", "Enforcement", "Matrix", "Party", "PartyClass", "Policy", "PolicyIndex", "Ruling",
           "SideDecision", "decide"]
