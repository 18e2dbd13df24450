"""What ``kubectl explain`` knows: the fields of the manifests' own tables, with a text for each.

:mod:`~k8snet_course.kubectl.explained.schema` reads the tables of :mod:`k8snet_course.manifests`, so that no field is explained
that a manifest cannot have; ``core``, ``policies`` and ``routing`` have the texts, by type and field.
"""

from k8snet_course.kubectl.explained.schema import IN_CRDS, Part, schema

__all__ = ["IN_CRDS", "Part", "schema"]
