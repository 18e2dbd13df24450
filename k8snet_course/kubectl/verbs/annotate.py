"""``kubectl annotate``: see :mod:`k8snet_course.kubectl.verbs.label`, which it shares everything with."""

from __future__ import annotations

from k8snet_course.kubectl.verbs.label import ANNOTATE as VERB

__all__ = ["VERB"]
