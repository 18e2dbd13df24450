"""Label selectors: which objects are meant, said by their labels instead of by their names.

A selector is a list of conditions, and all of them must hold.  The empty selector has no condition, so it selects everything;
what "everything" is (all pods of a namespace, all namespaces) depends on where the selector stands.

Source: Kubernetes API reference, meta/v1 (LabelSelector); "Labels and Selectors" in the documentation.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from k8snet_course.errors import InvalidArgument
from k8snet_course.names import check_labels, nearest

IN, NOT_IN, EXISTS, DOES_NOT_EXIST = "In", "NotIn", "Exists", "DoesNotExist"
OPERATORS = (IN, NOT_IN, EXISTS, DOES_NOT_EXIST)


@dataclass(frozen=True, slots=True)
class LabelSelectorRequirement:
    """One of the ``matchExpressions``: a key, an operator and, for In and NotIn, values.

    NotIn also holds where the key is absent.  Raises InvalidArgument or InvalidName, as the API server refuses it.

        >>> print(LabelSelectorRequirement("tier", "In", ("web", "api")))
        tier in (web,api)
        >>> LabelSelectorRequirement("tier", "NotIn", ("web",)).matches({})
        True
        >>> LabelSelectorRequirement("tier", "In")
        Traceback (most recent call last):
        k8snet_course.errors.InvalidArgument: invalid argument 'In': expected values for the key tier, because the operator \
In compares with them; add at least one, or write Exists.
    """

    key: str
    operator: str
    values: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.operator not in OPERATORS:
            raise InvalidArgument(self.operator, f"an operator: {', '.join(OPERATORS)}",
                                  f"write {nearest(self.operator, OPERATORS)}")
        if isinstance(self.values, str):
            raise InvalidArgument(self.values, "a list of values", f"write [{self.values}]")
        object.__setattr__(self, "values", tuple(self.values))
        check_labels({self.key: ""})
        for value in self.values:
            check_labels({self.key: value})
        if self.operator in (IN, NOT_IN) and not self.values:
            mend = "or write Exists" if self.operator == IN else "or leave the condition out"
            raise InvalidArgument(self.operator, f"values for the key {self.key}, because the operator {self.operator} "
                                  "compares with them", f"add at least one, {mend}")
        if self.operator in (EXISTS, DOES_NOT_EXIST) and self.values:
            raise InvalidArgument(self.operator, f"no values for the key {self.key}, because the operator {self.operator} only "
                                  "looks whether the key is there",
                                  f"leave them out, or write {IN if self.operator == EXISTS else NOT_IN}")

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Whether an object with these labels meets the condition.

        >>> LabelSelectorRequirement("app", "Exists").matches({"app": "web"})
        True
        """
        if self.operator == IN:
            return labels.get(self.key) in self.values
        if self.operator == NOT_IN:
            return labels.get(self.key) not in self.values
        return (self.key in labels) == (self.operator == EXISTS)

    def __str__(self) -> str:
        if self.operator in (EXISTS, DOES_NOT_EXIST):
            return self.key if self.operator == EXISTS else f"!{self.key}"
        return f"{self.key} {'in' if self.operator == IN else 'notin'} ({','.join(self.values)})"


@dataclass(frozen=True, slots=True)
class LabelSelector:
    """Conditions on labels: ``match_labels`` (this key with this value) and ``match_expressions``; all must hold.

    Raises InvalidArgument or InvalidName, as the API server refuses it.

        >>> web = LabelSelector({"app": "web"}, (LabelSelectorRequirement("legacy", "DoesNotExist"),))
        >>> print(web)
        app=web,!legacy
        >>> web.matches({"app": "web", "tier": "front"}), web.matches({"app": "web", "legacy": ""})
        (True, False)
        >>> LabelSelector().matches({}), str(LabelSelector())
        (True, '<all>')
    """

    match_labels: Mapping[str, str] = field(default_factory=dict)
    match_expressions: tuple[LabelSelectorRequirement, ...] = ()

    def __post_init__(self) -> None:
        check_labels(self.match_labels)
        object.__setattr__(self, "match_labels", dict(self.match_labels))
        object.__setattr__(self, "match_expressions", tuple(self.match_expressions))

    @property
    def empty(self) -> bool:
        """Whether it has no condition, and so selects everything."""
        return not self.match_labels and not self.match_expressions

    def matches(self, labels: Mapping[str, str]) -> bool:
        """Whether an object with these labels is selected."""
        for key, value in self.match_labels.items():
            if labels.get(key) != value:
                return False
        for requirement in self.match_expressions:  # noqa: SIM110 - a packet pays for this loop, and all() costs a generator
            if not requirement.matches(labels):
                return False
        return True

    def failing(self, labels: Mapping[str, str]) -> str:
        """The first condition that these labels do not meet, as text; empty when all are met.

        >>> LabelSelector({"app": "web", "tier": "front"}).failing({"app": "web"})
        'tier=front'
        """
        for key, value in self.match_labels.items():
            if labels.get(key) != value:
                return f"{key}={value}"
        return next((str(each) for each in self.match_expressions if not each.matches(labels)), "")

    def __hash__(self) -> int:
        return hash((frozenset(self.match_labels.items()), self.match_expressions))

    def __str__(self) -> str:
        words = [f"{key}={value}" for key, value in self.match_labels.items()]
        return ",".join(words + [str(requirement) for requirement in self.match_expressions]) or "<all>"
