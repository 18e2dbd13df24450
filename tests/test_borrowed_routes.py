"""A route to a borrowed address is on every other node as long as the address is borrowed, and no longer."""

from __future__ import annotations

from k8snet_course import Cluster


def test_the_route_to_a_borrowed_address_goes_with_it() -> None:
    cluster = Cluster(nodes=2, cni="calico-bgp", pod_cidr="10.244.0.0/28", node_mask_size=29, block_size=29)
    cluster.add_pods(8, node="node-1")
    cluster.add_pod("neighbour", node="node-2")
    assert cluster.send("pod-1", "neighbour").answered
    for _ in range(3):
        ip = cluster.add_pod("borrower", node="node-1").ip
        routes = [row.dst for row in cluster.node("node-2").routes]
        assert ip in routes and cluster.send("neighbour", "borrower").answered
        cluster.delete("pod", "borrower")
        assert ip not in [row.dst for row in cluster.node("node-2").routes]
