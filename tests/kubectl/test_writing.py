"""The verbs that change the cluster: what they say, and what follows from it in the model's tables.

Texts: kubectl's sources of these verbs, and the API server's validation.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from k8snet_course import Cluster

WEB = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: nginx, image: nginx}]}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {selector: {app: web}, ports: [{port: 80}]}
"""
POD = "{apiVersion: v1, kind: Pod, metadata: {name: a, labels: {app: a}}, spec: {containers: [{name: a, image: nginx}]}}\n"
NOT_FOUND = 'Error from server (NotFound): error when creating "STDIN": namespaces "shop" not found'


@pytest.fixture
def cluster() -> Cluster:
    made = Cluster(nodes=2, cni="calico")
    made.add_pod("client")
    return made


def out(cluster: Cluster, line: str, stdin: str | None = None) -> str:
    reply = cluster.kubectl(line, stdin)
    assert (reply.err, reply.code) == ("", 0), reply
    return reply.out


def refused(cluster: Cluster, line: str, stdin: str | None = None) -> str:
    """The first line of the error."""
    reply = cluster.kubectl(line, stdin)
    assert reply.code == 1, reply
    return reply.err.split("\n")[0]


def endpoints(cluster: Cluster, service: str) -> set[str]:
    return {address for one in cluster.endpoint_slices(service) for end in one.endpoints for address in end.addresses}


def verdict(cluster: Cluster, dst: str, port: int = 80) -> str:
    return str(cluster.send("client", dst, port=port).verdict)


# -- apply, create -f, replace ----------------------------------------------------------------------------------------


def test_apply_creates_configures_and_leaves_alone(cluster: Cluster) -> None:
    assert out(cluster, "apply -f -", WEB) == "deployment.apps/web created\nservice/web created\n"
    assert verdict(cluster, "web") == "delivered"
    assert out(cluster, "apply -f -", WEB) == "deployment.apps/web unchanged\nservice/web unchanged\n"
    again = WEB.replace("port: 80", "port: 81")
    assert out(cluster, "apply -f -", again) == "deployment.apps/web unchanged\nservice/web configured\n"
    assert verdict(cluster, "web", 81) == "refused", "nginx listens on 80, and the Service leads to 81"


def test_files_folders_and_several_of_them(cluster: Cluster, tmp_path: Path) -> None:
    (tmp_path / "web.yaml").write_text(WEB)
    (tmp_path / "pod.json").write_text(POD)
    (tmp_path / "notes.txt").write_text("no manifest")
    assert out(cluster, f"apply -f {tmp_path}") == "pod/a created\ndeployment.apps/web created\nservice/web created\n"
    assert out(cluster, f"delete -f {tmp_path}/web.yaml,{tmp_path}/pod.json") == (
        'deployment.apps "web" deleted from default namespace\nservice "web" deleted from default namespace\n'
        'pod "a" deleted from default namespace\n')
    assert [pod.name for pod in cluster.pods] == ["client"]
    assert refused(cluster, "apply -f nowhere.yaml") == 'error: the path "nowhere.yaml" does not exist'
    assert refused(cluster, "apply") == "error: must specify one of -f and -k"


def test_a_file_without_a_namespace_is_about_the_commands(cluster: Cluster) -> None:
    for line in ("create namespace shop", "config set-context --current --namespace=shop"):
        out(cluster, line)
    assert out(cluster, "apply -f -", POD) == "pod/a created\n"
    assert out(cluster, "get -f - -o name", POD) == "pod/a\n"
    assert refused(cluster, "delete -n default -f -", POD) == (
        'Error from server (NotFound): error when deleting "STDIN": pods "a" not found')
    assert out(cluster, "delete -f -", POD) == 'pod "a" deleted from shop namespace\n'


def test_one_bad_document_leaves_the_others(cluster: Cluster) -> None:
    bad = POD.replace("name: a, labels", "name: b, labels").replace("containers", "contaners")
    reply = cluster.kubectl("apply -f -", f"{bad}---\n{POD}")
    assert (reply.out, reply.code) == ("pod/a created\n", 1)
    first, second = reply.err.splitlines()
    assert first == ('Error from server (BadRequest): error when creating "STDIN": Pod in version "v1" cannot be handled as a '
                     'Pod: strict decoding error: unknown field "spec.contaners"')
    assert "line 1" in second and "did you mean 'containers'" in second


def test_apply_leaves_what_others_have_set(cluster: Cluster) -> None:
    out(cluster, "apply -f -", POD)
    out(cluster, "label pod a tier=x")
    assert out(cluster, "apply -f -", POD) == "pod/a unchanged\n"
    (pod,) = [one for one in cluster.pods if one.name == "a"]
    assert pod.labels == {"app": "a", "tier": "x"}
    out(cluster, "apply -f -", POD.replace("app: a", "kind: b"))
    (pod,) = [one for one in cluster.pods if one.name == "a"]
    assert pod.labels == {"kind": "b", "tier": "x"}, "a label that the manifest no longer has goes, others' stay"


def test_apply_without_replicas_leaves_the_scaled_number(cluster: Cluster) -> None:
    text = WEB.replace("  replicas: 2\n", "")
    out(cluster, "apply -f -", text)
    out(cluster, "scale deployment web --replicas=3")
    assert out(cluster, "apply -f -", text).splitlines()[0] == "deployment.apps/web unchanged"
    assert len(cluster.pods) == 4
    out(cluster, "apply -f -", WEB)
    assert len(cluster.pods) == 3


def test_what_is_deleted_is_forgotten(cluster: Cluster) -> None:
    out(cluster, "apply -f -", POD)
    out(cluster, "delete pod a")
    cluster.apply(POD)
    assert out(cluster, "apply -f -", POD.replace("labels: {app: a}", "labels: {}")) == "pod/a unchanged\n"


def test_dry_runs_change_nothing(cluster: Cluster) -> None:
    before = repr(cluster)
    assert out(cluster, "apply -f - --dry-run=client", WEB) == (
        "deployment.apps/web created (dry run)\nservice/web created (dry run)\n")
    assert out(cluster, "apply -f - --dry-run=server", WEB) == (
        "deployment.apps/web created (server dry run)\nservice/web created (server dry run)\n")
    assert out(cluster, "run web --image=nginx --dry-run=server") == "pod/web created (server dry run)\n"
    assert out(cluster, "delete pod client --dry-run=client") == 'pod "client" deleted (dry run) from default namespace\n'
    assert out(cluster, "label pod client a=b --dry-run=server") == "pod/client labeled (server dry run)\n"
    assert repr(cluster) == before and cluster.services == () and cluster.objects("deployments") == ()
    assert cluster.pods[0].labels == {}
    first = cluster.add_pod("next")
    other = Cluster(nodes=2, cni="calico")
    other.add_pod("client")
    assert other.add_pod("next") == first, "no address was used up"


def test_a_server_dry_run_finds_what_a_client_does_not(cluster: Cluster) -> None:
    out(cluster, "create service nodeport a --tcp=80 --node-port=30080")
    line = "create service nodeport b --tcp=80 --node-port=30080 --dry-run="
    assert out(cluster, f"{line}client") == "service/b created (dry run)\n"
    assert "provided port is already allocated" in refused(cluster, f"{line}server")


def test_create_and_replace_of_files(cluster: Cluster) -> None:
    assert refused(cluster, "replace -f -", POD) == (
        'Error from server (NotFound): error when replacing "STDIN": pods "a" not found')
    assert out(cluster, "create -f -", POD) == "pod/a created\n"
    assert refused(cluster, "create -f -", POD) == (
        'Error from server (AlreadyExists): error when creating "STDIN": pods "a" already exists')
    assert out(cluster, "replace -f -", POD.replace("app: a", "app: b")) == "pod/a replaced\n"
    ports = POD.replace("image: nginx", "image: nginx, ports: [{containerPort: 81}]")
    assert refused(cluster, "replace -f -", ports).startswith(
        'The Pod "a" is invalid: spec: Forbidden: pod updates may not change fields other than `spec.containers[*].image`')
    assert out(cluster, "replace --force -f -", ports) == 'pod "a" deleted from default namespace\npod/a replaced\n'


def test_the_namespace_has_to_be_there(cluster: Cluster) -> None:
    inside = POD.replace("name: a,", "name: a, namespace: shop,", 1)
    assert refused(cluster, "apply -f -", inside) == NOT_FOUND
    assert refused(cluster, "run web --image=nginx -n shop") == 'Error from server (NotFound): namespaces "shop" not found'
    assert refused(cluster, "apply -n default -f -", inside).startswith(
        'error: the namespace from the provided object "shop" does not match the namespace "default".')
    out(cluster, "create namespace shop")
    assert out(cluster, "apply -f -", inside) == "pod/a created\n"
    assert out(cluster, "apply -n shop -f -", POD) == "pod/a unchanged\n", "without one of its own it is the command's"


# -- run, expose, scale, label, annotate, patch, set ------------------------------------------------------------------


def test_from_run_to_a_service(cluster: Cluster) -> None:
    assert out(cluster, "run web --image=nginx --port=80 --labels=app=web,tier=front") == "pod/web created\n"
    assert out(cluster, "expose pod web --name=front --port=8080 --target-port=80") == "service/front exposed\n"
    assert verdict(cluster, "front", 8080) == "delivered"
    assert refused(cluster, "expose pod web --name=front --port=80") == (
        'Error from server (AlreadyExists): services "front" already exists')
    assert out(cluster, "run db --image=postgres --expose --port=5432") == "service/db created\npod/db created\n"
    assert verdict(cluster, "db", 5432) == "delivered"


def test_a_command_in_a_pod_that_goes_away_again(cluster: Cluster) -> None:
    out(cluster, "run web --image=nginx --port=80 --expose")
    line = "run tmp --rm -i --image=busybox --restart=Never -- "
    first, *_, last = out(cluster, f"{line}wget -qO- http://web").splitlines()
    assert first.startswith("web answers GET /") and last == 'pod "tmp" deleted from default namespace'
    lost = cluster.kubectl(f"{line}wget -qO- http://nix")
    assert lost.code == 1 and "bad address" in lost.err and lost.err.endswith("pod default/tmp terminated (Error)\n")
    assert [pod.name for pod in cluster.pods] == ["client", "web"]
    assert "There is no terminal" in cluster.kubectl("run tmp --rm -it --image=busybox").err
    assert [pod.name for pod in cluster.pods] == ["client", "web"]


def test_scale_goes_through_the_controller(cluster: Cluster) -> None:
    out(cluster, "create deployment web --image=nginx --replicas=2")
    out(cluster, "expose deployment web --port=80")
    assert out(cluster, "scale deployment/web --replicas=4") == "deployment.apps/web scaled\n"
    assert endpoints(cluster, "web") == {pod.ip for pod in cluster.pods if pod.name != "client"} and len(cluster.pods) == 5
    assert out(cluster, "scale deployment web --replicas=0 --current-replicas=4") == "deployment.apps/web scaled\n"
    assert verdict(cluster, "web") == "no_endpoints"
    assert refused(cluster, "scale deployment web --replicas=1 --current-replicas=4") == (
        "error: Expected replicas to be 4, was 0")
    assert refused(cluster, "scale deployment web") == 'error: required flag(s) "replicas" not set'
    assert refused(cluster, "scale pod client --replicas=2") == (
        "Error from server (NotFound): the server could not find the requested resource")


def test_endpoints_and_policies_follow_labels(cluster: Cluster) -> None:
    out(cluster, "run web --image=nginx")
    out(cluster, "create service clusterip web --tcp=80")
    assert verdict(cluster, "svc/web") == "no_endpoints"
    assert out(cluster, "label pod web app=web") == "pod/web labeled\n"
    assert verdict(cluster, "svc/web") == "delivered"
    cluster.apply("{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: team}, spec: {podSelector: "
                  "{matchLabels: {app: web}}, ingress: [{from: [{namespaceSelector: {matchLabels: {team: a}}}]}]}}")
    assert verdict(cluster, "web") == "denied_ingress"
    assert out(cluster, "label namespace default team=a") == "namespace/default labeled\n"
    assert verdict(cluster, "web") == "delivered"
    assert out(cluster, "label ns default team-") == "namespace/default unlabeled\n"
    assert verdict(cluster, "svc/web") == "denied_ingress"
    assert out(cluster, "label pod web app=other --overwrite") == "pod/web labeled\n"
    assert (verdict(cluster, "svc/web"), verdict(cluster, "web")) == ("no_endpoints", "delivered")


def test_a_pod_labelled_out_of_its_deployment_is_replaced(cluster: Cluster) -> None:
    out(cluster, "apply -f -", WEB)
    name = next(pod.name for pod in cluster.pods if pod.name != "client")
    out(cluster, f"label pod {name} app=sick --overwrite")
    assert len(cluster.pods) == 4 and len(endpoints(cluster, "web")) == 2
    assert out(cluster, f"delete pod {name}") == f'pod "{name}" deleted from default namespace\n'
    assert len(cluster.pods) == 3


LABELS = {
    "label pod client a=b a-": "error: can not both modify and remove a label in the same command",
    "label pod client": "error: at least one label update is required",
    "label a=b": "error: one or more resources must be specified as <resource> <name> or <resource>/<name>",
    "label pod a=b client": "error: all resources must be specified before label changes: client",
    "label pods a=b": "error: resource(s) were provided, but no name was specified",
    "label pod client old=new": "error: 'old' already has a value (x), and --overwrite is false",
    "label pod client a='b c'": 'error: invalid label value: "a=b c": a valid label must be an empty string or consist of',
    "label pod client a=b=c": "error: invalid label spec: a=b=c",
    "label pod nobody a=b": 'Error from server (NotFound): pods "nobody" not found',
    "annotate pod client": "error: at least one annotation update is required",
    "label pods --all -l a=b c=d": "error: cannot set --all and --selector at the same time",
}


@pytest.mark.parametrize("line", LABELS)
def test_wrong_labels(cluster: Cluster, line: str) -> None:
    out(cluster, "label pod client old=x")
    assert refused(cluster, line).startswith(LABELS[line])
    assert cluster.pods[0].labels == {"old": "x"}


def test_labels_of_many_and_what_kubectl_says_of_each(cluster: Cluster) -> None:
    cluster.add_pod("other", labels={"a": "b"})
    assert out(cluster, "label pods --all a=b --overwrite") == "pod/client labeled\npod/other not labeled\n"
    assert out(cluster, "label pods -l a=b x=y") == "pod/client labeled\npod/other labeled\n"
    assert out(cluster, "label pod client nix-") == 'label "nix" not found.\npod/client not labeled\n'
    assert out(cluster, "label pod client --list") == "a=b\nx=y\n"
    assert out(cluster, "label pod client x- -o name") == "pod/client\n"


def test_annotate_changes_what_a_program_listens_on(cluster: Cluster) -> None:
    cluster.add_pod("web")
    assert out(cluster, "annotate pod web k8snet-course/listen=8080") == "pod/web annotated\n"
    assert (verdict(cluster, "web", 8080), verdict(cluster, "web", 80)) == ("delivered", "refused")
    assert refused(cluster, "annotate pod web k8snet-course/listen=81").startswith(
        "error: --overwrite is false but found the following declared annotation(s): 'k8snet-course/listen' already has a "
        "value")
    assert out(cluster, "annotate pod web k8snet-course/listen-") == "pod/web annotated\n"
    assert verdict(cluster, "web", 80) == "delivered"


PATCHES = {
    "strategic": """patch service web -p '{"spec": {"type": "NodePort", "ports": [{"port": 80, "nodePort": 30090}]}}'""",
    "merge": """patch svc/web --type=merge -p '{spec: {type: NodePort, ports: [{port: 80, nodePort: 30090}]}}'""",
    "json": """patch svc web --type json -p '[{"op": "replace", "path": "/spec/ports/0/port", "value": 80},
               {"op": "add", "path": "/spec/type", "value": "NodePort"},
               {"op": "add", "path": "/spec/ports/0/nodePort", "value": 30090}]'""",
}


@pytest.mark.parametrize("kind", PATCHES)
def test_patch(cluster: Cluster, kind: str) -> None:
    out(cluster, "apply -f -", WEB)
    assert out(cluster, PATCHES[kind]) == "service/web patched\n"
    assert str(cluster.send("laptop", "node-1", port=30090).verdict) == "delivered"
    assert out(cluster, PATCHES[kind].replace('"add", "path": "/spec/type"', '"replace", "path": "/spec/type"')).startswith(
        "service/web patched (no change)")


def test_patches_that_are_refused(cluster: Cluster) -> None:
    out(cluster, "apply -f -", WEB)
    assert refused(cluster, """patch svc web -p '{"spec": {"clusterIP": "10.96.0.77"}}'""") == (
        'The Service "web" is invalid: spec.clusterIPs[0]: Invalid value: ["10.96.0.77"]: may not change once set')
    assert refused(cluster, """patch deploy web -p '{"spec": {"selector": {"matchLabels": {"app": "x"}}}}'""").startswith(
        'The Deployment "web" is invalid: spec.template')
    assert refused(cluster, "patch svc web").startswith("error: must specify --patch or --patch-file")
    assert refused(cluster, "patch svc web --type=json -p '[{op: remove, path: /spec/nix}]'").startswith(
        "Error from server (BadRequest)")


def test_set_image_makes_other_pods(cluster: Cluster) -> None:
    out(cluster, "apply -f -", WEB)
    before = {pod.name for pod in cluster.pods}
    assert out(cluster, "set image deployment/web nginx=nginx:1.29") == "deployment.apps/web image updated\n"
    assert {pod.name for pod in cluster.pods} & before == {"client"} and len(cluster.pods) == 3
    assert out(cluster, "set image pod/client *=busybox") == "pod/client image updated\n"
    assert refused(cluster, "set image pod/client db=postgres") == 'error: unable to find container named "db"'
    assert refused(cluster, "set image pod/client") == "error: at least one image update is required"


# -- delete -----------------------------------------------------------------------------------------------------------


def test_delete_by_names_labels_and_all(cluster: Cluster) -> None:
    for name in ("a", "b", "c"):
        cluster.add_pod(name, labels={"x": name})
    assert out(cluster, "delete pod a") == 'pod "a" deleted from default namespace\n'
    assert out(cluster, "delete pods -l x=b") == 'pod "b" deleted from default namespace\n'
    assert out(cluster, "delete pods -l x=b") == "No resources found\n"
    assert out(cluster, "delete po/c -o name") == "pod/c\n"
    assert refused(cluster, "delete pod a") == 'Error from server (NotFound): pods "a" not found'
    assert cluster.kubectl("delete pod a --ignore-not-found").code == 0
    assert refused(cluster, "delete pods") == "error: resource(s) were provided, but no name was specified"
    out(cluster, "create namespace shop")
    cluster.add_pod("z", namespace="shop")
    assert out(cluster, "delete namespace shop") == 'namespace "shop" deleted\n'
    assert out(cluster, "delete pods --all") == 'pod "client" deleted from default namespace\n'
    assert cluster.pods == ()


def test_deleting_a_pod_of_a_deployment_brings_another_one(cluster: Cluster) -> None:
    out(cluster, "apply -f -", WEB)
    out(cluster, "delete pods -l app=web")
    assert len(cluster.pods) == 3 and verdict(cluster, "web") == "delivered"
    assert out(cluster, "delete deployment,svc web") == (
        'deployment.apps "web" deleted from default namespace\nservice "web" deleted from default namespace\n')
    assert [pod.name for pod in cluster.pods] == ["client"]


def test_warnings_and_refusals_of_delete(cluster: Cluster) -> None:
    reply = cluster.kubectl("delete pod client --force")
    assert reply.out == 'pod "client" force deleted from default namespace\n' and reply.code == 0
    assert reply.err.startswith("Warning: Immediate deletion does not wait for confirmation")
    assert refused(cluster, "delete namespace default") == (
        'Error from server (Forbidden): namespaces "default" is forbidden: this namespace may not be deleted')
    assert refused(cluster, "delete pods --all --selector=a=b") == (
        "error: setting 'all' parameter but found a non empty selector. ")


# -- what the API server refuses ----------------------------------------------------------------------------------------

SERVICE = "{{apiVersion: v1, kind: Service, metadata: {{name: {name}}}, spec: {{{spec}}}}}\n"
REFUSED = {
    # what is wrong: (the manifest, what the API server says, a word of the model's own sentence)
    "a node port that is taken": (SERVICE.format(name="b", spec="type: NodePort, ports: [{port: 30080, nodePort: 30080}]"),
        'The Service "b" is invalid: spec.ports[0].nodePort: Invalid value: 30080: provided port is already allocated',
        "ask for another"),
    "a node port out of range": (SERVICE.format(name="b", spec="type: NodePort, ports: [{port: 80, nodePort: 80}]"),
        ('The Service "b" is invalid: spec.ports[0].nodePort: Invalid value: 80: provided port is not in the valid range. The '
        'range '
        "of valid ports is 30000-32767"), "ask for one of these"),
    "a cluster IP that is taken": (SERVICE.format(name="b", spec="clusterIP: 10.96.0.20, ports: [{port: 80}]"),
        ('The Service "b" is invalid: spec.clusterIP: Invalid value: "10.96.0.20": failed to allocate IP 10.96.0.20: provided '
        'IP is '
        "already allocated"), "ask for another"),
    "no ports": (SERVICE.format(name="b", spec="ports: []"), 'The Service "b" is invalid: spec.ports: Required value', ("- "
                                                                                                                       "port: "
                                                                                                                       "80")),
    "a word that is no choice": (SERVICE.format(name="b", spec="ports: [{port: 80, protocol: udp}]"),
        'The Service "b" is invalid: spec.ports[0].protocol: Unsupported value: "udp": supported values: "SCTP", "TCP", "UDP"',
        "write TCP"),
    "a number out of range": (SERVICE.format(name="b", spec="ports: [{port: 0}]"),
        'The Service "b" is invalid: spec.ports[0].port: Invalid value: 0: must be between 1 and 65535, inclusive', "65535"),
    "a name with capitals": (SERVICE.format(name="Web", spec="ports: [{port: 80}]"),
        ('The Service "Web" is invalid: metadata.name: Invalid value: "Web": a lowercase RFC 1123 label must consist of lower '
        'case '
        "alphanumeric characters or '-'"), "write 'web'"),
    "a kind that is not there": ("{apiVersion: v1, kind: Pood, metadata: {name: a}}\n",
        ('error: resource mapping not found for name: "a" namespace: "" from "STDIN": no matches for kind "Pood" in version '
        '"v1"'),
        "kind: Pod"),
    "the version of another kind": ("{apiVersion: v1, kind: Deployment, metadata: {name: a}}\n",
        ('error: resource mapping not found for name: "a" namespace: "" from "STDIN": no matches for kind "Deployment" in '
        'version "v1"'), "apps/v1"),
    "no kind": ("{apiVersion: v1, metadata: {name: a}}\n",
        'error: error validating "STDIN": error validating data: kind not set; if you choose to ignore these errors', "a kind"),
    "a selector that changes": (WEB.split("---")[0].replace("app: web", "app: x"),
        'The Deployment "web" is invalid: spec.selector: Invalid value: {"matchLabels":{"app":"x"}}: field is immutable',
        "kubectl delete deployment web first"),
    "no YAML": ("a: [\n", "error: error parsing STDIN: error converting YAML to JSON: line ", "look at this line"),
    "no name": ("{apiVersion: v1, kind: Pod, metadata: {}, spec: {containers: [{name: a, image: nginx}]}}\n",
                "error: resource name may not be empty", "name"),
    "nothing": ("\n", "error: no objects passed to apply", ""),
}


WRONG_TYPES = {
    # the place in a Pod's spec or metadata: (a wrong value, what the API server says after "cannot unmarshal")
    "ports: [{containerPort: '80'}]": "string into Go struct field ContainerPort.spec.containers.ports.containerPort of type "
                                      "int32",
    "image: 5": "number into Go struct field Container.spec.containers.image of type string",
    "ports: {containerPort: 80}": "object into Go struct field Container.spec.containers.ports of type []v1.ContainerPort",
    "ports: [80]": "number into Go struct field Container.spec.containers.ports of type v1.ContainerPort",
}


@pytest.mark.parametrize("wrong", WRONG_TYPES)
def test_values_of_a_wrong_type(cluster: Cluster, wrong: str) -> None:
    text = f"apiVersion: v1\nkind: Pod\nmetadata: {{name: a}}\nspec:\n  containers:\n  - name: a\n    {wrong}\n"
    more = "" if "image" in wrong else "    image: nginx\n"
    first, second = cluster.kubectl("apply -f -", f"{text}{more}").err.splitlines()
    said, cannot, rest = first.partition(": json: cannot unmarshal ")
    assert cannot and rest == WRONG_TYPES[wrong]
    assert said == 'Error from server (BadRequest): error when creating "STDIN": Pod in version "v1" cannot be handled as a Pod'
    assert second.startswith("line 7: ")


def test_labels_that_are_no_texts(cluster: Cluster) -> None:
    assert refused(cluster, "apply -f -", POD.replace("app: a", "app: 1")).endswith(
        "json: cannot unmarshal number into Go struct field ObjectMeta.metadata.labels of type string")
    assert refused(cluster, "apply -f -", SERVICE.format(name="b", spec="ports: [{port: 80, targetPort: '80'}]")) == (
        'The Service "b" is invalid: spec.ports[0].targetPort: Invalid value: "80": must contain at least one letter (a-z)')


@pytest.mark.parametrize("what", REFUSED)
def test_what_the_api_server_refuses(cluster: Cluster, what: str) -> None:
    text, said, taught = REFUSED[what]
    out(cluster, "apply -f -", WEB)
    out(cluster, "apply -f -", SERVICE.format(name="a", spec="type: NodePort, clusterIP: 10.96.0.20, "
                                              "ports: [{port: 80, nodePort: 30080}]"))
    before = cluster.services, cluster.pods, cluster.objects("deployments")
    reply = cluster.kubectl("apply -f -", text)
    assert (reply.out, reply.code) == ("", 1)
    assert reply.err.startswith(said) and taught in reply.err, reply.err
    assert (cluster.services, cluster.pods, cluster.objects("deployments")) == before


OPERATIONS = (
    "delete pod {}", "label pod {} app=other --overwrite", "label pod {} app=web --overwrite", "apply -f -",
    "scale deployment web --replicas={number}", "delete pods -l app=other",
    "patch deployment web -p '{{spec: {{replicas: {number}}}}}'",
)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.sampled_from(OPERATIONS), st.integers(0, 5)), max_size=12))
def test_a_deployment_has_its_pods_whatever_is_done(operations: list[tuple[str, int]]) -> None:
    cluster = Cluster(nodes=2)
    replicas = 2
    assert cluster.kubectl("apply -f -", WEB).code == 0
    for line, number in operations:
        name = cluster.pods[number % len(cluster.pods)].name if cluster.pods else "nobody"
        cluster.kubectl(line.format(name, number=number), WEB)
        replicas = number if "number" in line else 2 if line.startswith("apply") else replicas
        (web,) = cluster.objects("deployments")
        own = {pod.name for pod in web.pods()}
        there = {pod.name: pod for pod in cluster.pods}
        assert (web.replicas, len(own)) == (replicas, replicas) and own <= set(there)
        assert all(web.selector.matches(there[each].labels) for each in own)
        ready = {pod.ip for pod in cluster.pods if pod.labels["app"] == "web"}
        assert len(ready) == replicas
        assert endpoints(cluster, "web") == ready


def test_no_room_for_a_pod() -> None:
    cluster = Cluster(node_mask_size=30)
    cluster.add_pod("a")
    reply = cluster.kubectl("create deployment web --image=nginx --replicas=5")
    assert reply.code == 1 and "Pending" in reply.err and cluster.objects("deployments") == () and len(cluster.pods) == 1
