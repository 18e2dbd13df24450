"""What ``-l`` and ``--field-selector`` say: conditions on labels and on fields.

Source: Kubernetes documentation, "Labels and Selectors", "Field Selectors"; kubernetes apimachinery, pkg/labels.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from typing import NamedTuple

from k8snet_course.errors import CourseError
from k8snet_course.kubectl.complaint import Complaint
from k8snet_course.names import nearest
from k8snet_course.objects.selector import DOES_NOT_EXIST, EXISTS, IN, NOT_IN, LabelSelector, LabelSelectorRequirement

_KEY = r"[A-Za-z0-9./_-]+"
_SET = re.compile(rf"\s*({_KEY})\s+(in|notin)\s*\(([^()]*)\)\s*")
_EQUAL = re.compile(rf"\s*({_KEY})\s*(==|=|!=)\s*([A-Za-z0-9._-]*)\s*")
_EXISTS = re.compile(rf"\s*(!?)\s*({_KEY})\s*")


def label_selector(text: str) -> LabelSelector:
    """The conditions that a text puts on labels.  Raises Complaint.

    >>> selector = label_selector("app=web,tier!=db,stage in (test, live),!old")
    >>> print(selector)
    app in (web),tier notin (db),stage in (test,live),!old
    >>> selector.matches({"app": "web", "stage": "live"}), selector.matches({"app": "web", "stage": "live", "old": ""})
    (True, False)
    >>> label_selector("app in (web")
    Traceback (most recent call last):
    k8snet_course.kubectl.complaint.Complaint: error: unable to parse requirement: "app in (web"
    """
    if not text.strip():
        return LabelSelector()
    try:
        return LabelSelector({}, tuple(_requirement(part, text) for part in _parts(text)))
    except CourseError as error:
        raise Complaint(f"error: unable to parse requirement: {error}") from None


def _parts(text: str) -> Iterator[str]:
    """The conditions: what stands between commas that are not in brackets."""
    depth, start = 0, 0
    for at, letter in enumerate(text):
        depth += (letter == "(") - (letter == ")")
        if letter == "," and depth == 0:
            yield text[start:at]
            start = at + 1
    yield text[start:]


def _requirement(part: str, text: str) -> LabelSelectorRequirement:
    found = _SET.fullmatch(part)
    if found:
        values = tuple(value.strip() for value in found[3].split(","))
        return LabelSelectorRequirement(found[1], IN if found[2] == "in" else NOT_IN, values)
    found = _EQUAL.fullmatch(part)
    if found:
        return LabelSelectorRequirement(found[1], NOT_IN if found[2] == "!=" else IN, (found[3],))
    found = _EXISTS.fullmatch(part)
    if found:
        return LabelSelectorRequirement(found[2], DOES_NOT_EXIST if found[1] else EXISTS)
    raise Complaint(f'error: unable to parse requirement: "{text}"',
                    "Write conditions with commas between: app=web, tier!=db, stage in (test,live), owner, !old.")


class Term(NamedTuple):
    """One condition of a field selector."""

    field: str
    equal: bool
    value: str


def field_selector(text: str, known: Collection[str]) -> tuple[Term, ...]:
    """The conditions that a text puts on fields, which are among the ``known`` ones.  Raises Complaint.

    >>> field_selector("spec.nodeName=node-1,status.phase!=Running", ["spec.nodeName", "status.phase"])[1]
    Term(field='status.phase', equal=False, value='Running')
    >>> field_selector("spec.ports=80", ["metadata.name"])
    Traceback (most recent call last):
    k8snet_course.kubectl.complaint.Complaint: error: field label not supported: spec.ports
    """
    found = []
    for part in text.split(",") if text.strip() else ():
        for sign, equal in (("!=", False), ("==", True), ("=", True)):
            name, has, value = part.partition(sign)
            if has:
                found.append(Term(name.strip(), equal, value.strip()))
                break
        else:
            raise Complaint(f"error: invalid selector: '{text}'; can't understand '{part}'",
                            "Write a field, '=' or '!=', and a value: spec.nodeName=node-1.")
    for term in found:
        if term.field not in known:
            raise Complaint(f"error: field label not supported: {term.field}",
                            f"Did you mean {nearest(term.field, known)}? This type has {', '.join(known)}.")
    return tuple(found)
