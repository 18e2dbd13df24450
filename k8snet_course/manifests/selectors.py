"""How a label selector is written.

Source: Kubernetes API reference, meta/v1 (LabelSelector).
"""

from __future__ import annotations

from k8snet_course.manifests.metadata import LABELS
from k8snet_course.manifests.records import Field, ListOf, Record
from k8snet_course.manifests.scalars import Text
from k8snet_course.objects.selector import LabelSelector, LabelSelectorRequirement

SELECTOR = Record(LabelSelector, (
    Field("matchLabels", LABELS, "match_labels"),
    Field("matchExpressions", ListOf(Record(LabelSelectorRequirement, (
        Field("key", Text(), "key", required=True),
        Field("operator", Text(), "operator", required=True),
        Field("values", ListOf(Text()), "values"),
    ))), "match_expressions"),
))
"""``matchLabels`` and ``matchExpressions``; ``{}`` selects everything."""
