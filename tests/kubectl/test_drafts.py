"""The manifests that kubectl writes itself, as ``--dry-run=client -o yaml`` prints them.

Source: kubectl's own tests of these commands (k8s.io/kubectl, pkg/cmd/run, create, expose), without creationTimestamp: null,
which is no longer printed.
"""

from __future__ import annotations

import pytest
import yaml

from k8snet_course import Cluster, manifests
from k8snet_course.manifests import KINDS

RUN = """\
apiVersion: v1
kind: Pod
metadata:
  labels:
    run: web
  name: web
spec:
  containers:
  - image: nginx:1.29
    name: web
    ports:
    - containerPort: 80
    resources: {}
  dnsPolicy: ClusterFirst
  restartPolicy: Always
status: {}
"""
DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  labels:
    app: web
  name: web
  namespace: shop
spec:
  replicas: 3
  selector:
    matchLabels:
      app: web
  strategy: {}
  template:
    metadata:
      labels:
        app: web
    spec:
      containers:
      - command:
        - sleep
        - 1d
        image: example.com/team/my_app@sha256:0
        name: my-app-857ld
        ports:
        - containerPort: 8080
        resources: {}
status: {}
"""
SERVICE = """\
apiVersion: v1
kind: Service
metadata:
  labels:
    app: web
  name: web
spec:
  ports:
  - name: 80-8080
    nodePort: 30080
    port: 80
    protocol: TCP
    targetPort: 8080
  - name: 443-https
    nodePort: 30080
    port: 443
    protocol: TCP
    targetPort: https
  selector:
    app: web
  type: NodePort
status:
  loadBalancer: {}
"""
EXTERNAL = """\
apiVersion: v1
kind: Service
metadata:
  labels:
    app: db
  name: db
spec:
  externalName: db.example.com
  selector:
    app: db
  type: ExternalName
status:
  loadBalancer: {}
"""
HEADLESS = """\
apiVersion: v1
kind: Service
metadata:
  labels:
    app: db
  name: db
spec:
  clusterIP: None
  selector:
    app: db
  type: ClusterIP
status:
  loadBalancer: {}
"""
EXPOSED = """\
apiVersion: v1
kind: Service
metadata:
  labels:
    app: web
    tier: front
  name: web
spec:
  ports:
  - name: port-1
    port: 80
    protocol: TCP
    targetPort: 80
  - name: port-2
    port: 53
    protocol: UDP
    targetPort: 53
  selector:
    app: web
    tier: front
status:
  loadBalancer: {}
"""
EXPOSED_AT_A_PORT = """\
apiVersion: v1
kind: Service
metadata:
  labels:
    a: b
  name: front
spec:
  ports:
  - port: 8000
    protocol: TCP
    targetPort: http
  selector:
    x: "y"
  sessionAffinity: ClientIP
  type: NodePort
status:
  loadBalancer: {}
"""
INGRESS = """\
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata:
  annotations:
    a: b=c
  name: shop
spec:
  defaultBackend:
    service:
      name: other
      port:
        name: http
  ingressClassName: nginx
  rules:
  - host: shop.example.com
    http:
      paths:
      - backend:
          service:
            name: web
            port:
              number: 80
        path: /
        pathType: Prefix
      - backend:
          service:
            name: cart
            port:
              name: http
        path: /cart
        pathType: Exact
  - http:
      paths:
      - backend:
          service:
            name: web
            port:
              number: 80
        path: /all
        pathType: Prefix
  tls:
  - hosts:
    - shop.example.com
    secretName: cert
status:
  loadBalancer: {}
"""
NAMESPACE = "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: shop\nspec: {}\nstatus: {}\n"

DRAFTS = {
    "run web --image=nginx:1.29 --port=80": RUN,
    "create deployment web --image=example.com/team/my_app@sha256:0 --replicas=3 --port=8080 -n shop -- sleep 1d": DEPLOYMENT,
    "create service nodeport web --tcp=80:8080 --tcp=443:https --node-port=30080": SERVICE,
    "create service externalname db --external-name db.example.com": EXTERNAL,
    "create svc clusterip db --clusterip=None": HEADLESS,
    "expose pod web": EXPOSED,
    "expose pod/web --port=8000 --target-port=http --name=front -l a=b --selector=x=y --type=NodePort "
    "--session-affinity=ClientIP": EXPOSED_AT_A_PORT,
    "create ingress shop --class=nginx --annotation a=b=c --default-backend=other:http "
    "--rule='shop.example.com/*=web:80,tls=cert' --rule=shop.example.com/cart=cart:http --rule=/all*=web:80": INGRESS,
    "create ns shop": NAMESPACE,
}


@pytest.fixture(scope="module")
def cluster() -> Cluster:
    made = Cluster()
    made.apply("{apiVersion: v1, kind: Pod, metadata: {name: web, labels: {app: web, tier: front}}, spec: {containers: "
               "[{name: a, image: nginx, ports: [{containerPort: 80}, {containerPort: 53, protocol: UDP}]}]}}")
    return made


@pytest.mark.parametrize("line", DRAFTS)
def test_as_kubectl_prints_it(cluster: Cluster, line: str) -> None:
    first, dash, rest = line.partition(" -- ")
    reply = cluster.kubectl(f"{first} --dry-run=client -o yaml{dash}{rest}")
    assert (reply.out, reply.err, reply.code) == (DRAFTS[line], "", 0)
    assert [pod.name for pod in cluster.pods] == ["web"] and cluster.services == (), "nothing was done"


@pytest.mark.parametrize("line", [line for line in DRAFTS if "tcp=443" not in line])
def test_json_is_the_same_and_the_course_can_read_it(cluster: Cluster, line: str) -> None:
    first, dash, rest = line.partition(" -- ")
    plain = yaml.safe_load(cluster.kubectl(f"{first} --dry-run=client -o json{dash}{rest}").out)
    assert plain == yaml.safe_load(DRAFTS[line])
    made, = manifests.load(plain)
    assert isinstance(made, KINDS[plain["kind"]].made)


def test_flags_of_run_go_where_they_belong(cluster: Cluster) -> None:
    box, = yaml.safe_load(cluster.kubectl("run t --image=busybox --env=A=1 --env B=x=y --command --restart=Never "
                                          "--dry-run=client -o yaml -- sleep 1d").out)["spec"]["containers"]
    assert box == {"name": "t", "image": "busybox", "resources": {}, "command": ["sleep", "1d"],
                   "env": [{"name": "A", "value": "1"}, {"name": "B", "value": "x=y"}]}


MISTAKES = {
    "run": 'error: required flag(s) "image" not set',
    "run --image=nginx": "error: NAME is required for run",
    "run web --image=": "error: --image is required",
    "run web --image=nginx --restart=Sometimes": "error: invalid restart policy: Sometimes",
    "run web --image=nginx --rm": "error: --rm should only be used for attached containers",
    "run web --image=nginx -t": "error: -i/--stdin is required for containers with -t/--tty=true",
    "run web --image=nginx --expose": "error: --port must be set when exposing a service",
    "run web --image=nginx --labels=x": "error: unexpected label spec: x",
    "create deployment web": 'error: required flag(s) "image" not set',
    "create deployment": "error: exactly one NAME is required, got 0",
    "create deployment a b --image=nginx": "error: exactly one NAME is required, got 2",
    "create deployment a --image=nginx --replicas=-1": 'error: failed to create deployment: Deployment.apps "a" is invalid: '
                                                       "spec.replicas: Invalid value: -1: must be greater than or equal to 0",
    "create deployment a --image=nginx,httpd -- sleep": "error: cannot specify multiple --image options and command",
    "create service clusterip web": "error: at least one tcp port specifier must be provided",
    "create service clusterip web --tcp=x": 'error: strconv.ParseUint: parsing "x": invalid syntax',
    "create service clusterip web --tcp=80:70000": "error: must be between 1 and 65535, inclusive",
    "create configmap x": 'error: this course\'s kubectl has no "create configmap"',
    "create pod x": "error: Unexpected args: [pod x]",
    "create service externalname db": 'error: required flag(s) "external-name" not set',
    "create service web": "error: you must specify a type of Service",
    "create ingress shop": "error: not enough information provided: every ingress has to either specify a default-backend",
    "create ingress shop --rule=web": "error: rule web is invalid and should be in format "
                                      "host/path=svcname:svcport[,tls[=secret]]",
    "create ingress shop --default-backend=web": "error: default-backend should be in format servicename:serviceport",
    "expose pod bare --port=80": "error: couldn't retrieve selectors via --selector flag or introspection: the pod has no "
                                 "labels and cannot be exposed",
    "expose pod labelled": "error: couldn't find port via --port flag or introspection",
    "expose namespace default --port=80": "error: cannot expose a Namespace",
    "expose pod nobody --port=80": 'Error from server (NotFound): pods "nobody" not found',
    "run web --image=nginx --dry-run=maybe": 'error: Invalid dry-run value (maybe). Must be "none", "server", or "client".',
}


@pytest.mark.parametrize("line", MISTAKES)
def test_mistakes(line: str) -> None:
    cluster = Cluster()
    cluster.add_pod("bare"), cluster.add_pod("labelled", labels={"app": "x"})
    reply = cluster.kubectl(line)
    assert reply.err.startswith(MISTAKES[line]) and (reply.out, reply.code) == ("", 1), reply
    assert len(cluster.pods) == 2 and cluster.services == ()
