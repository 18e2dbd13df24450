"""Verbs that talk to a pod or about kubectl itself: exec, debug, port-forward, logs, config, api-resources, version, help.

Texts: kubectl's sources of these verbs.  What a pod answers is the shell's and the walk's matter, and tested there.
"""

from __future__ import annotations

import pytest

from k8snet_course import Cluster
from k8snet_course.kubectl import resources
from k8snet_course.kubectl.flags import GLOBAL
from k8snet_course.kubectl.forward import Forward
from k8snet_course.kubectl.verbs import ELSEWHERE, Verb, names, verb

DENY = ("{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: deny}, spec: {podSelector: {}, "
        "policyTypes: [Ingress, Egress]}}")


@pytest.fixture
def cluster() -> Cluster:
    made = Cluster(nodes=2, cni="calico")
    made.add_pod("client", image="busybox")
    made.add_pod("two", containers={"web": "nginx", "tool": "busybox"}, labels={"app": "two"})
    return made


def out(cluster: Cluster, line: str, stdin: str | None = None) -> str:
    reply = cluster.kubectl(line, stdin)
    assert (reply.err, reply.code) == ("", 0), reply
    return reply.out


def refused(cluster: Cluster, line: str) -> str:
    reply = cluster.kubectl(line)
    assert (reply.out, reply.code) == ("", 1), reply
    return reply.err


# -- exec and debug -----------------------------------------------------------------------------------------------------


def test_exec_runs_the_shell_of_the_model(cluster: Cluster) -> None:
    for command in ("ip route", "hostname", "cat /etc/resolv.conf"):
        assert out(cluster, f"exec client -- {command}") == cluster.exec("client", command).out
    assert out(cluster, "exec pod/client -n default -- sh -c 'ip route | grep default'").startswith("default via ")
    assert out(cluster, "exec -i client -- sh", "hostname\n") == "client\n"


def test_the_container_and_what_is_said_where_none_is_named(cluster: Cluster) -> None:
    reply = cluster.kubectl("exec two -- hostname")
    assert (reply.out, reply.err, reply.code) == ("two\n", 'Defaulted container "web" out of: web, tool\n', 0)
    assert out(cluster, "exec two -c tool -- ip route") == cluster.exec("two", "ip route", container="tool").out
    assert refused(cluster, "exec two -c db -- ip route").startswith(
        "Error from server (BadRequest): container db is not valid for pod two\n")


def test_the_exit_code_comes_back(cluster: Cluster) -> None:
    reply = cluster.kubectl("exec client -- nslookup nowhere")
    assert reply.code == 1 and reply.err.endswith("command terminated with exit code 1\n") and "NXDOMAIN" in reply.out
    reply = cluster.kubectl("exec two -c web -- ip route")
    assert reply.code == 127 and 'exec: "ip": executable file not found in $PATH' in reply.err


def test_exec_by_service_and_workload(cluster: Cluster) -> None:
    out(cluster, "create service clusterip two --tcp=80")
    assert out(cluster, "exec svc/two -c tool -- hostname") == "two\n"
    out(cluster, "create deployment web --image=busybox --replicas=2")
    first = min(pod.name for pod in cluster.pods if pod.name.startswith("web-"))
    assert out(cluster, "exec deploy/web -- hostname") == f"{first}\n"
    cluster.set_state(first, ready=False)
    assert out(cluster, "exec deploy/web -- hostname") != f"{first}\n", "a pod that is ready comes first"
    out(cluster, "create service clusterip empty --tcp=80")
    assert refused(cluster, "exec svc/empty -- hostname").startswith("error: timed out waiting for the condition")


def test_debug_brings_its_tools(cluster: Cluster) -> None:
    assert out(cluster, "debug two --image=busybox -- ip route") == cluster.exec("two", "ip route", image="busybox").out
    assert refused(cluster, "debug two -- ip route").startswith("error: you must specify --image")


WRONG = {
    "exec": "error: pod, type/name or --filename must be specified",
    "exec client": "error: you must specify at least one command for the container",
    "exec client ip route": "error: exec [POD] [COMMAND] is not supported anymore. Use exec [POD] -- [COMMAND] instead",
    "exec nobody -- ip route": 'Error from server (NotFound): pods "nobody" not found',
    "exec -it client -- sh": "error: unable to use a TTY - input is not a terminal or the right kind of file",
    "exec ns/default -- ls": "error: cannot attach to Namespace: not implemented",
    "logs client": "error: this course knows on which ports the programs in client listen, but does not run them",
    "logs nobody": 'error: error from server (NotFound): pods "nobody" not found in namespace "default"',
    "logs two -c db": "Error from server (BadRequest): container db is not valid for pod two",
    "logs": "error: expected 'logs [-f] [-p] (POD | TYPE/NAME) [-c CONTAINER]'.",
    "port-forward two": "error: TYPE/NAME and list of ports are required for port-forward",
    "port-forward two http": "error: Pod 'two' does not have a named port 'http'",
    "port-forward two 8080:": "error: remote port cannot be empty",
    "port-forward svc/dns 53": "error: UDP protocol is not supported for 53",
    "port-forward svc/dns 81": "error: Service dns does not have a service port 81",
    "port-forward svc/dns web": "error: Service 'dns' does not have a named port 'web'",
    "port-forward svc/lost 80": "error: invalid service 'lost': Service is defined without a selector",
    "config set-context": "error: you must specify a non-empty context name or --current",
    "config set-context other --namespace=x": "error: this kubectl has the one context course, not other",
    "config set-context --current --namespace=X": "error: invalid name 'X'",
    "config use-context other": 'error: no context exists with the name: "other"',
    "config": "error: you must say what to do with the configuration",
    "api-resources pods": "error: unexpected arguments: [pods]",
    "api-resources -o yaml": "error: --output yaml is not available",
    "version -o wide": "error: --output must be 'yaml' or 'json'",
    "help nix": 'error: unknown command "nix" for "kubectl"',
    "help create nix": 'Unknown help topic "create nix"',
    "cluster-info dump": 'error: unknown command "dump" for "kubectl cluster-info"',
    "get pods --nix": "error: unknown flag: --nix\nSee 'kubectl get --help' for usage.",
}


@pytest.mark.parametrize("line", WRONG)
def test_mistakes(cluster: Cluster, line: str) -> None:
    cluster.apply("{apiVersion: v1, kind: Service, metadata: {name: dns}, spec: {selector: {app: two}, ports: "
                  "[{name: dns, port: 53, protocol: UDP}]}}")
    cluster.apply("{apiVersion: v1, kind: Service, metadata: {name: lost}, spec: {ports: [{port: 80}]}}")
    assert refused(cluster, line).startswith(WRONG[line])


# -- port-forward -------------------------------------------------------------------------------------------------------


def test_a_forwarded_port_is_on_the_pods_localhost_and_no_policy_is_asked(cluster: Cluster) -> None:
    cluster.add_pod("admin", listen="127.0.0.1:9090")
    cluster.apply(DENY)
    assert str(cluster.send("client", "two").verdict) == "denied_egress"
    reply = cluster.kubectl("port-forward pod/two 8080:80")
    assert reply.out == "Forwarding from 127.0.0.1:8080 -> 80\nForwarding from [::1]:8080 -> 80\nHandling connection for 8080\n"
    assert reply.code == 0 and f"kubelet on {cluster.pods[1].node}" in reply.err
    (forward,) = reply.value
    trace = forward.trace
    assert str(trace.verdict) == "delivered" and [hop.device for hop in trace.hops] == ["default/two"]
    assert all("policy" not in step.why for hop in trace.hops for step in hop.steps)
    (other,) = cluster.kubectl("port-forward admin 9090").value
    assert str(other.trace.verdict) == "delivered", "though nobody else gets there"


def test_it_ends_with_the_pod_and_does_not_go_to_another_of_its_name(cluster: Cluster) -> None:
    (forward,) = cluster.kubectl("port-forward two 8080:80").value
    assert isinstance(forward, Forward) and repr(forward) == "localhost:8080 -> two:80"
    assert forward.connect().out == "Handling connection for 8080\n"
    cluster.delete("pod", "two")
    assert forward.connect().err.startswith("error: lost connection to pod\n") and repr(forward).endswith("(lost)")
    cluster.add_pod("two")
    assert forward.connect().code == 1, "another pod, whatever it is called"


def test_a_service_is_only_a_way_to_find_a_pod(cluster: Cluster) -> None:
    cluster.apply("{apiVersion: v1, kind: Service, metadata: {name: web}, spec: {selector: {app: two}, ports: "
                  "[{name: http, port: 8000, targetPort: 80}]}}")
    for port, local in (("9000:8000", 9000), ("8000", 8000), ("http", 8000), (":http", 32768)):
        reply = cluster.kubectl(f"port-forward svc/web {port}")
        assert reply.out.startswith(f"Forwarding from 127.0.0.1:{local} -> 80\n") and not reply.value[0].trace.nat
    reply = cluster.kubectl("port-forward svc/web 9000:8000 --address 0.0.0.0")
    assert reply.out.startswith("Forwarding from 0.0.0.0:9000 -> 80\nHandling")


def test_nobody_listens(cluster: Cluster) -> None:
    reply = cluster.kubectl("port-forward two 8080:81 8081:80")
    assert reply.code == 1 and "connect: connection refused" in reply.err
    assert "no program there listens on TCP port 81" in reply.err
    assert [str(each.trace.verdict) for each in reply.value] == ["refused", "delivered"]


# -- about kubectl itself -----------------------------------------------------------------------------------------------


def test_the_namespace_of_the_context(cluster: Cluster) -> None:
    assert out(cluster, "config current-context") == "course\n"
    out(cluster, "create namespace shop")
    assert out(cluster, "config set-context --current --namespace=shop") == 'Context "course" modified.\n'
    assert out(cluster, "run web --image=nginx") == "pod/web created\n"
    assert [pod.key for pod in cluster.pods][-1] == "shop/web"
    assert out(cluster, "config get-contexts") == (
        "CURRENT   NAME     CLUSTER   AUTHINFO   NAMESPACE\n*         course   course    course     shop\n")
    assert "    namespace: shop\n" in out(cluster, "config view --minify")
    assert out(cluster, "delete pod web") == 'pod "web" deleted from shop namespace\n'
    out(cluster, "config set-context course --namespace default")
    assert out(cluster, "get pods -o name") == "pod/client\npod/two\n"
    assert Cluster().kubectl("config get-contexts").out.endswith("course     \n"), "another cluster, another kubectl"


def test_api_resources(cluster: Cluster) -> None:
    text = out(cluster, "api-resources")
    lines = text.splitlines()
    assert lines[0] == "NAME                     SHORTNAMES   APIVERSION                          NAMESPACED   KIND"
    assert "pods                     po           v1                                  true         Pod" in lines
    assert "endpointslices                        discovery.k8s.io/v1                 true         EndpointSlice" in lines
    assert len(lines) == 1 + len(resources.RESOURCES)
    assert out(cluster, "api-resources -o name --api-group=apps") == "deployments.apps\nreplicasets.apps\n"
    wide_ones = out(cluster, "api-resources --namespaced=false --no-headers --sort-by=name").splitlines()
    assert [line.split()[0] for line in wide_ones] == [
        "clusternetworkpolicies", "gatewayclasses", "ingressclasses", "namespaces", "nodes"]
    wide = out(cluster, "api-resources -o wide --categories=all --no-headers").splitlines()
    assert [line.split()[0] for line in wide] == ["pods", "services", "deployments", "replicasets"]
    assert all(line.endswith("create,delete,get,list,patch,update,watch   all") for line in wide)


def test_version_and_cluster_info(cluster: Cluster) -> None:
    client, server = out(cluster, "version").splitlines()
    assert client.replace("Client", "Server") == server
    assert out(cluster, "version --client") == f"{client}\n"
    assert "10.96.0.10" in out(cluster, "cluster-info")
    cluster.apply("{apiVersion: v1, kind: Service, metadata: {name: kube-dns, namespace: kube-system, labels: {kubernetes.io/"
                  "cluster-service: 'true', kubernetes.io/name: CoreDNS}}, spec: {clusterIP: 10.96.0.10, ports: [{port: 53}]}}")
    assert "CoreDNS is running at 10.96.0.10\n" in out(cluster, "cluster-info")


def every_verb(found: dict[str, Verb], before: str = "") -> list[tuple[str, Verb]]:
    return [each for name, one in found.items()
            for each in [(f"{before}{name}", one), *every_verb(dict(one.verbs), f"{before}{name} ")]]


VERBS = every_verb({name: found for name in names() if (found := verb(name)) is not None})


@pytest.mark.parametrize(("name", "found"), VERBS, ids=[name for name, _ in VERBS])
def test_every_verb_has_help_made_from_its_flags(cluster: Cluster, name: str, found: Verb) -> None:
    text = out(cluster, f"{name} --help")
    assert text == out(cluster, f"{name} -h") == out(cluster, f"help {name}")
    for flag in found.flags:
        assert f"--{flag.name}=" in text and f"        {flag.help}\n" in text
    assert len({flag.name for flag in (*found.flags, *GLOBAL)}) == len(found.flags) + len(GLOBAL)
    shorts = [flag.short for flag in (*found.flags, *GLOBAL) if flag.short]
    assert len(set(shorts)) == len(shorts)
    for line in found.examples:
        assert line.startswith(name.partition(" ")[0])


def test_overview_and_options(cluster: Cluster) -> None:
    text = out(cluster, "")
    assert text == out(cluster, "help") == out(cluster, "--help")
    assert all(f"\n  {name} " in text for name in names())
    assert all(f"--{flag.name}=" in out(cluster, "options") for flag in GLOBAL)


@pytest.mark.parametrize("name", ELSEWHERE)
def test_a_verb_of_the_real_one_says_what_to_do_instead(cluster: Cluster, name: str) -> None:
    first, second = refused(cluster, f"{name} pods").splitlines()
    assert first == f'error: this course\'s kubectl has no "{name}"' and second == ELSEWHERE[name]
    assert name not in names()
