"""Which policies select a pod, and what they say of connections to and from it: the text that ``kubectl describe`` never gives.

It judges no connection: :mod:`k8snet_course.policy.compiled` does, by the same rules.

Source: "Network Policies" in the Kubernetes documentation ("The two sorts of pod isolation").
"""

from __future__ import annotations

from dataclasses import dataclass

from k8snet_course.objects.network_policy import EGRESS, INGRESS
from k8snet_course.policy.compiled import PolicyIndex
from k8snet_course.policy.party import Party
from k8snet_course.policy.rules import Policy
from k8snet_course.policy.ruling import Selecting


@dataclass(frozen=True, slots=True)
class PoliciesAt:
    """The policies that select one pod.  ``why_none`` says why none is asked, where the pod or its plugin is such.

    >>> from k8snet_course.objects.network_policy import NetworkPolicy
    >>> from k8snet_course.objects.pod import Pod
    >>> index = PolicyIndex([NetworkPolicy("deny-all")])
    >>> print(policies_at(index, Party.of_pod(Pod("db", "node-1", "10.244.0.3"))))
    pod db
      Ingress: isolated by deny-all, which allows nothing
      Egress: not isolated
    """

    pod: str
    ingress: Selecting
    egress: Selecting
    why_none: str = ""

    @property
    def policies(self) -> tuple[Policy, ...]:
        """All of them, each once, those for ingress first."""
        return tuple({id(policy): policy for policy in (*self.ingress.policies, *self.egress.policies)}.values())

    def __str__(self) -> str:
        if self.why_none:
            return f"{self.pod}\n  {self.why_none}"
        return "\n".join([self.pod, *_side(INGRESS, self.ingress), *_side(EGRESS, self.egress)])


def policies_at(index: PolicyIndex, pod: Party) -> PoliciesAt:
    """What the policies of a cluster are to one pod."""
    why = ""
    if not index.enforcement.enforces:
        why = "the network plugin enforces no policies"
    elif not pod.governed:
        why = "it uses the network of its node, so no policy selects it"
    return PoliciesAt(str(pod), index.selecting(INGRESS, pod), index.selecting(EGRESS, pod), why)


def _side(direction: str, selecting: Selecting) -> list[str]:
    names = ", ".join(policy.label for policy in selecting.isolating)
    allows = "" if selecting.allows else f", which allow{'s' if len(selecting.isolating) == 1 else ''} nothing"
    first = f"  {direction}: isolated by {names}{allows}" if names else f"  {direction}: not isolated"
    return [first, *(f"    {rule}" for rule in (*selecting.admin, *selecting.allows, *selecting.baseline))]
