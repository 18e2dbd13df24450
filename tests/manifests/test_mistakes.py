"""Each mistake in a manifest is named with its line, its path and how to mend it."""

from __future__ import annotations

import pytest

from k8snet_course import Cluster, manifests
from k8snet_course.errors import InvalidManifest, NotFound

SERVICE = """\
apiVersion: v1
kind: Service
metadata:
  name: web
spec:
  type: NodePort
  selector: {app: web}
  ports:
  - name: http
    port: 80
    targetPort: http
    nodePort: 30080
  - name: dns
    port: 53
    protocol: UDP
"""

SLICE = """\
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata:
  name: db-1
  labels: {kubernetes.io/service-name: db}
addressType: IPv4
ports:
- port: 5432
endpoints:
- addresses: [203.0.113.5]
  conditions: {ready: true}
"""

POLICY = """\
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: db, namespace: shop}
spec:
  podSelector: {matchLabels: {app: db}}
  policyTypes: [Ingress]
  ingress:
  - from:
    - podSelector:
        matchExpressions:
        - {key: app, operator: In, values: [api]}
    - ipBlock:
        cidr: 172.17.0.0/16
        except: [172.17.1.0/24]
    ports:
    - port: 8000
      endPort: 8010
"""

CLUSTER_POLICY = """\
apiVersion: policy.networking.k8s.io/v1alpha2
kind: ClusterNetworkPolicy
metadata: {name: no-mon}
spec:
  tier: Admin
  priority: 10
  subject:
    namespaces: {}
  ingress:
  - action: Deny
    from:
    - namespaces: {matchLabels: {team: b}}
    protocols:
    - tcp: {destinationPort: {number: 80}}
"""

MISTAKES = {
    # what is wrong: (manifest, text replaced, by what, the line, words of the message)
    "a misspelt field": (SERVICE, "targetPort", "targtPort", 11, "'spec.ports[0].targtPort'", "did you mean 'targetPort'"),
    "a field one level too high": (SERVICE, "  selector:", "  targetPort: 80\n  selector:", 7, "'spec.targetPort'",
                                   "targetPort belongs at spec.ports[].targetPort: look at the indentation"),
    "a field one level too low": (SERVICE, "    targetPort: http", "    selector: {a: b}", 11,
                                  "selector belongs at spec.selector"),
    "a field of another kind": (SERVICE, "  selector: {app: web}", "  containers: []", 7,
                                "leave it out, or write one of type,"),
    "a misspelt type": (SERVICE, "type: NodePort", "type: Nodeport", 6, "spec.type to be ClusterIP, NodePort,",
                        "write NodePort"),
    "a misspelt kind": (SERVICE, "kind: Service", "kind: Servise", 2, "'Servise'", "write 'kind: Service'"),
    "a kind of which Kubernetes knows and we do not": (SERVICE, "kind: Service", "kind: ConfigMap", 2, "'ConfigMap'",
                                                       "leave this document out"),
    "a kind that something has taken the place of": (SERVICE, "kind: Service", "kind: Endpoints", 2, "write an EndpointSlice"),
    "no kind": (SERVICE, "kind: Service\n", "", 1, "no kind", "write 'kind: Pod'"),
    "the version of another group": (POLICY, "networking.k8s.io/v1", "v1", 1, "'apiVersion: networking.k8s.io/v1'", "not v1"),
    "a port in quotes": (SERVICE, "port: 80", 'port: "80"', 10, "spec.ports[0].port to be a whole number",
                         "write it without quotes: 80"),
    "a port out of range": (SERVICE, "port: 80\n", "port: 80800\n", 10, "from 1 to 65535"),
    "a version number as a label": (SERVICE, "{app: web}", "{version: 1.10}", 7, "'1.10'", 'write it in quotes: "1.10"'),
    "yes as a label": (SERVICE, "{app: web}", "{canary: yes}", 7, "'yes'", 'write it in quotes: "yes"'),
    "a target port that is no name": (SERVICE, "targetPort: http", "targetPort: HTTP_1", 11, "in spec.ports[0].targetPort"),
    "a target port in quotes": (SERVICE, "targetPort: http", 'targetPort: "8080"', 11, "write it without quotes: 8080"),
    "several ports and one without a name": (SERVICE, "  - name: dns\n    port: 53", "  - port: 53", 13, "'port 53'",
                                             "add 'name: http'"),
    "two ports of one name": (SERVICE, "name: dns", "name: http", 13, "spec.ports to have a name of its own"),
    "one port twice": (SERVICE, "port: 53\n    protocol: UDP", "port: 80", 14, "a port and protocol of its own"),
    "one node port twice": (SERVICE, "    protocol: UDP", "    nodePort: 30080", 15, "a node port of its own"),
    "no ports": (SERVICE, SERVICE[SERVICE.index("  ports:"):], "", 6, "at least one port"),
    "a node port without NodePort": (SERVICE, "  type: NodePort\n", "", 11, "'spec.ports[0].nodePort'",
                                     "nodePort only in a Service of type NodePort or LoadBalancer", "write 'type: NodePort'"),
    "a source range without LoadBalancer": (SERVICE, "  selector:", "  loadBalancerSourceRanges: [10.0.0.0/8]\n  selector:", 7,
                                            "only in a Service of type LoadBalancer"),
    "a headless NodePort": (SERVICE, "  selector:", "  clusterIP: None\n  selector:", 7, "only ClusterIP can be headless"),
    "a cluster IP with a leading zero": (SERVICE, "  selector:", "  clusterIP: 10.96.0.010\n  selector:", 7, "leading zeros"),
    "two cluster IPs that disagree": (SERVICE, "  selector:", "  clusterIP: 10.96.0.9\n  clusterIPs: [10.96.0.8]\n  selector:",
                                      7,
                                      "clusterIP to be the first of clusterIPs"),
    "two cluster IPs of one family": (SERVICE, "  selector:", "  clusterIPs: [10.96.0.9, 10.96.0.8]\n  selector:", 7,
                                      "one of each IP family"),
    "a cluster IP of another family": (SERVICE, "  selector:", "  ipFamilies: [IPv6]\n  clusterIP: 10.96.0.9\n  selector:", 8,
                                       "cluster IPs of the ipFamilies IPv6"),
    "one family twice": (SERVICE, "  selector:", "  ipFamilies: [IPv4, IPv4]\n  selector:", 7, "an IP family of its own"),
    "two families and SingleStack": (SERVICE, "  selector:",
                                     "  ipFamilyPolicy: SingleStack\n  ipFamilies: [IPv6, IPv4]\n  selector:",
                                     7, "one IP family in a SingleStack Service"),
    "an external name without one": (SERVICE, SERVICE[SERVICE.index("  type:"):], "  type: ExternalName\n", 6,
                                     "the field externalName"),
    "an affinity time without affinity": (SERVICE, "  selector:",
                                          "  sessionAffinityConfig: {clientIP: {timeoutSeconds: 9}}\n  selector:", 7,
                                          "only where sessionAffinity is ClientIP"),
    "loadBalancerIP": (SERVICE, "  selector:", "  loadBalancerIP: 203.0.113.9\n  selector:", 7, "Kubernetes has deprecated it"),
    "an external IP of loopback": (SERVICE, "  selector:", "  externalIPs: [127.0.0.1]\n  selector:", 7,
                                   "packets from outside"),
    "a range with host bits": (SERVICE, "NodePort\n", "LoadBalancer\n  loadBalancerSourceRanges: [10.0.0.1/8]\n", 7,
                               "10.0.0.0/8"),
    "a Service name with a dot": (SERVICE, "name: web", "name: web.1", 4, "Service name", "RFC 1123 label"),
    "an endpoint of loopback": (SLICE, "203.0.113.5", "127.0.0.1", 10, "in endpoints[0].addresses[0]", "not one of loopback"),
    "an address of another family": (SLICE, "203.0.113.5", "'2001:db8::1'", 10, "to be an IPv4 address"),
    "an endpoint without addresses": (SLICE, "[203.0.113.5]", "[]", 10, "endpoints[0].addresses to have at least 1"),
    "no address type": (SLICE, "addressType: IPv4\n", "", 1, "the field addressType"),
    "conditions with a text": (SLICE, "ready: true", "ready: 'true'", 11, "endpoints[0].conditions.ready to be true or false"),
    "an unknown policy type": (POLICY, "[Ingress]", "[ingress]", 6, "spec.policyTypes[0] to be Ingress or Egress",
                               "write Ingress"),
    "an operator that is none": (POLICY, "operator: In,", "operator: Is,", 11, "an operator"),
    "In without values": (POLICY, ", values: [api]", "", 11, "values for the key app"),
    "an except outside of the cidr": (POLICY, "172.17.1.0/24", "172.18.1.0/24", 14, "strict subset"),
    "an endPort before the port": (POLICY, "endPort: 8010", "endPort: 80", 17, "greater than or equal to the port 8000"),
    "an endPort without a port": (POLICY, "    - port: 8000\n      endPort", "    - endPort", 16, "only beside a port"),
    "a peer with nothing in it": (POLICY,
                                  POLICY[POLICY.index("- podSelector"):POLICY.index("\n    - ipBlock")], "- {}", 9,
                                  "a peer with podSelector"),
    "an ipBlock beside a selector": (POLICY, "    - ipBlock", "      ipBlock", 9, "without podSelector"),
    "to in an ingress rule": (POLICY, "  - from:", "  - to:", 8, "'spec.ingress[0].to'", "belongs at spec.egress[].to"),
    "a tier that is none": (CLUSTER_POLICY, "tier: Admin", "tier: admin", 5, "write Admin"),
    "an action of the older kind": (CLUSTER_POLICY, "action: Deny", "action: Allow", 10, "Accept, Deny or Pass"),
    "a priority out of range": (CLUSTER_POLICY, "priority: 10", "priority: 2000", 6, "from 0 to 1000"),
    "networks in an ingress rule": (CLUSTER_POLICY, "- namespaces: {matchLabels: {team: b}}", "- networks: [10.0.0.0/8]", 12,
                                    "networks belongs at spec.egress[].to[].networks"),
    "a subject of nothing": (CLUSTER_POLICY, "    namespaces: {}\n", "    {}\n", 8, "exactly one of namespaces and pods"),
    "a namespace on a cluster-wide object": (CLUSTER_POLICY, "{name: no-mon}", "{name: no-mon, namespace: mon}", 3,
                                             "cluster-wide"),
    "a protocol as a value": (CLUSTER_POLICY, "tcp: {destinationPort: {number: 80}}", "protocol: TCP", 14,
                              "spec.ingress[0].protocols[0].protocol"),
    "a number and a range": (CLUSTER_POLICY, "{number: 80}", "{number: 80, range: {start: 1, end: 2}}", 14,
                             "exactly one of number"),
    "two protocols in one element": (CLUSTER_POLICY, "    - tcp: {destinationPort: {number: 80}}",
                                     "    - tcp: {destinationPort: {number: 80}}\n      udp: {destinationPort: {number: 80}}",
                                     14,
                                     "exactly one of tcp, udp"),
    "a null where a list item belongs": (SERVICE, "  - name: dns\n    port: 53\n    protocol: UDP\n", "  -\n", 13,
                                         "spec.ports[1] to be an item of the list"),
    "a merge key": (SERVICE, "  selector: {app: web}", "  <<: {type: ClusterIP}", 7, "write the fields out"),
    "a generated name": (SERVICE, "name: web", "generateName: web-", 4, "write the name out"),
    "metadata without a name": (SERVICE, "  name: web\n", "  labels: {a: b}\n", 4, "the field name of metadata"),
    "a label that is none": (SERVICE, "  name: web", "  name: web\n  labels: {app: 'a b'}", 5, "in metadata.labels"),
}


@pytest.mark.parametrize("what", MISTAKES)
def test_each_mistake_is_named_where_it_stands(what: str) -> None:
    text, old, new, line, *words = MISTAKES[what]
    manifests.load(text)
    assert text.count(old) >= 1
    with pytest.raises(InvalidManifest) as caught:
        manifests.load(text.replace(old, new, 1))
    message = str(caught.value)
    assert [word for word in words if word not in message] == [], message
    assert caught.value.line == line, message
    assert "\n" not in message and "expected" in message and message.endswith(".")


def test_a_bad_document_behind_good_ones_is_found_by_its_line() -> None:
    before = f"# two policies\n{POLICY}---\n---\n{CLUSTER_POLICY}---\n"
    manifests.load(before + SERVICE)
    with pytest.raises(InvalidManifest, match=r"'spec\.ports\[0\]\.targtPort'") as caught:
        manifests.load(before + SERVICE.replace("targetPort", "targtPort"))
    assert caught.value.line == before.count("\n") + 11


def test_a_dict_has_no_lines_but_the_same_paths() -> None:
    with pytest.raises(InvalidManifest, match=r"'spec\.ports\[0\]\.prot'.*did you mean 'port'") as caught:
        manifests.load({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"}, "spec": {"ports": [{"prot": 80}]}})
    assert caught.value.line == 0


def test_sentences_have_the_right_article() -> None:
    """An Ingress, a Pod, an address."""
    cluster = Cluster()
    for text, words in (("apiVersion: extensions/v1beta1\nkind: Ingress\nmetadata: {name: a}", "for an Ingress, not e"),
                        ("apiVersion: v2\nkind: Pod\nmetadata: {name: a}", "for a Pod, not v2")):
        with pytest.raises(InvalidManifest, match=words):
            cluster.apply(text)
    with pytest.raises(NotFound, match="expected an Ingress of this cluster"):
        cluster.delete("ingress", "a")
    with pytest.raises(InvalidManifest, match=r"expected in spec.dnsConfig.nameservers\[0\] an address: an IPv4"):
        cluster.apply({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}, "spec": {
            "containers": [{"name": "a", "image": "nginx"}], "dnsConfig": {"nameservers": ["x"]}}})
