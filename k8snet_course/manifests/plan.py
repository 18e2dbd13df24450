"""What ``kubectl apply`` would do: create, change, or nothing.

All of it is planned before anything is done, so a manifest with one bad document changes nothing.  This module does nothing
itself: it is told what is there, and says what should be.

Modelled simply: kubectl leaves fields alone that others than the manifest have set; here the manifest is the whole of an
object, except for what the cluster has decided.

Source: Kubernetes documentation, "Declarative Management of Kubernetes Objects Using Configuration Files".
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from k8snet_course.errors import CourseError
from k8snet_course.manifests.kinds import Kind, kind_of
from k8snet_course.manifests.spot import Spot

CREATED, CONFIGURED, UNCHANGED = "created", "configured", "unchanged"


@dataclass(frozen=True, slots=True)
class Change:
    """What applying one document does: ``before`` (None: there was nothing) becomes ``after``.

    >>> from k8snet_course.objects.namespace import Namespace
    >>> print(Change("created", kind_of(Namespace("shop")), None, Namespace("shop")))
    namespace/shop created
    """

    action: str
    kind: Kind
    before: Any
    after: Any

    def __str__(self) -> str:
        return f"{self.kind.resource}/{self.after.name} {self.action}"


def updated(present: Any, wanted: Any) -> Any:
    """The object to hold when ``wanted`` is applied to ``present``: what the cluster has decided stays.

    Raises InvalidManifest when a field would change that Kubernetes does not let change.
    """
    return kind_of(present).update(present, wanted)


def check_update(present: Any, wanted: Any) -> None:
    """Refuse a change of an object that Kubernetes refuses.  Raises InvalidManifest."""
    updated(present, wanted)


def plan(wanted: Iterable[Any], present: Callable[[Kind, str], Any], spots: Sequence[Spot] = ()) -> tuple[Change, ...]:
    """What applying the objects would do, in order; ``present`` gives the object of a kind and key, or None.

    An object that comes twice is changed by the second.  Raises InvalidManifest when one of them may not change so, with the
    line if ``spots`` says where each was written.

        >>> from k8snet_course.objects.namespace import Namespace
        >>> there = {"shop": Namespace("shop")}
        >>> wanted = [Namespace("shop"), Namespace("shop", {"team": "a"}), Namespace("mon")]
        >>> print(*plan(wanted, lambda kind, key: there.get(key)), sep="\\n")
        namespace/shop unchanged
        namespace/shop configured
        namespace/mon created
    """
    changes: list[Change] = []
    held: dict[tuple[str, str], Any] = {}
    for number, one in enumerate(wanted):
        kind, key = kind_of(one), one.key
        place = (kind.name, key)
        before = held[place] if place in held else present(kind, key)
        try:
            after = one if before is None else kind.update(before, one)
        except CourseError as error:
            if spots:
                error.stands_at(spots[number].meant_by(error).line)
            raise
        held[place] = after
        changes.append(Change(CREATED if before is None else UNCHANGED if after == before else CONFIGURED, kind, before, after))
    return tuple(changes)
