"""A cluster with something of every type, for comparing with a real kubectl."""

from __future__ import annotations

from k8snet_course import Cluster

MANIFESTS = """
apiVersion: v1
kind: Namespace
metadata: {name: shop, labels: {team: a}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: backend, namespace: shop, labels: {app: backend}, annotations: {note: hello}}
spec:
  replicas: 5
  selector: {matchLabels: {app: backend}}
  template:
    metadata: {labels: {app: backend}}
    spec:
      containers:
      - {name: api, image: "nginx:1.29", ports: [{containerPort: 80, name: http}]}
      - {name: side, image: busybox, ports: [{containerPort: 9000}, {containerPort: 9001, protocol: UDP, name: dns}]}
---
apiVersion: v1
kind: Service
metadata: {name: backend, namespace: shop}
spec: {type: NodePort, selector: {app: backend}, ports: [{name: http, port: 80, targetPort: http, nodePort: 30080},{name: dns, port: 53, protocol: UDP, targetPort: 9001, nodePort: 30053}]}
---
apiVersion: v1
kind: Service
metadata: {name: web, labels: {a: b}, annotations: {x: "y", long: "LONG"}}
spec: {selector: {app: web}, ports: [{port: 80}]}
---
apiVersion: v1
kind: Service
metadata: {name: head}
spec: {clusterIP: None, selector: {app: api}, ports: [{port: 5432}]}
---
apiVersion: v1
kind: Service
metadata: {name: ext}
spec: {type: ExternalName, externalName: db.example.com}
---
apiVersion: v1
kind: Service
metadata: {name: lb}
spec: {type: LoadBalancer, selector: {app: web, tier: front}, externalTrafficPolicy: Local, loadBalancerSourceRanges: [10.0.0.0/8], ports: [{port: 443, targetPort: 8443}], externalIPs: [198.51.100.7], sessionAffinity: ClientIP}
---
apiVersion: v1
kind: Service
metadata: {name: nobody}
spec: {selector: {app: none}, ports: [{port: 80}]}
---
apiVersion: v1
kind: Service
metadata: {name: manual}
spec: {ports: [{port: 80, targetPort: 8000}]}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: manual-1, labels: {kubernetes.io/service-name: manual}}
addressType: IPv4
ports: [{port: 8000}]
endpoints: [{addresses: [203.0.113.9]}]
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: deny, namespace: shop}
spec: {podSelector: {}}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: big, namespace: shop, labels: {x: "1"}}
spec:
  podSelector: {matchLabels: {app: db, a: b}, matchExpressions: [{key: tier, operator: In, values: [z, y]}, {key: old, operator: DoesNotExist}]}
  policyTypes: [Ingress, Egress]
  ingress:
  - from: [{podSelector: {matchLabels: {app: api}}}, {namespaceSelector: {matchLabels: {team: b}}, podSelector: {}}, {ipBlock: {cidr: 10.0.0.0/8, except: [10.1.0.0/16, 10.2.0.0/16]}}, {ipBlock: {cidr: 10.0.0.0/8}}]
    ports: [{port: 5432}, {port: 8000, endPort: 8010}, {protocol: UDP}, {port: http}]
  - {}
  egress:
  - to: [{namespaceSelector: {}}]
    ports: [{port: 53, protocol: UDP}]
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: eg, namespace: shop}
spec: {podSelector: {matchLabels: {app: db}}, policyTypes: [Egress], egress: []}
---
apiVersion: networking.k8s.io/v1
kind: IngressClass
metadata: {name: nginx, annotations: {ingressclass.kubernetes.io/is-default-class: "true"}}
spec: {controller: k8s.io/ingress-nginx}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: shop, namespace: shop}
spec:
  ingressClassName: nginx
  tls: [{hosts: [shop.example], secretName: shop-tls}]
  rules:
  - host: shop.example
    http: {paths: [{path: /api, pathType: Prefix, backend: {service: {name: backend, port: {number: 80}}}},{path: /, pathType: Prefix, backend: {service: {name: nope, port: {name: http}}}}]}
  - http: {paths: [{path: /x, pathType: Exact, backend: {service: {name: backend, port: {name: http}}}}]}
---
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: plain, labels: {a: b}}
spec: {defaultBackend: {service: {name: web, port: {number: 80}}}}
---
apiVersion: gateway.networking.k8s.io/v1
kind: GatewayClass
metadata: {name: envoy}
spec: {controllerName: gateway.envoyproxy.io/gatewayclass-controller}
---
apiVersion: gateway.networking.k8s.io/v1
kind: Gateway
metadata: {name: edge, namespace: shop}
spec: {gatewayClassName: envoy, listeners: [{name: web, port: 80, protocol: HTTP}, {name: tls, port: 443, protocol: HTTPS, hostname: "*.shop.example", tls: {certificateRefs: [{name: c}]}}]}
---
apiVersion: gateway.networking.k8s.io/v1
kind: HTTPRoute
metadata: {name: shop, namespace: shop}
spec: {parentRefs: [{name: edge}], hostnames: [a.example, b.example], rules: [{matches: [{path: {type: PathPrefix, value: /}}], backendRefs: [{name: backend, port: 80}]}]}
---
apiVersion: policy.networking.k8s.io/v1alpha2
kind: ClusterNetworkPolicy
metadata: {name: admin}
spec: {tier: Admin, priority: 10, subject: {namespaces: {}}, ingress: [{name: x, action: Deny, from: [{namespaces: {}}]}]}
""".replace("LONG", 150 * "w")


def world() -> Cluster:
    """The cluster: some of it is 63 minutes old, some 61, and one pod has just been made."""
    cluster = Cluster(nodes=3, cni="flannel")
    cluster.add_pod("web", labels={"app": "web", "tier": "front"})
    cluster.add_pod("db", namespace="shop", labels={"app": "db"})
    cluster.wait(90)
    cluster.add_pods(["api-1", "api-2", "api-10"], labels={"app": "api"})
    cluster.add_pod("net", host_network=True)
    cluster.add_pod("two", containers={"a": "nginx", "b": "busybox"}, host_ports={8080: 80})
    cluster.apply(MANIFESTS)
    cluster.wait(3700)
    cluster.add_pod("late", namespace="shop")
    cluster.set_state("api-2", ready=False)
    cluster.label_node("node-2", {"node-role.kubernetes.io/edge": "", "topology.kubernetes.io/zone": "a"})
    return cluster
