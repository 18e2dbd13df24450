"""kubectl on the model: the commands that people type, with the output that they know.

    >>> from k8snet_course import Cluster
    >>> cluster = Cluster()
    >>> _ = cluster.add_pod("web"), cluster.wait(90)
    >>> cluster.kubectl("get pods -o wide")
    NAME   READY   STATUS    RESTARTS   AGE   IP           NODE     NOMINATED NODE   READINESS GATES
    web    1/1     Running   0          90s   10.244.0.2   node-1   <none>           <none>

A line goes through :mod:`~k8snet_course.kubectl.words`, which knows flags, to a verb of :mod:`~k8snet_course.kubectl.verbs`.
:mod:`~k8snet_course.kubectl.resources` knows the types of objects and :mod:`~k8snet_course.kubectl.kinds` how each of them
looks.  This room is a view: it reads the model, and changes it only by the front door.
"""

from k8snet_course.kubectl.client import Kubectl
from k8snet_course.kubectl.reply import Reply

__all__ = ["Kubectl", "Reply"]
