"""HTTP requests: through an Ingress controller's pod, a Gateway's, sidecars, or straight to a pod (FACTS 10)."""

from __future__ import annotations

from collections import Counter

import pytest

from k8snet_course import Cluster
from k8snet_course.controllers import GATEWAY_ANNOTATION, INGRESS_ANNOTATION
from k8snet_course.errors import InvalidArgument, NotFound
from k8snet_course.linux.trace import Action
from k8snet_course.show.strip import trace_svg
from k8snet_course.show.widgets import PacketWalk

EDGE_IP = "192.168.1.240"
NAMES = {"shop.example.com": (EDGE_IP,), "blog.example.com": (EDGE_IP,), "bank.example.com": (EDGE_IP,)}

CONTROLLER = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: edge, namespace: ingress-nginx}
spec:
  selector: {matchLabels: {app: edge}}
  template:
    metadata: {labels: {app: edge}}
    spec:
      nodeName: node-1
      containers:
      - name: controller
        image: registry.k8s.io/ingress-nginx/controller:v1.15.1
        ports: [{name: http, containerPort: 80}, {name: https, containerPort: 443}, {name: metrics, containerPort: 10254}]
---
apiVersion: v1
kind: Service
metadata: {name: edge, namespace: ingress-nginx}
spec:
  type: LoadBalancer
  selector: {app: edge}
  ports: [{name: http, port: 80, nodePort: 30080}, {name: https, port: 443}]
---
apiVersion: networking.k8s.io/v1
kind: IngressClass
metadata: {name: nginx, annotations: {ingressclass.kubernetes.io/is-default-class: "true"}}
spec: {controller: k8s.io/ingress-nginx}
"""

SHOP = """
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: shop}
spec:
  tls: [{hosts: [shop.example.com], secretName: shop-tls}]
  rules:
  - host: shop.example.com
    http:
      paths:
      - {path: /, pathType: Prefix, backend: {service: {name: web, port: {number: 80}}}}
      - {path: /cart, pathType: Prefix, backend: {service: {name: cart, port: {name: http}}}}
      - {path: /empty, pathType: Prefix, backend: {service: {name: empty, port: {number: 80}}}}
      - {path: /nothing, pathType: Prefix, backend: {service: {name: nothing, port: {number: 80}}}}
      - {path: /deaf, pathType: Prefix, backend: {service: {name: deaf, port: {number: 80}}}}
"""


def service(name: str, target: int = 80, namespace: str = "default") -> str:
    return f"""
apiVersion: v1
kind: Service
metadata: {{name: {name}, namespace: {namespace}}}
spec: {{selector: {{app: {name}}}, ports: [{{name: http, port: 80, targetPort: {target}}}]}}
"""


def shop(cni: str = "flannel", proxy: str = "iptables") -> Cluster:
    """Two nodes; the controller on the first, the backends on the second, and a client on it too."""
    cluster = Cluster(nodes=2, cni=cni, proxy=proxy, load_balancer="192.168.1.240/28", outside_names=NAMES)
    backends = [service("web"), service("cart", 8080), service("empty"), service("deaf", 9)]
    cluster.apply("\n---\n".join([CONTROLLER, SHOP, *backends]))
    cluster.add_pod("web-1", node="node-2", labels={"app": "web"})
    cluster.add_pod("cart-1", node="node-2", labels={"app": "cart"}, listen=8080)
    cluster.add_pod("deaf-1", node="node-2", labels={"app": "deaf"})
    cluster.add_pod("client", node="node-2")
    return cluster


def controller_of(cluster: Cluster) -> str:
    return next(pod.label for pod in cluster.pods if pod.namespace == "ingress-nginx")


# -- straight to a program ---------------------------------------------------------------------------------------------


def test_a_request_to_a_pod_a_service_a_node_and_a_machine_outside() -> None:
    cluster = shop()
    for url, by in (("http://web-1/", "web-1"), ("http://web", "web-1"), ("http://cart:80/a?b=c", "cart-1"),
                    ("web.default.svc.cluster.local/x", "web-1"), ("http://internet/", "internet"),
                    (f"http://{cluster.pods[1].ip}/", "web-1")):
        answer = cluster.request("client", url)
        assert (answer.status, answer.served_by, answer.routing, len(answer.trace.connections)) == (200, by, None, 1), url
        assert answer.ok and str(answer.trace) == str(answer.trace.connections[0])


def test_without_a_connection_there_is_no_status() -> None:
    cluster = shop()
    refused, nobody, unknown = (cluster.request("client", url) for url in (
        "http://web-1:81/", "http://10.244.1.99/", "http://shop.example.org/"))
    assert [each.status for each in (refused, nobody, unknown)] == [0, 0, 0]
    assert [str(each.trace.verdict) for each in (refused, nobody, unknown)] == ["refused", "no_neighbour", "no_such_name"]
    assert "no answer" in str(refused) and "shop.example.org" in unknown.reason
    assert not refused.ok and refused.sender == ""


def test_the_answer_may_be_lost() -> None:
    cluster = Cluster(cni="bridge")
    cluster.add_pod("client")
    answer = cluster.request("client", "http://internet/")
    assert (answer.status, answer.trace.delivered, answer.trace.answered) == (0, True, False)
    assert answer.reason.startswith("the answer was lost: internet has no route")
    assert "answer lost, no_route" in str(answer)


# -- through an Ingress controller -------------------------------------------------------------------------------------


@pytest.mark.parametrize("cni", ["flannel", "calico"])
@pytest.mark.parametrize("proxy", ["iptables", "nftables", "ipvs"])
@pytest.mark.parametrize("source", ["client", "laptop", "internet", "node-2"])
def test_through_the_controller(cni: str, proxy: str, source: str) -> None:
    cluster = shop(cni, proxy)
    answer = cluster.request(source, "http://shop.example.com/cart/items")
    assert (answer.status, answer.served_by) == (200, "cart-1"), str(answer)
    first, second = answer.trace.connections
    controller = controller_of(cluster)
    assert (first.source, first.hops[-1].label) == (source, controller)
    assert (second.source, second.target, second.packet.dst_port) == (controller, "cart-1", 8080)
    assert second.answered and not second.nat, "a controller sends to the pod itself, past kube-proxy"
    assert answer.sender == cluster.pod(controller).ip, "the backend sees the controller"
    assert answer.forwarded_for == first.hops[-1].steps[-1].packet.src
    assert answer.routing is not None and answer.routing.rule is not None
    assert answer.routing.rule.rule == "shop.example.com Prefix /cart -> cart:http"


def test_the_decision_is_a_step_with_the_rules_that_lost() -> None:
    answer = shop().request("client", "http://shop.example.com/cart")
    step = answer.trace.hops[-1].steps[-1]
    assert step.action is Action.DELIVER and step.looked_up == "GET http://shop.example.com/cart"
    assert step.matched == "ingress shop: shop.example.com Prefix /cart -> cart:http"
    assert [(row.matched, row.won, row.why) for row in step.candidates[:3]] == [
        (True, False, "a rule with a longer path matches"), (True, True, "it matches"), (False, False, "the path differs")]
    assert str(step.changed[0]).startswith("header X-Forwarded-For: new ")


def test_the_connections_are_printed_one_after_the_other() -> None:
    answer = shop().request("client", "http://shop.example.com/")
    text = str(answer.trace)
    first, second = answer.trace.connections
    assert text.startswith("Connection 1 of 2\nclient -> shop.example.com: TCP SYN ")
    assert text.count("Connection 2 of 2\n") == 1 and text.endswith(str(second))
    assert first.then is second and second.then is None and first.answered
    assert "then=" not in repr(first)
    assert str(answer).splitlines()[:2] == [
        "GET http://shop.example.com/ from client", "200: nginx in web-1 listens on TCP port 80 and takes the packet"]


def test_the_client_s_address_is_lost_on_the_way_unless_the_policy_is_local() -> None:
    seen = shop().request("laptop", "http://shop.example.com/").forwarded_for
    assert seen != "192.168.1.10", "kube-proxy put the node's address there"
    cluster = shop()
    cluster.apply(CONTROLLER.replace("type: LoadBalancer", "type: LoadBalancer\n  externalTrafficPolicy: Local"))
    assert cluster.request("laptop", "http://shop.example.com/").forwarded_for == "192.168.1.10"


def test_a_header_that_the_client_invents_is_not_believed() -> None:
    cluster = shop()
    answer = cluster.request("client", "http://shop.example.com/", headers={"X-Forwarded-For": "1.2.3.4"})
    assert answer.forwarded_for not in ("", "1.2.3.4")
    assert cluster.request("client", "http://web/", headers={"X-Forwarded-For": "1.2.3.4"}).forwarded_for == "1.2.3.4"


def test_by_way_of_the_cluster_ip() -> None:
    cluster = shop()
    second = cluster.request("client", "http://shop.example.com/", via="clusterIP").trace.connections[1]
    assert second.target == "web" and second.answered
    assert [change.field for change in second.nat] == ["destination"], "kube-proxy chooses the pod"


@pytest.mark.parametrize(("url", "status", "connections", "why"), [
    ("http://shop.example.com/empty", 503, 1, "has no ready endpoints"),
    ("http://shop.example.com/nothing", 503, 1, "there is no Service default/nothing"),
    ("http://shop.example.com/deaf", 502, 2, "no program there listens on TCP port 9"),
    ("http://blog.example.com/", 404, 1, "no rule matches"),
    ("http://shop.example.com:443/", 400, 1, "speaks https on port 443, not http"),
    ("https://shop.example.com:80/", 0, 1, "speaks http on port 80, not https"),
    ("https://blog.example.com/", 0, 1, "no certificate for blog.example.com"),
])
def test_what_the_controller_answers_itself(url: str, status: int, connections: int, why: str) -> None:
    answer = shop().request("client", url)
    assert (answer.status, len(answer.trace.connections), answer.served_by) == (status, connections, ""), str(answer)
    assert why in answer.reason and (not status or f"answers {status}" in answer.reason)


def test_https() -> None:
    cluster = shop()
    answer = cluster.request("client", "https://shop.example.com/")
    assert (answer.status, answer.certificate, answer.trace.packet.dst_port) == (200, "default/shop-tls", 443)
    assert answer.trace.connections[1].packet.dst_port == 80, "TLS ends at the controller"
    assert cluster.request("client", "https://blog.example.com/", insecure=True).status == 404


def test_a_default_backend_takes_what_no_rule_matches() -> None:
    cluster = shop()
    cluster.apply(SHOP.replace("spec:\n", "spec:\n  defaultBackend: {service: {name: web, port: {number: 80}}}\n", 1))
    answer = cluster.request("client", "http://blog.example.com/")
    assert (answer.status, answer.served_by) == (200, "web-1") and answer.routing is not None and answer.routing.default


def test_another_class_is_not_served() -> None:
    cluster = shop()
    cluster.apply(SHOP.replace("spec:\n", "spec:\n  ingressClassName: traefik\n", 1))
    answer = cluster.request("client", "http://shop.example.com/")
    assert answer.status == 404 and "there is no IngressClass traefik" in str(answer)


def test_the_default_class_is_given_when_an_ingress_is_made_and_stays() -> None:
    cluster = shop()
    assert cluster.objects("ingress")[0].ingress_class_name == "nginx"
    cluster.apply(SHOP)
    assert cluster.objects("ingress")[0].ingress_class_name == "nginx"
    cluster.apply(CONTROLLER.rpartition("---")[2].replace("name: nginx", "name: second"))
    cluster.apply(CONTROLLER.rpartition("---")[2])  # that changes nothing, so nginx is no newer than before
    cluster.apply(SHOP.replace("name: shop}", "name: other}"))
    assert [one.ingress_class_name for one in cluster.objects("ingress")] == ["nginx", "second"], "of two defaults, the newest"


@pytest.mark.parametrize(("cni", "status"), [("calico", 504), ("flannel", 200)])
def test_a_policy_against_the_controller(cni: str, status: int) -> None:
    cluster = shop(cni)
    cluster.apply("""
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: from-pods-here}
spec: {podSelector: {matchLabels: {app: web}}, ingress: [{from: [{podSelector: {}}]}]}
""")
    answer = cluster.request("laptop", "http://shop.example.com/")
    assert answer.status == status and cluster.request("client", "http://web/").status == 200
    if status == 504:
        assert str(answer.trace.connections[1].verdict) == "denied_ingress"
        assert "from-pods-here" in answer.reason and "answers 504" in answer.reason


def test_connect_to_and_host() -> None:
    cluster = shop()
    places = ("node-1:30080", "node-2:30080", EDGE_IP, "svc/ingress-nginx/edge", "ingress-nginx/edge", controller_of(cluster))
    for where in places:
        answer = cluster.request("laptop" if ":" in where else "client", "http://shop.example.com/cart", connect_to=where)
        assert answer.served_by == "cart-1", where
    answer = cluster.request("client", f"http://{EDGE_IP}/cart", headers={"host": "shop.example.com"})
    assert answer.served_by == "cart-1" and str(answer.request) == "GET http://shop.example.com/cart"


def test_a_port_of_the_controller_s_that_is_not_for_requests() -> None:
    cluster = shop()
    controller = controller_of(cluster)
    cluster.apply(CONTROLLER.replace("name: edge, namespace", "name: more, namespace").replace(
        "labels: {app: edge}}", "labels: {app: edge}, annotations: {k8snet-course/listen: '80,10254'}}").split("---")[0])
    more = next(pod.label for pod in cluster.pods if pod.namespace == "ingress-nginx" and pod.label != controller)
    answer = cluster.request("client", "http://shop.example.com:10254/cart", connect_to=f"{more}:10254")
    assert (answer.status, answer.served_by, answer.routing) == (200, more, None)
    assert cluster.request("client", "http://shop.example.com/cart", connect_to=more).served_by == "cart-1"


def test_a_controller_on_its_node_s_network() -> None:
    cluster = shop()
    cluster.apply(f"""
apiVersion: v1
kind: Pod
metadata: {{name: on-the-node, annotations: {{{INGRESS_ANNOTATION}: k8s.io/ingress-nginx}}}}
spec:
  nodeName: node-2
  hostNetwork: true
  containers: [{{name: proxy, image: proxy, ports: [{{containerPort: 80}}]}}]
""")
    answer = cluster.request("laptop", "http://shop.example.com/cart", connect_to="node-2")
    assert (answer.served_by, answer.trace.connections[1].source) == ("cart-1", "on-the-node")
    assert answer.forwarded_for == "192.168.1.10", "nobody has rewritten the client's address"


def test_a_request_that_goes_round_in_circles_ends() -> None:
    cluster = shop()
    cluster.apply(SHOP.replace("name: web,", "name: edge,").replace("name: shop}", "name: shop, namespace: ingress-nginx}"))
    cluster.delete("ingress", "shop")
    answer = cluster.request("client", "http://shop.example.com/")
    assert answer.status == 504 and "round in circles" in answer.reason and len(answer.trace.connections) == 10


# -- through a Gateway -------------------------------------------------------------------------------------------------

GATEWAY = f"""
apiVersion: v1
kind: Namespace
metadata: {{name: infra}}
---
apiVersion: v1
kind: Namespace
metadata: {{name: team-a, labels: {{edge: open}}}}
---
apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: {{name: envoy}}
spec: {{controllerName: example.com/envoy}}
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {{name: edge, namespace: infra}}
spec:
  gatewayClassName: envoy
  listeners:
  - name: web
    port: 80
    protocol: HTTP
    hostname: "*.example.com"
    allowedRoutes: {{namespaces: {{from: Selector, selector: {{matchLabels: {{edge: open}}}}}}}}
  - name: tls
    port: 443
    protocol: HTTPS
    tls: {{certificateRefs: [{{name: cert}}]}}
    allowedRoutes: {{namespaces: {{from: All}}}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {{name: edge, namespace: infra}}
spec:
  selector: {{matchLabels: {{app: edge}}}}
  template:
    metadata: {{labels: {{app: edge}}, annotations: {{{GATEWAY_ANNOTATION}: example.com/envoy}}}}
    spec:
      nodeName: node-1
      containers:
      - {{name: envoy, image: "envoyproxy/envoy:v1.35", ports: [{{containerPort: 10080}}, {{containerPort: 10443}}]}}
---
apiVersion: v1
kind: Service
metadata: {{name: edge, namespace: infra}}
spec:
  type: LoadBalancer
  selector: {{app: edge}}
  ports: [{{name: http, port: 80, targetPort: 10080, nodePort: 30080}}, {{name: https, port: 443, targetPort: 10443}}]
"""


def route(name: str, namespace: str, *backends: tuple[str, int], host: str = "shop.example.com", more: str = "") -> str:
    refs = ", ".join(f"{{name: {backend}, port: 80, weight: {weight}}}" for backend, weight in backends)
    return f"""
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {{name: {name}, namespace: {namespace}}}
spec:
  parentRefs: [{{name: edge, namespace: infra}}]
  hostnames: [{host}]
  rules:
  - {more}backendRefs: [{refs}]
"""


def gateway(cni: str = "flannel", proxy: str = "iptables") -> Cluster:
    cluster = Cluster(nodes=2, cni=cni, proxy=proxy, load_balancer="192.168.1.240/28", outside_names=NAMES)
    backends = [service(name, 80, "team-a") for name in ("stable", "canary")]
    cluster.apply("\n---\n".join([GATEWAY, *backends, route("shop", "team-a", ("stable", 3), ("canary", 1))]))
    for name in ("stable", "canary"):
        cluster.add_pod(name, node="node-2", namespace="team-a", labels={"app": name})
    cluster.add_pod("client", node="node-2")
    return cluster


@pytest.mark.parametrize("cni", ["flannel", "calico"])
@pytest.mark.parametrize("proxy", ["iptables", "nftables"])
@pytest.mark.parametrize("source", ["client", "laptop", "internet"])
def test_a_gateway_shares_by_weight(cni: str, proxy: str, source: str) -> None:
    cluster = gateway(cni, proxy)
    answers = [cluster.request(source, "http://shop.example.com/") for _ in range(80)]
    assert all(answer.ok and len(answer.trace.connections) == 2 for answer in answers)
    counts = Counter(answer.served_by for answer in answers)
    assert set(counts) == {"team-a/stable", "team-a/canary"} and 8 <= counts["team-a/canary"] <= 34, counts
    assert answers[0].routing is not None and answers[0].routing.listener == "web"


def test_the_same_requests_have_the_same_answers_in_every_run() -> None:
    runs = [[gateway_.request("client", "http://shop.example.com/").served_by for _ in range(12)]
            for gateway_ in (gateway(), gateway())]
    assert runs[0] == runs[1] and len(set(runs[0])) == 2


def test_the_listener_is_that_of_the_port_before_the_service() -> None:
    cluster = gateway()
    assert cluster.request("laptop", "http://shop.example.com/", connect_to="node-2:30080").ok, "a node port"
    pod = next(pod for pod in cluster.pods if pod.namespace == "infra")
    assert cluster.request("client", "http://shop.example.com/", connect_to=f"{pod.ip}:10080").ok, "the pod itself"
    secure = cluster.request("client", "https://shop.example.com/")
    assert secure.ok and secure.certificate == "infra/cert"
    assert cluster.request("client", "https://shop.example.com/", connect_to=f"{EDGE_IP}:80").status == 0


def test_routes_attach_from_the_namespaces_that_the_listener_takes() -> None:
    cluster = gateway()
    cluster.apply(route("stranger", "default", ("web", 1), host="blog.example.com") + "\n---\n" + service("web"))
    cluster.add_pod("web", labels={"app": "web"})
    answer = cluster.request("client", "http://blog.example.com/")
    assert answer.status == 404 and "not attached: it takes routes of namespaces with edge=open only" in str(answer)
    assert cluster.request("client", "https://blog.example.com/").served_by == "web", "the other listener takes all"


def test_a_backend_in_another_namespace_needs_a_grant() -> None:
    cluster = gateway()
    text = route("bank", "team-a", ("web", 1), host="bank.example.com").replace("{name: web,", "{name: web, namespace: bank,")
    cluster.apply(service("web", 80, "bank") + "---" + text)
    cluster.add_pod("web", namespace="bank", labels={"app": "web"})
    assert cluster.request("client", "http://bank.example.com/").status == 500
    cluster.apply("""
apiVersion: gateway.networking.k8s.io/v1
kind: ReferenceGrant
metadata: {name: from-a, namespace: bank}
spec:
  from: [{group: gateway.networking.k8s.io, kind: HTTPRoute, namespace: team-a}]
  to: [{group: "", kind: Service}]
""")
    assert cluster.request("client", "http://bank.example.com/").served_by == "bank/web"


def test_of_two_equal_routes_the_older_wins() -> None:
    cluster = gateway()
    cluster.apply(route("a-new-one", "team-a", ("canary", 1)))
    ages = {each.name: each.created for each in cluster.objects("httproute")}
    assert ages == {"shop": 1, "a-new-one": 2}
    cluster.apply(route("shop", "team-a", ("stable", 1)))
    assert {each.name: each.created for each in cluster.objects("httproute")} == ages, "a change does not make it younger"
    assert cluster.request("client", "http://shop.example.com/").served_by == "team-a/stable"
    cluster.delete("httproute", "shop", "team-a")
    assert cluster.request("client", "http://shop.example.com/").served_by == "team-a/canary"
    cluster.apply(route("shop", "team-a", ("stable", 1)))
    assert cluster.request("client", "http://shop.example.com/").served_by == "team-a/canary", "made again, it is the younger"
    twice = "---".join(route("twice", "team-a", (name, 1), host="bank.example.com") for name in ("stable", "canary"))
    cluster.apply(twice)
    assert next(each.created for each in cluster.objects("httproute") if each.name == "twice") == 4


def test_a_pod_of_one_gateway_serves_that_one() -> None:
    cluster = gateway()
    other = GATEWAY.split("---")[3].replace("name: edge", "name: other").replace("*.example.com", "shop.example.com")
    cluster.apply(other)
    answer = cluster.request("client", "http://shop.example.com/")
    assert answer.status == 404, "the other Gateway's listener is for this very host, and has no route"
    labelled = GATEWAY.split("---")[4].replace(f"annotations: {{{GATEWAY_ANNOTATION}: example.com/envoy}}", "").replace(
        "labels: {app: edge}, }", "labels: {app: edge, gateway.networking.k8s.io/gateway-name: edge}}")
    assert "gateway-name" in labelled
    cluster.apply(labelled)
    assert cluster.request("client", "http://shop.example.com/").ok


# -- sidecars ----------------------------------------------------------------------------------------------------------

INJECTED = {"sidecar.istio.io/inject": "true"}


def mesh(cni: str = "flannel", proxy: str = "iptables", client: bool = True, server: bool = True) -> Cluster:
    cluster = Cluster(nodes=2, cni=cni, proxy=proxy)
    cluster.apply(service("web", 8080) + "---" + service("next", 8080))
    cluster.add_pod("client", node="node-1", labels=INJECTED if client else {})
    cluster.add_pod("web-1", node="node-2", labels={"app": "web"} | (INJECTED if server else {}), listen=8080)
    cluster.add_pod("next-1", node="node-2", labels={"app": "next"}, listen=8080)
    return cluster


@pytest.mark.parametrize("cni", ["flannel", "calico"])
@pytest.mark.parametrize("proxy", ["iptables", "nftables"])
@pytest.mark.parametrize(("client", "server", "connections"), [(True, True, 3), (True, False, 2), (False, True, 2)])
def test_a_pair_of_sidecars(cni: str, proxy: str, client: bool, server: bool, connections: int) -> None:
    cluster = mesh(cni, proxy, client, server)
    answer = cluster.request("client", "http://web/")
    several = answer.trace.connections
    assert (answer.status, answer.served_by, len(several)) == (200, "web-1", connections), str(answer)
    assert answer.sender == ("127.0.0.6" if server else cluster.pod("client").ip)
    if client:
        assert [hop.label for hop in several[0].hops] == ["client"] and "--to-ports 15001" in str(several[0])
        assert several[1].packet.dst == cluster.pod("web-1").ip and not any(
            step.action is Action.TRANSLATE for hop in several[1].hops[:-1] for step in hop.steps), "past kube-proxy"
        assert ("by mutual TLS" in several[0].hops[-1].steps[-1].why) == server
    if server:
        assert [hop.label for hop in several[-1].hops] == ["web-1"] and "--to-ports 15006" in str(several[-2])
    sent = cluster.send("client", "web")
    assert len(sent.connections) == connections and sent.answered, "any TCP connection takes this way"


def test_a_sidecar_leaves_other_traffic_alone() -> None:
    cluster = mesh()
    assert len(cluster.send("client", "web-1", port=None).connections) == 1, "a ping is no TCP"
    assert len(cluster.send("client", "client").connections) == 1, "to itself"
    outside = cluster.request("client", "http://internet/")
    assert outside.ok and len(outside.trace.connections) == 2 and outside.served_by == "internet"


def test_what_fails_behind_a_sidecar() -> None:
    cluster = mesh()
    cluster.apply(service("empty"))
    answer = cluster.request("client", "http://empty/")
    assert (answer.status, len(answer.trace.connections)) == (503, 1) and "client's sidecar answers 503" in answer.reason
    sent = cluster.send("client", "empty")
    assert str(sent.verdict) == "no_endpoints" and not sent.answered
    closed = cluster.request("client", "http://web-1:81/")
    assert closed.status == 503 and "web-1's sidecar answers 503" in closed.reason
    broken = cluster.send("client", "web-1", port=81)
    assert broken.delivered and not broken.answered and broken.broken is broken.connections[2]
    assert cluster.reachability(port=81).between("client", "web-1").result == "refused"
    assert cluster.reachability(port=8080).between("client", "web-1").result == "ok"


def test_a_route_of_the_mesh() -> None:
    cluster = mesh()
    cluster.apply("""
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: try-next}
spec:
  parentRefs: [{kind: Service, group: "", name: web}]
  rules:
  - matches: [{headers: [{name: version, value: v2}]}]
    backendRefs: [{name: next, port: 80}]
  - backendRefs: [{name: web, port: 80}]
""")
    assert cluster.request("client", "http://web/").served_by == "web-1"
    answer = cluster.request("client", "http://web/", headers={"version": "v2"})
    assert answer.served_by == "next-1" and answer.routing is not None and answer.routing.rule is not None
    assert cluster.request("next-1", "http://web/", headers={"version": "v2"}).served_by == "web-1", "no sidecar, no routes"
    assert cluster.request("client", "http://any.name/", headers={"version": "v2"}, connect_to="web").served_by == "next-1"


def test_requests_and_connections_of_a_sidecar_use_all_pods() -> None:
    cluster = mesh()
    cluster.add_pod("web-2", node="node-1", labels={"app": "web"}, listen=8080)
    assert {cluster.request("client", "http://web/").served_by for _ in range(20)} == {"web-1", "web-2"}
    assert {cluster.send("client", "web").connections[1].target for _ in range(20)} == {"web-1", "web-2"}


def test_a_policy_sees_the_sidecar_s_connection() -> None:
    cluster = mesh("calico")
    cluster.apply("""
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: nobody}
spec: {podSelector: {matchLabels: {app: web}}, policyTypes: [Ingress]}
""")
    answer = cluster.request("client", "http://web/")
    assert answer.status == 503 and str(answer.trace.connections[1].verdict) == "denied_ingress"


def test_sidecars_and_a_controller() -> None:
    cluster = shop("calico")
    cluster.add_pod("meshed", node="node-1", labels=INJECTED)
    answer = cluster.request("meshed", "http://edge.ingress-nginx/cart", headers={"Host": "shop.example.com"})
    assert (answer.served_by, len(answer.trace.connections), len(answer.routings)) == ("cart-1", 3, 1)
    assert answer.forwarded_for == cluster.pod("meshed").ip
    assert cluster.reachability().between("meshed", "web-1").reason.startswith("nginx in web-1 listens")
    cluster.apply(CONTROLLER.replace("labels: {app: edge}}", "labels: {app: edge, sidecar.istio.io/inject: 'true'}}"))
    for via, last in (("endpoints", cluster.pod("cart-1").ip), ("clusterIP", "cart-1")):
        answer = cluster.request("laptop", "http://shop.example.com/cart", via=via)
        assert (answer.served_by, len(answer.trace.connections)) == ("cart-1", 4), str(answer)
        assert answer.trace.connections[-1].target == last
        assert answer.forwarded_for == "127.0.0.6", "the controller sees its own sidecar"


def test_sidecars_in_ipv6() -> None:
    cluster = Cluster(nodes=2, cni="calico", pod_cidr="fd00:10:244::/56", node_network="fd00:192:168:1::/64")
    cluster.apply(service("web", 8080))
    cluster.add_pod("client", labels=INJECTED)
    cluster.add_pod("web-1", labels=INJECTED | {"app": "web"}, listen=8080)
    answer = cluster.request("client", "http://web/")
    assert (answer.served_by, len(answer.trace.connections)) == ("web-1", 3), str(answer)
    assert "[::1]:15001" in str(answer.trace)


# -- what is shown, and what is refused --------------------------------------------------------------------------------


def test_pictures_show_every_connection() -> None:
    cluster = shop()
    answer = cluster.request("laptop", "http://shop.example.com/cart")
    walk = PacketWalk(cluster, answer.trace, challenge=True)
    assert repr(walk) == str(answer.trace)
    assert "Connection 2 of 2" in str(walk.state) and "cart-1" in trace_svg(answer.trace)
    pair = mesh()
    sent = pair.send("client", "web")
    assert repr(PacketWalk(pair, sent)) == str(sent)


@pytest.mark.parametrize("given", [
    {"url": 80}, {"url": "ftp://web/"}, {"url": "http://"}, {"method": "get"}, {"method": None}, {"headers": {"a": 1}},
    {"headers": ["a"]}, {"via": "nodePort"}, {"connect_to": None}, {"connect_to": "web:0"}, {"connect_to": "web:port"},
    {"url": "https://web/", "headers": {"Host": "a.example.com"}}, {"headers": {"Host": "a b"}},
])
def test_what_is_no_request(given: dict[str, object]) -> None:
    cluster = mesh()
    arguments = {"url": "http://web/"} | given
    with pytest.raises(InvalidArgument):
        cluster.request("client", **arguments)  # type: ignore[arg-type]


def test_unknown_places_are_named() -> None:
    with pytest.raises(NotFound, match="write 'client'"):
        mesh().request("cliant", "http://web/")
    with pytest.raises(NotFound, match="wep"):
        mesh().request("client", "http://wep/")


def test_the_health_check_node_port_tells_a_load_balancer_where_endpoints_are() -> None:
    """FACTS 6.4: 200 with local endpoints, 503 without; kube-proxy answers, whatever the path."""
    cluster = Cluster(nodes=2, cni="flannel", load_balancer="192.168.1.240/28")
    cluster.add_pod("web", node="node-1", labels={"app": "web"})
    (service,) = cluster.apply({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"}, "spec": {
        "type": "LoadBalancer", "externalTrafficPolicy": "Local", "selector": {"app": "web"}, "ports": [{"port": 80}]}})
    port = service.health_check_node_port
    here, there = (cluster.request("laptop", f"http://{node}:{port}/healthz") for node in ("node-1", "node-2"))
    assert (here.status, there.status) == (200, 503)
    assert here.reason == ("kube-proxy on node-1 counts 1 endpoint of default/web on its node, "
                           "so a load balancer may send connections here")
    assert "counts 0 endpoints" in there.reason and there.served_by == "kube-proxy on node-2"
    cluster.set_state("web", ready=False)
    assert cluster.request("laptop", f"http://node-1:{port}/").status == 503
    assert cluster.request("laptop", f"http://node-1:{port + 1}/").status == 0, "nobody listens there"
