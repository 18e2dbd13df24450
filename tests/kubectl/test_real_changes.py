"""A real kubectl and the model's get the same lines, each with a cluster of its own: they say the same and leave the same.

What apply leaves alone, what a patch changes, what a label takes away is here decided by the real kubectl, which computes the
patch; the API server behind it only lays it over the object.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from k8snet_course import Cluster
from tests.kubectl.test_real_writing import said, skip_if_old, without_namespaces
from tests.kubectl.writing_server import state, taking

FILES = {
    "web.yaml": """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, labels: {app: web, tier: front}}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: nginx, image: nginx, ports: [{containerPort: 80, name: http}]}]}
---
apiVersion: v1
kind: Service
metadata: {name: web, annotations: {note: one}}
spec: {selector: {app: web}, ports: [{port: 80, targetPort: http}]}
""",
    "pod.yaml": """\
apiVersion: v1
kind: Pod
metadata: {name: p, labels: {app: p}}
spec: {containers: [{name: c, image: nginx}]}
""",
    "shop.yaml": """\
apiVersion: v1
kind: Namespace
metadata: {name: shop, labels: {team: a}}
---
apiVersion: networking.k8s.io/v1
kind: NetworkPolicy
metadata: {name: deny, namespace: shop}
spec: {podSelector: {}, policyTypes: [Ingress]}
---
apiVersion: v1
kind: Pod
metadata: {name: db, namespace: shop, labels: {app: db}}
spec: {containers: [{name: db, image: postgres}]}
""",
    "taken.yaml": """\
apiVersion: v1
kind: Service
metadata: {name: b}
spec: {type: NodePort, ports: [{port: 80, nodePort: 30080}]}
""",
}
FILES["taken-2.yaml"] = FILES["taken.yaml"].replace("name: b", "name: c")
FILES["low.yaml"] = FILES["taken-2.yaml"].replace("30080", "80")
FILES["nowhere.yaml"] = FILES["pod.yaml"].replace("name: p,", "name: p, namespace: nowhere,")
FILES["web-2.yaml"] = FILES["web.yaml"].replace("tier: front", "kind: shop").replace("port: 80, t", "port: 8080, t")
FILES["web-3.yaml"] = FILES["web.yaml"].replace("  replicas: 2\n", "").replace("annotations: {note: one}", "labels: {x: z}")
FILES["pod-2.yaml"] = FILES["pod.yaml"].replace("app: p", "app: q").replace("image: nginx", "image: httpd")

SCENARIOS = {
    "run, expose, label, annotate": """\
        run web --image=nginx --port=80 --labels=app=web
        run web --image=nginx
        expose pod web --name=front
        expose pod web --name=front
        expose service front --name=node --port=8080 --target-port=80 --type=NodePort
        label pod web tier=x
        label pod web tier=y
        label pod web tier=y --overwrite
        label pod web tier- nix-
        label pods --all a=b
        annotate pod web k8snet-course/listen=8080
        annotate pod web k8snet-course/listen=81 --overwrite
        annotate svc front note=x
        delete pod web
        delete svc front node""",
    "create": """\
        create -f {shop.yaml}
        create -f {shop.yaml}
        create -f {taken.yaml}
        create -f {taken-2.yaml}
        create -f {low.yaml}
        create -f {pod.yaml}
        create -f {pod.yaml}
        create -f {nowhere.yaml}
        replace -f {pod-2.yaml}
        replace -f {web.yaml}
        run x --image=nginx -n nowhere
        run x --image=nginx -n shop
        delete ns shop
        delete ns default
        delete -f {pod.yaml}
        delete -f {pod.yaml}""",
    "patch and set": """\
        apply -f {web.yaml}
        patch svc web -p '{"spec": {"type": "NodePort"}}'
        patch svc web -p '{"spec": {"ports": [{"port": 80, "nodePort": 30090}]}}'
        patch svc web --type=merge -p '{"metadata": {"annotations": {"note": null, "b": "c"}}}'
        patch deploy web --type=json -p '[{"op": "replace", "path": "/spec/replicas", "value": 3}]'
        patch deploy web -p '{"spec": {"template": {"spec": {"containers": [{"name": "nginx", "image": "httpd"}]}}}}'
        patch svc web -p '{"spec": {"clusterIP": "10.96.0.77"}}'
        patch deploy web -p '{"spec": {"replicas": 3}}'
        scale deployment web --replicas=5
        scale deploy/web --replicas=2 --current-replicas=4
        scale deploy/web --replicas=2 --current-replicas=5
        set image deployment/web nginx=caddy
        set image deployment/web nix=caddy
        label deploy,svc web a=b
        annotate deploy/web svc/web a=b
        patch deploy nobody -p '{"spec": {"replicas": 3}}'
        set image deployment/web *=nginx
        delete deploy,svc web""",
    "apply": """\
        apply -f {web.yaml}
        apply -f {web.yaml}
        scale deployment web --replicas=3
        apply -f {web.yaml}
        label deployment web mine=yes
        annotate svc web note=two --overwrite
        annotate svc web other=kept
        patch deploy web -p '{"spec": {"replicas": 4}}'
        apply -f {web-2.yaml}
        apply -f {web-2.yaml}
        apply -f {web-3.yaml}
        patch deploy web -p '{"spec": {"replicas": 5}}'
        apply -f {web-3.yaml}
        apply -f {web.yaml}
        apply -f {taken.yaml}
        apply -f {taken-2.yaml}
        apply -f {shop.yaml}
        apply -f {shop.yaml}
        label ns shop team=b --overwrite
        apply -f {shop.yaml}
        delete -f {shop.yaml}
        delete -f {web.yaml}""",
}
"""Lines, each with the names of files in braces."""


@pytest.mark.needs("kubectl")
@pytest.mark.parametrize("what", SCENARIOS)
def test_the_same_lines_leave_the_same_objects(what: str, tmp_path: Path) -> None:
    skip_if_old()
    paths = {}
    for name, text in FILES.items():
        (tmp_path / name).write_text(text)
        paths[name] = str(tmp_path / name)
    real, ours = Cluster(nodes=2, cni="calico"), Cluster(nodes=2, cni="calico")
    with taking(real) as server:
        for line in SCENARIOS[what].splitlines():
            line = re.sub(r"\{([a-z0-9-]+\.yaml)\}", lambda found: paths[found[1]], line.strip())
            validated = " --validate=false" if line.split()[0] in ("apply", "create", "replace") else ""
            theirs, mine = said(f"{line}{validated}", server, tmp_path), ours.kubectl(line)
            assert (line, without_namespaces(mine.out), mine.code) == (line, theirs.out, theirs.code), theirs.err
            assert all(each in mine.err for each in theirs.err.splitlines()), (line, mine.err, theirs.err)
            assert state(ours) == state(real), line
