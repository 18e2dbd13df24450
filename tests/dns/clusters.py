"""The cluster that the tests of DNS ask about."""

from k8snet_course.dns import Zone
from k8snet_course.objects.endpoint_slice import Endpoint, EndpointPort, EndpointSlice
from k8snet_course.objects.service import Service, ServicePort

HTTP = (ServicePort(80, 8080, name="http"),)
SERVICES = (
    Service("kubernetes", ports=(ServicePort(443, 6443, name="https"),), cluster_ips=("10.96.0.1",)),
    Service("web", ports=HTTP, cluster_ips=("10.96.0.20",)),
    Service("web", "other", ports=HTTP, cluster_ips=("10.96.0.21",)),
    Service("dual", ports=HTTP, cluster_ips=("10.96.0.22", "fd00:96::22")),
    Service("six", ports=HTTP, cluster_ips=("fd00:96::6",), ip_families=("IPv6",)),
    Service("dns", ports=(ServicePort(53, protocol="UDP", name="dns"), ServicePort(53, name="dns-tcp")),
            cluster_ips=("10.96.0.10",)),
    Service("unnamed", ports=(ServicePort(80),), cluster_ips=("10.96.0.24",)),
    Service("db", ports=(ServicePort(5432, name="pg"),), cluster_ips=("None",)),
    Service("down", ports=HTTP, cluster_ips=("None",)),
    Service("portless", cluster_ips=("None",)),
    Service("ext", type="ExternalName", external_name="www.example.com"),
    Service("alias", type="ExternalName", external_name="web.other.svc.cluster.local"),
    Service("dangling", type="ExternalName", external_name="gone.other.svc.cluster.local"),
    Service("lost", type="ExternalName", external_name="nobody.example.net"),
    Service("numeric", type="ExternalName", external_name="10.1.2.3"),
    Service("ring", type="ExternalName", external_name="gnir.default.svc.cluster.local"),
    Service("gnir", type="ExternalName", external_name="ring.default.svc.cluster.local."),
)
PG, HTTP_POD = (EndpointPort(5432, name="pg"),), (EndpointPort(8080, name="http"),)
SLICES = (
    EndpointSlice("db-1", "default", "db", endpoints=(
        Endpoint(("10.244.0.2",), hostname="db-0"), Endpoint(("10.244.1.2",), hostname="db-1"),
        Endpoint(("10.244.1.3",)), Endpoint(("10.244.1.4",), ready=False, hostname="db-3")), ports=PG),
    EndpointSlice("db-2", "default", "db", "IPv6", (Endpoint(("2001:db8::",)), Endpoint(("fd00::2",), hostname="db-0")), PG),
    EndpointSlice("down-1", "default", "down", endpoints=(Endpoint(("10.244.2.2",), ready=False),), ports=HTTP_POD),
    EndpointSlice("portless-1", "default", "portless", endpoints=(Endpoint(("10.244.2.9",)),)),
    EndpointSlice("web-1", "default", "web", endpoints=(Endpoint(("10.244.0.2",)), Endpoint(("10.244.0.7",))), ports=HTTP_POD),
)
UPSTREAM = {"www.example.com": ("93.184.216.34", "2606:2800:21f::1"), "a.b.c.d.e.com": ("192.0.2.9",)}


def zone(services=SERVICES, slices=SLICES, namespaces=("default", "other", "empty"), **options) -> Zone:
    """A DNS server that knows these objects."""
    made = Zone(**{"upstream": UPSTREAM, **options})
    for namespace in namespaces:
        made.add_namespace(namespace)
    for service in services:
        made.add_service(service)
    for key in dict.fromkeys((each.namespace, each.service) for each in slices):
        made.set_slices(*key, [each for each in slices if (each.namespace, each.service) == key])
    return made


def shown(answer) -> list[str]:
    """What an answer says: type and data of each record, or the status where there is none."""
    return [f"{record.type} {record.data}" for record in answer.records] or [answer.status]
