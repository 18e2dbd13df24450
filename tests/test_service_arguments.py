"""What a cluster refuses about Services' addresses instead of doing something else."""

from __future__ import annotations

import pytest

from k8snet_course import Cluster
from k8snet_course.errors import AddressUnavailable, CourseError, InvalidArgument, InvalidCidr

SERVICE = "{apiVersion: v1, kind: Service, metadata: {name: %s, namespace: %s}, spec: %s}"


def put(cluster: Cluster, spec: str, name: str = "a", namespace: str = "default") -> tuple[str, ...]:
    (service,) = cluster.apply(SERVICE % (name, namespace, spec))
    ips: tuple[str, ...] = service.cluster_ips
    return ips


@pytest.mark.parametrize("spec", ['{clusterIP: "fd00::1", ports: [{port: 80}]}', "{ipFamilies: [IPv6], ports: [{port: 80}]}"])
def test_a_family_that_the_cluster_does_not_have(spec: str) -> None:
    cluster = Cluster()
    with pytest.raises(InvalidArgument, match="IPv6"):
        put(cluster, spec)
    assert cluster.services == ()


@pytest.mark.parametrize("cidr", ["fd00::/108", "10.96.0.0/12,fd00:96::/108"])
def test_a_service_cidr_of_a_version_that_pods_do_not_have(cidr: str) -> None:
    with pytest.raises(InvalidCidr, match="IP versions that pods have"):
        Cluster(service_cidr=cidr)


def test_a_pool_of_load_balancers_of_a_version_that_services_do_not_have() -> None:
    with pytest.raises(InvalidCidr):
        Cluster(load_balancer="fd00::/64")


def test_a_large_pool_is_not_written_out() -> None:
    cluster = Cluster(pod_cidr="fd00:10:244::/56", node_network="fd00:192:168:1::/64", load_balancer="fd00:bb::/64")
    cluster.apply(SERVICE % ("a", "default", "{type: LoadBalancer, ports: [{port: 80}]}"))
    assert cluster.services[0].load_balancer_ips


def test_the_address_of_the_dns_server_is_kept_for_it() -> None:
    cluster = Cluster(service_cidr="10.96.0.0/28")
    with pytest.raises(AddressUnavailable):
        put(cluster, "{clusterIP: 10.96.0.10, ports: [{port: 53}]}")
    for number in range(13):
        assert put(cluster, "{ports: [{port: 80}]}", f"s{number}") != ("10.96.0.10",)
    for _ in range(2):
        assert put(cluster, "{clusterIP: 10.96.0.10, ports: [{port: 53}]}", "kube-dns", "kube-system") == ("10.96.0.10",)
        cluster.delete("svc", "kube-dns", "kube-system")


@pytest.mark.parametrize("call", [
    lambda c: c.delete(None, "x"), lambda c: c.lookup("laptop", "w", []), lambda c: c.reachability(family=[]),
    lambda c: Cluster(proxy=[]), lambda c: Cluster(outside_names=5), lambda c: Cluster(outside_names={"a.b": 5}),
    lambda c: c.request("a", "http://b/", headers={"x": "1\n"}), lambda c: c.send("a", "x" * 1000),
])
def test_odd_arguments_end_in_one_sentence(call: object) -> None:
    cluster = Cluster()
    cluster.add_pods(["a", "b"])
    with pytest.raises(CourseError) as caught:
        call(cluster)  # type: ignore[operator]
    assert len(str(caught.value)) < 500 and "\n" not in str(caught.value)
