"""What a controller does after its decision: which pod or address it connects to, or what it answers."""

import pytest

from k8snet_course.errors import InvalidArgument
from k8snet_course.objects.endpoint_slice import Endpoint, EndpointPort, EndpointSlice
from k8snet_course.objects.service import Service, ServicePort
from k8snet_course.services.http import HttpRequest
from k8snet_course.services.http_routing import Routing, ServiceRef, next_connection

PODS = tuple(Endpoint((f"10.244.{number}.2",), node_name=f"node-{number + 1}") for number in range(3))
PORTS = (ServicePort(80, "web", name="http"), ServicePort(53, protocol="UDP", name="dns"))
WEB = Service("web", "shop", ports=PORTS, cluster_ips=("10.96.0.20",))


def slices(*endpoints, service="web", namespace="shop", port=8080):
    ports = (EndpointPort(port, name="http"), EndpointPort(53, "UDP", "dns"))
    return [EndpointSlice(f"{service}-1", namespace, service, endpoints=endpoints, ports=ports)]


def connect(port=80, service=WEB, written=None, **fields):
    routing = Routing(HttpRequest("example.com"), ServiceRef("shop", "web", port), 0, "it matches")
    return next_connection(routing, {service.key: service}, slices(*PODS) if written is None else written, **fields)


@pytest.mark.parametrize(("draw", "node"), [(0.0, 1), (0.33, 1), (0.34, 2), (0.66, 2), (0.67, 3), (1 - 2**-53, 3)])
def test_the_draw_chooses_the_pod(draw, node):
    found = connect(draw=draw)
    assert (found.address, found.port, found.node, found.status) == (f"10.244.{node - 1}.2", 8080, f"node-{node}", 0)


def test_the_port_may_be_a_name_and_the_pods_port_is_the_target():
    assert connect("http") == connect(80)


def test_by_way_of_the_cluster_ip():
    found = connect(via="clusterIP")
    assert (found.address, found.port, found.node) == ("10.96.0.20", 80, "")
    headless = Service("web", "shop", ports=PORTS, cluster_ips=("None",))
    assert connect(service=headless, via="clusterIP") == connect(), "a headless Service has no address of its own"


def test_only_endpoints_that_take_connections():
    waiting = Endpoint(("10.244.9.9",), ready=False, serving=False)
    leaving = Endpoint(("10.244.8.8",), ready=False, terminating=True)
    assert connect(written=slices(waiting, PODS[1])).address == "10.244.1.2"
    assert connect(written=slices(waiting, leaving)).address == "10.244.8.8"
    assert connect(written=slices(waiting)).status == 503


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"written": []}, "no ready endpoints"),
        ({"written": slices(*PODS, service="db")}, "no ready endpoints"),
        ({"written": slices(*PODS, namespace="default")}, "no ready endpoints"),
        ({"service": Service("db", "shop")}, "there is no Service shop/web"),
        ({"port": 81}, "no TCP port 81"), ({"port": 53}, "no TCP port 53"), ({"port": "dns"}, "no TCP port dns"),
        ({"service": Service("web", "shop", "ExternalName", ports=PORTS, external_name="a.com")}, "a name for a.com"),
    ],
)
def test_503(fields, why):
    found = connect(**fields)
    assert (found.status, found.address) == (503, "")
    assert why in found.why
    assert str(found).startswith("answer 503")


@pytest.mark.parametrize("status", [404, 500, 0])
def test_what_the_controller_answers_itself(status):
    found = next_connection(Routing(HttpRequest("example.com"), None, status, "so it is"), {}, [])
    assert (found.status, found.address, found.why) == (status, "", "so it is")


def test_ipv6():
    six = Service("web", "shop", ports=PORTS, cluster_ips=("fd00:96::20",), ip_families=("IPv6",))
    written = [EndpointSlice("web-1", "shop", "web", "IPv6", (Endpoint(("fd00::2",)),), (EndpointPort(8080, name="http"),))]
    assert str(connect(service=six, written=written)) == "connect to [fd00::2]:8080"


@pytest.mark.parametrize("fields", [{"draw": 1}, {"draw": -1}, {"via": "dns"}])
def test_arguments_that_are_refused(fields):
    with pytest.raises(InvalidArgument):
        connect(**fields)
