"""DNS in a cluster: which names there are, what the server answers, and what a pod's resolver asks.

=================  ======================================================================================
module             what
=================  ======================================================================================
``names``          how names are spelt
``records``        answers and the records in them
``outside``        the names outside the cluster
``watched``        what the server knows of the cluster
``hosts``          what a name under a Service stands for
``hints``          why there is no such name, and what to write instead
``zone``           the server: from a query to its answer
``resolv_conf``    the file in a pod that says whom to ask, and how short names are completed
``asking``         one lookup under way: queries, and their outcome
``resolver``       the queries that glibc, musl and BusyBox make for a name, in order
=================  ======================================================================================

No packet is sent here.  Whether a pod reaches the server at all is a matter of packets and policies: who asks says which
servers answer.
"""

from k8snet_course.dns.asking import Lookup, Query
from k8snet_course.dns.names import (
    DOMAIN,
    dashed,
    endpoint_name,
    mistaken_pod_name,
    pod_name,
    port_name,
    reverse_name,
    service_name,
    undashed,
)
from k8snet_course.dns.outside import Outside, Server
from k8snet_course.dns.records import TYPES, Answer, Rcode, Record
from k8snet_course.dns.resolv_conf import DNS_POLICIES, ResolvConf, resolv_conf
from k8snet_course.dns.resolver import lookup
from k8snet_course.dns.zone import Zone
from k8snet_course.objects.pod_dns_config import PodDnsConfig

__all__ = [
    "DNS_POLICIES",
    "DOMAIN",
    "TYPES",
    "Answer",
    "Lookup",
    "Outside",
    "PodDnsConfig",
    "Query",
    "Rcode",
    "Record",
    "ResolvConf",
    "Server",
    "Zone",
    "dashed",
    "endpoint_name",
    "lookup",
    "mistaken_pod_name",
    "pod_name",
    "port_name",
    "resolv_conf",
    "reverse_name",
    "service_name",
    "undashed",
]
