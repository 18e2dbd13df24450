"""``kubectl options``: see :mod:`k8snet_course.kubectl.verbs.help`."""

from __future__ import annotations

from k8snet_course.kubectl.verbs.help import OPTIONS as VERB

__all__ = ["VERB"]
