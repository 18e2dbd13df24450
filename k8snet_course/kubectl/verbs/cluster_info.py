"""``kubectl cluster-info``: where the control plane is, and the cluster's own Services.

Source: k8s.io/kubectl, pkg/cmd/clusterinfo.
"""

from __future__ import annotations

from k8snet_course.kubectl.complaint import Complaint
from k8snet_course.kubectl.context import Context
from k8snet_course.kubectl.reply import Reply
from k8snet_course.kubectl.verbs.verb import Verb
from k8snet_course.kubectl.words import Command

_LABEL = "kubernetes.io/cluster-service"


def cluster_info(context: Context, command: Command) -> Reply:
    """Say what there is.  Raises Complaint."""
    if command.args:
        raise Complaint(f'error: unknown command "{command.args[0]}" for "kubectl cluster-info"')
    cluster = context.cluster
    lines = ["Kubernetes control plane is running in this notebook: the course gives it no machine and no address"]
    named = [one for one in cluster.services if one.labels.get(_LABEL) == "true"]
    lines += [f"{one.labels.get('kubernetes.io/name') or one.name} is running at {one.cluster_ip}" for one in named]
    if not named:
        lines.append(f"The DNS server answers at {cluster.cluster_dns} for {cluster.dns_domain}")
    lines.append(f"Nodes: {cluster.node_network}; pods: {cluster.pod_cidr}, by the {cluster.cni} plugin; Services: "
                 f"{cluster.service_cidr}")
    return Reply("".join(f"{line}\n" for line in lines))


VERB = Verb("cluster-info", "Say where the control plane and the cluster's own Services are.", "kubectl cluster-info",
            cluster_info, (), ("cluster-info",))
