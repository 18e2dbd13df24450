"""Manifests: from the YAML that a Kubernetes user writes to objects, with every mistake named where it stands, and back.

Nothing gets past this room half valid: an unknown kind or field, a wrong type or a bad name ends here, with the line, the path,
the nearest right name, and what to write instead.  It knows the form of a manifest, and what of an object may change; whether
there is room for a pod, or a cluster IP left, the cluster knows.

One module per kind says as data which fields there are (``pods``, ``services``, ...); ``records`` and ``scalars`` read and
write by these data; ``kinds`` lists the kinds, ``text`` loads and prints, and ``plan`` says what applying would do.

Source: Kubernetes API reference; "kubectl apply" in the documentation.
"""

from k8snet_course.manifests.kinds import KINDS, Kind, kind_named, kind_of
from k8snet_course.manifests.plan import Change, check_update, plan, updated
from k8snet_course.manifests.text import Document, as_dict, dump, load, load_each, load_located

__all__ = [
    "KINDS", "Change", "Document", "Kind", "as_dict", "check_update", "dump", "kind_named", "kind_of", "load", "load_each",
    "load_located", "plan", "updated",
]
