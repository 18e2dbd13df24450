"""The types of objects that kubectl can be asked for: one row for each, and the words by which people name them.

Most are the kinds of :mod:`k8snet_course.manifests`; nodes and Endpoints are there too, which nobody writes.

Source: ``kubectl api-resources``; kubectl's reference, "Resource types".
"""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches

from k8snet_course.kubectl.complaint import Complaint, did_you_mean
from k8snet_course.manifests import KINDS


@dataclass(frozen=True, slots=True)
class Resource:
    """One type: its names, where its kind belongs, and whether its objects lie in namespaces.

    >>> named("netpol").full, named("networkpolicies.networking.k8s.io").kind, named("po").full
    ('networkpolicy.networking.k8s.io', 'NetworkPolicy', 'pod')
    """

    plural: str
    kind: str
    api_version: str
    short: tuple[str, ...] = ()
    namespaced: bool = True
    in_all: bool = False
    """Whether ``kubectl get all`` lists it."""

    @property
    def singular(self) -> str:
        """The kind in lower case."""
        return self.kind.lower()

    @property
    def group(self) -> str:
        """The API group; empty for the core."""
        return self.api_version.rpartition("/")[0]

    @property
    def full(self) -> str:
        """How kubectl's messages name it before a slash: ``deployment.apps``."""
        return f"{self.singular}.{self.group}" if self.group else self.singular

    @property
    def plural_full(self) -> str:
        """How the API server's messages name it: ``deployments.apps``."""
        return f"{self.plural}.{self.group}" if self.group else self.plural

    @property
    def words(self) -> tuple[str, ...]:
        """Every word that means it."""
        version = self.api_version.rpartition("/")[2]
        versioned = (f"{self.plural}.{version}.{self.group}", f"{self.singular}.{version}.{self.group}") if self.group else ()
        return tuple(dict.fromkeys((self.plural, self.singular, *self.short, self.plural_full, self.full, *versioned)))


_IN_ALL = ("pods", "services", "deployments", "replicasets")
_ELSEWHERE = (
    Resource("nodes", "Node", "v1", ("no",), namespaced=False),
    Resource("endpoints", "Endpoints", "v1", ("ep",)),
)

RESOURCES: dict[str, Resource] = {one.plural: one for one in sorted((*_ELSEWHERE, *(
    Resource(kind.plural, kind.name, kind.api_version, kind.short, kind.namespaced, kind.plural in _IN_ALL)
    for kind in KINDS.values())), key=lambda one: (one.group, one.plural))}
"""The types by their plural names, in the order of ``api-resources``: by API group, the core first, then by name."""

_BY_WORD = {word: one for one in reversed(RESOURCES.values()) for word in one.words}
_BY_KIND = {one.kind: one for one in RESOURCES.values()}

ALL = "all"
"""The word for the types that run programs: pods, Services and what makes pods."""

NOT_MODELLED = ("clusterroles", "clusterrolebindings", "configmaps", "cronjobs", "customresourcedefinitions", "daemonsets",
                "events", "horizontalpodautoscalers", "jobs", "persistentvolumeclaims", "persistentvolumes",
                "poddisruptionbudgets", "replicationcontrollers", "roles", "rolebindings", "secrets", "serviceaccounts",
                "servicecidrs", "statefulsets", "storageclasses")
"""Types that Kubernetes has and the course does not."""


def named(word: str) -> Resource:
    """The type that a word means, in any case of letters.  Raises Complaint.

    >>> named("endpointslice").plural
    'endpointslices'
    >>> named("pds")
    Traceback (most recent call last):
    k8snet_course.kubectl.complaint.Complaint: error: the server doesn't have a resource type "pds"
    """
    found = _BY_WORD.get(word.lower())
    if found is None:
        raise Complaint(f'error: the server doesn\'t have a resource type "{word}"', _hint(word.lower()))
    return found


def several(words: str) -> tuple[Resource, ...]:
    """The types that a word with commas means, each once; ``all`` means several.  Raises Complaint.

    >>> [one.plural for one in several("svc,all")]
    ['services', 'pods', 'deployments', 'replicasets']
    """
    found: dict[str, Resource] = {}
    for word in words.split(","):
        for one in of_all() if word.lower() == ALL else (named(word),):
            found.setdefault(one.plural, one)
    return tuple(found.values())


def of_all() -> tuple[Resource, ...]:
    """What ``all`` means."""
    return tuple(RESOURCES[plural] for plural in _IN_ALL)


def of_kind(kind: str) -> Resource:
    """The type of a kind.

    >>> of_kind("Service").plural
    'services'
    """
    return _BY_KIND[kind]


def _hint(word: str) -> str:
    if word in NOT_MODELLED or f"{word}s" in NOT_MODELLED:
        return f"A real cluster has {word if word.endswith('s') else word + 's'}; this course's network does without them."
    return did_you_mean(get_close_matches(word, _BY_WORD, 1, 0.6))
