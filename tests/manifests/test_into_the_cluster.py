"""Ingresses and the Gateway API in manifests: real ones are taken, and each mistake is named where it stands."""

from __future__ import annotations

import pytest

from k8snet_course import manifests
from k8snet_course.errors import InvalidManifest
from k8snet_course.objects.gateway import Gateway, ReferenceGrant
from k8snet_course.objects.http_route import HTTPRoute, HTTPRouteMatch
from k8snet_course.objects.ingress import Ingress, IngressBackend, IngressClass

INGRESS = """\
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  name: shop
spec:
  ingressClassName: traefik
  defaultBackend:
    service: {name: web, port: {name: http}}
  tls:
  - hosts: [shop.example.com]
    secretName: shop-tls
  rules:
  - host: shop.example.com
    http:
      paths:
      - path: /cart
        pathType: Prefix
        backend:
          service:
            name: cart
            port:
              number: 80
status:
  loadBalancer: {ingress: [{ip: 198.51.100.7}]}
"""

CLASS = """\
apiVersion: networking.k8s.io/v1
kind: IngressClass
metadata:
  name: traefik
  annotations:
    ingressclass.kubernetes.io/is-default-class: "true"
spec:
  controller: traefik.io/ingress-controller
"""

GATEWAY = """\
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: edge, namespace: infra}
spec:
  gatewayClassName: envoy
  listeners:
  - name: web
    port: 80
    protocol: HTTP
    hostname: "*.example.com"
    allowedRoutes:
      kinds: [{kind: HTTPRoute}]
      namespaces:
        from: Selector
        selector: {matchLabels: {team: a}}
  - name: tls
    port: 443
    protocol: HTTPS
    tls:
      mode: Terminate
      certificateRefs: [{kind: Secret, name: cert}]
"""

ROUTE = """\
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: shop, creationTimestamp: 2026-01-01T00:00:00Z}
spec:
  parentRefs:
  - name: edge
    namespace: infra
    sectionName: web
  hostnames: [shop.example.com]
  rules:
  - matches:
    - path: {type: PathPrefix, value: /cart}
      method: GET
      headers:
      - {name: version, value: v2}
    backendRefs:
    - {name: cart, port: 80, weight: 9}
    - {name: cart-v2, namespace: next, port: 80}
"""

GRANT = """\
apiVersion: gateway.networking.k8s.io/v1
kind: ReferenceGrant
metadata: {name: from-shop, namespace: next}
spec:
  from:
  - {group: gateway.networking.k8s.io, kind: HTTPRoute, namespace: default}
  to:
  - {group: "", kind: Service}
"""


def test_an_ingress() -> None:
    ingress, cls = manifests.load(f"{INGRESS}---\n{CLASS}")
    assert isinstance(ingress, Ingress) and isinstance(cls, IngressClass)
    assert str(ingress) == "ingress shop class traefik; shop.example.com: Prefix /cart -> cart:80, else web:http"
    assert (ingress.tls[0].hosts, ingress.tls[0].secret_name, ingress.load_balancer_ips) == (("shop.example.com",), "shop-tls",
                                                                                             ())
    assert cls.default


def test_a_gateway_its_route_and_a_grant() -> None:
    gateway, route, grant = manifests.load(f"{GATEWAY}---\n{ROUTE}---\n{GRANT}")
    assert isinstance(gateway, Gateway) and isinstance(route, HTTPRoute) and isinstance(grant, ReferenceGrant)
    assert [str(one) for one in gateway.listeners] == [
        "listener web HTTP 80 *.example.com from Selector team=a", "listener tls HTTPS 443 from Same"]
    assert gateway.listeners[1].certificate_refs == ("cert",)
    assert str(route) == ("httproute shop to Gateway infra/edge listener web for shop.example.com: "
                          "PathPrefix /cart and GET and header version: v2 -> cart:80 weight 9, next/cart-v2:80")
    assert grant.permits("HTTPRoute", "default", "Service", "next", "cart-v2")


def test_the_older_version_of_the_gateway_api_is_read_and_not_written() -> None:
    route, = manifests.load(ROUTE.replace("k8s.io/v1", "k8s.io/v1beta1"))
    assert manifests.as_dict(route)["apiVersion"] == "gateway.networking.k8s.io/v1"


def test_a_rule_without_matches_takes_every_path() -> None:
    route, = manifests.load({"apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute", "metadata": {"name": "all"},
                             "spec": {"rules": [{"backendRefs": [{"name": "web", "port": 80}]}]}})
    assert route.rules[0].matches == (HTTPRouteMatch(),)
    assert manifests.as_dict(route)["spec"]["rules"][0]["matches"] == [{"path": {"type": "PathPrefix", "value": "/"}}]


def test_what_a_controller_reports_stays_when_the_manifest_is_applied_again() -> None:
    held, = manifests.load(INGRESS)
    shown = Ingress("shop", default_backend=IngressBackend("web", 80), load_balancer_ips=("198.51.100.7",))
    assert manifests.as_dict(shown)["status"] == {"loadBalancer": {"ingress": [{"ip": "198.51.100.7"}]}}
    assert manifests.updated(shown, held).load_balancer_ips == ("198.51.100.7",)


@pytest.mark.parametrize(("text", "old", "new"), [
    (CLASS, "traefik.io/", "other.io/"),
    ("apiVersion: gateway.networking.k8s.io/v1\nkind: GatewayClass\nmetadata: {name: a}\nspec: {controllerName: a.io/x}\n",
     "a.io", "b.io")])
def test_the_controller_of_a_class_is_for_ever(text: str, old: str, new: str) -> None:
    present, wanted = (manifests.load(one)[0] for one in (text, text.replace(old, new)))
    manifests.check_update(present, present)
    with pytest.raises(InvalidManifest, match="to keep its controller"):
        manifests.check_update(present, wanted)


MISTAKES = {
    # what is wrong: (manifest, text replaced, by what, the line, words of the message)
    "no pathType": (INGRESS, "        pathType: Prefix\n", "", 16, "the field pathType of spec.rules[0].http.paths[0]"),
    "a pathType of the Gateway API": (INGRESS, "pathType: Prefix", "pathType: PathPrefix", 17, "write Prefix"),
    "a path that is not absolute": (INGRESS, "path: /cart", "path: cart", 16, "in spec.rules[0].http.paths[0].path", "'/cart'"),
    "the backend of v1beta1": (INGRESS,
                               "          service:\n            name: cart\n            port:\n              number: 80",
                               "          serviceName: cart\n          servicePort: 80", 19, "did you mean 'service'"),
    "a port that is no map": (INGRESS, "port:\n              number: 80", "port: 80", 21, "port to be a map of fields"),
    "a port with name and number": (INGRESS, "              number: 80", "              number: 80\n              name: http",
                                    23,
                                    "either a number or a name"),
    "a backend without a port": (INGRESS, "            port:\n              number: 80\n", "", 20, "write port: {number: 80}"),
    "a backend of nothing": (INGRESS, "    service: {name: web, port: {name: http}}", "    {}", 8, "a service or a resource"),
    "an address as host": (INGRESS, "- host: shop.example.com", "- host: 10.0.0.1", 13, "not an IP address"),
    "a star in the middle": (INGRESS, "- host: shop.example.com", '- host: "a.*.com"', 13, "write '*.example.com'"),
    "neither rules nor backend": (INGRESS, INGRESS[INGRESS.index("  defaultBackend"):INGRESS.index("status")], "", 4,
                                  "an Ingress with rules or a defaultBackend"),
    "paths without http": (INGRESS, "    http:\n      paths:", "    paths:", 14, "paths belongs at spec.rules[].http.paths"),
    "a controller without a path": (CLASS, "traefik.io/ingress-controller", "traefik", 8, "in spec.controller"),
    "a namespace on a class": (CLASS, "  name: traefik", "  name: traefik\n  namespace: infra", 5, "cluster-wide"),
    "a Gateway without listeners": (GATEWAY, GATEWAY[GATEWAY.index("  listeners"):], "", 5, "the field listeners of spec"),
    "a protocol that is none": (GATEWAY, "protocol: HTTP\n", "protocol: HTP\n", 9, "write HTTP"),
    "two listeners of one name": (GATEWAY, "- name: tls", "- name: web", 16, "listeners of different names"),
    "a kind of route that is not here": (GATEWAY, "kind: HTTPRoute", "kind: GRPCRoute", 12, "kinds[0].kind to be HTTPRoute"),
    "a Selector without one": (GATEWAY, "        selector: {matchLabels: {team: a}}\n", "", 14, "a selector beside"),
    "TLS that is passed through": (GATEWAY, "mode: Terminate", "mode: Passthrough", 20, "to be Terminate"),
    "addresses that are asked for": (GATEWAY, "  listeners:", "  addresses: [{value: 198.51.100.7}]\n  listeners:", 6,
                                     "the controller chooses the addresses"),
    "a filter": (ROUTE, "    backendRefs:", "    filters: [{type: RequestRedirect}]\n    backendRefs:", 16,
                 "this version does not"),
    "a backend of a route without a port": (ROUTE, "name: cart, port: 80,", "name: cart,", 17, "the field port beside"),
    "a weight below zero": (ROUTE, "weight: 9", "weight: -1", 17, "from 0 to 1000000"),
    "a method in small letters": (ROUTE, "method: GET", "method: get", 13, "spec.rules[0].matches[0].method to be"),
    "a Service as parent in the wrong group": (ROUTE, "  - name: edge", "  - name: edge\n    kind: Service", 6, "group: ''"),
    "an Ingress's backend": (ROUTE, "    backendRefs:", "    backend:", 16, "did you mean 'backendRefs'"),
    "a grant for everybody": (GRANT, ", namespace: default", "", 6, "the field namespace of spec.from[0]"),
    "a grant without its group": (GRANT, 'group: "", ', "", 8, "the field group of spec.to[0]"),
    "a version that is no more": (INGRESS, "networking.k8s.io/v1\n", "extensions/v1beta1\n", 1, "not extensions/v1beta1"),
    "a kind that is nearly one": (ROUTE, "HTTPRoute", "HttpRoute", 2, "write 'kind: HTTPRoute'"),
}


@pytest.mark.parametrize("what", MISTAKES)
def test_each_mistake_is_named_where_it_stands(what: str) -> None:
    text, old, new, line, *words = MISTAKES[what]
    manifests.load(text)
    assert old in text
    with pytest.raises(InvalidManifest) as caught:
        manifests.load(text.replace(old, new, 1))
    message = str(caught.value)
    assert [word for word in words if word not in message] == [], message
    assert caught.value.line == line, message
