"""The magics in a real kernel: what is shown, which cluster is meant, and what the Tab key offers."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import nbformat
import pytest
from jupyter_client.manager import start_new_kernel
from nbclient import NotebookClient

from k8snet_course import Cluster
from tests.notebooks.nbval import NO_KERNEL

ROOT = Path(__file__).parents[2]
T = TypeVar("T")


class Kernel:
    """A kernel as a notebook uses it."""

    def __init__(self, client: Any) -> None:
        self.client = client

    def run(self, code: str) -> list[tuple[str, str]]:
        """What a cell shows: the kind of each output and its text."""
        shown: list[tuple[str, str]] = []

        def hook(message: dict[str, Any]) -> None:
            kind, content = message["msg_type"], message["content"]
            if kind in ("display_data", "execute_result"):
                shown.append((kind, content["data"]["text/plain"]))
            elif kind == "stream":
                shown.append((content["name"], content["text"]))
            elif kind == "error":
                shown.append((kind, f"{content['ename']}: {content['evalue']}"))

        self.client.execute_interactive(code, output_hook=hook, timeout=60)
        return shown

    def complete(self, code: str) -> tuple[list[str], str]:
        """What the Tab key offers at the end of the code, and the part that it would replace."""
        self.client.complete(code, len(code))
        content = self.client.get_shell_msg(timeout=60)["content"]
        return content["matches"], code[content["cursor_start"]:content["cursor_end"]]


def begun(begin: Callable[[], T]) -> T:
    """What begins a kernel is tried again if somebody else took one of its ports in the meantime."""
    for _ in range(2):
        try:
            return begin()
        except RuntimeError as problem:
            if NO_KERNEL not in str(problem):
                raise
    return begin()


@pytest.fixture(scope="module")
def kernel() -> Iterator[Kernel]:
    manager, client = begun(lambda: start_new_kernel(
        kernel_name="python3", env={**os.environ, "PYTHONPATH": str(ROOT)}, cwd=ROOT))
    try:
        made = Kernel(client)
        assert made.run("%load_ext k8snet_course\nfrom k8snet_course import Cluster") == []
        yield made
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


@pytest.fixture(autouse=True)
def fresh(kernel: Kernel) -> None:
    kernel.run("for _name in [n for n, v in globals().items() if isinstance(v, Cluster)]: del globals()[_name]\n"
               "cluster = Cluster(nodes=2)")


def test_lines_and_cells(kernel: Kernel) -> None:
    shown = kernel.run("%kubectl run web --image=nginx\n%kubectl get pods")
    assert shown == [("display_data", "pod/web created"),
                     ("display_data", "NAME   READY   STATUS    RESTARTS   AGE\nweb    1/1     Running   0          0s")]
    body = "apiVersion: v1\nkind: Service\nmetadata: {name: web}\nspec: {selector: {run: web}, ports: [{port: 80}]}"
    assert kernel.run(f"%%kubectl apply -f -\n{body}") == [("display_data", "service/web created")]
    assert kernel.run("print(cluster.send('node-1', 'svc/web').verdict)") == [("stdout", "delivered\n")]


def test_several_commands_in_one_cell(kernel: Kernel) -> None:
    shown = kernel.run("%%kubectl\n# two pods\nrun a --image=nginx\n\nrun b --image=nginx\ndelete pod a b")
    assert [text for _, text in shown] == [
        "pod/a created", "pod/b created",
        'pod "a" deleted from default namespace\npod "b" deleted from default namespace']


def test_a_text_that_nothing_reads(kernel: Kernel) -> None:
    ((stream, text),) = kernel.run("%%kubectl get pods\nkind: Pod")
    assert stream == "stderr" and "Write %%kubectl get pods -f - for a manifest, or leave the line empty" in text
    assert kernel.run("%%kubectl get pods\n\n") == [("display_data", "No resources found in default namespace.")]


def test_a_watch_is_a_display_that_changes(kernel: Kernel) -> None:
    (shown,) = kernel.run("%kubectl get pods -o name --watch")
    assert shown[0] == "display_data"
    kernel.run("%kubectl run web --image=nginx")
    kernel.run("watch = cluster.kubectl('get pods -w')\ncluster.add_pod('db')")
    assert "db" in kernel.run("print(watch)")[0][1]


def test_a_mistake_is_told_and_raises_nothing(kernel: Kernel) -> None:
    shown = kernel.run("%kubectl get pod x\nprint('on')")
    assert shown == [("display_data", 'Error from server (NotFound): pods "x" not found'), ("stdout", "on\n")]
    assert kernel.run("_kubectl.code") == [("execute_result", "1")]
    assert kernel.run("%kubectl delete pods --all --dry-run=client") == [("display_data", "No resources found")]


def test_variables_are_put_in_as_ipython_does(kernel: Kernel) -> None:
    kernel.run("name, number = 'web', 3")
    assert kernel.run("%kubectl create deployment $name --image=nginx --replicas={number - 1}") == [
        ("display_data", "deployment.apps/web created")]
    assert kernel.run("%kubectl get deploy -o jsonpath='{.items[*].spec.replicas}'") == [("display_data", "2")]
    assert kernel.run("""%kubectl patch deploy web -p '{"spec": {"replicas": 1}}'""") == [
        ("display_data", "deployment.apps/web patched")]


def test_which_cluster(kernel: Kernel) -> None:
    assert kernel.run("other = Cluster()\n%kubectl get nodes -o name") == [("display_data", "node/node-1\nnode/node-2")]
    assert kernel.run("%kubectl --cluster other get nodes -o name") == [("display_data", "node/node-1")]
    assert kernel.run("%kubectl get nodes -o name --cluster=other") == [("display_data", "node/node-1")]
    assert kernel.run("del cluster\n%kubectl get nodes -o name") == [("display_data", "node/node-1")]
    (shown,) = kernel.run("second = Cluster()\n%kubectl get nodes")
    assert shown[0] == "stderr" and shown[1] == (
        "UsageError: several variables hold a cluster: other, second. "
        "Say which one: %kubectl --cluster other get pods\n")
    (shown,) = kernel.run("%kubectl --cluster third get nodes")
    assert shown[1].startswith("UsageError: the variable third holds no cluster. There is one in other, second.")
    (shown,) = kernel.run("del other, second\n%kubectl get nodes")
    assert shown[1] == "UsageError: no variable holds a cluster yet. Make one first: cluster = Cluster(nodes=2)\n"


def test_the_tab_key(kernel: Kernel) -> None:
    kernel.run("other = Cluster(nodes=3)\ncluster.add_pod('web-1'), cluster.add_pod('web-2', namespace='shop')")
    for code, matches, replaced in (
        ("%kubectl g", ["get"], "g"),
        ("x = 1\n%kubectl get po", ["pods"], "po"),
        ("%kubectl get pods w", ["web-1"], "w"),
        ("%kubectl get pods -n sh", ["shop"], "sh"),
        ("%kubectl get pods -n=sh", ["shop"], "sh"),
        ("%kubectl get pods --output=wi", ["wide"], "wi"),
        ("%kubectl get pods --all-n", ["--all-namespaces"], "--all-n"),
        ("%kubectl get pod/w", ["pod/web-1"], "pod/w"),
        ("%kubectl --cluster ot", ["other"], "ot"),
        ("%kubectl --cluster other get nodes node-3", [], ""),
        ("%kubectl --cluster other get nodes ", ["node-1", "node-2", "node-3"], ""),
        ("%%kubectl app", ["apply"], "app"),
        ("%%kubectl\nget pods\ndescribe node", ["nodes"], "node"),
        ("%kubectl explain svc.spec.sel", ["svc.spec.selector"], "svc.spec.sel"),
        ("    %kubectl describe nodes node", ["node-1", "node-2"], "node"),
    ):
        found = kernel.complete(code)
        assert not matches or found == (matches, replaced), code
    assert "cluster" in kernel.complete("clus")[0], "other cells are completed as ever"
    assert kernel.complete("%kub")[0] == ["%kubectl"] or "%kubectl" in kernel.complete("%kub")[0]


def test_files_after_minus_f_are_still_completed(kernel: Kernel) -> None:
    assert any("pyproject.toml" in each for each in kernel.complete("%kubectl apply -f pypro")[0])


def test_stored_outputs_stay_the_same() -> None:
    cells = ["%load_ext k8snet_course\nfrom k8snet_course import Cluster\ncluster = Cluster(nodes=2, cni='calico')",
             "%kubectl create deployment web --image=nginx --replicas=2\n%kubectl expose deployment web --port=80",
             "%kubectl get all -o wide", "%kubectl get pods -o yaml", "%kubectl port-forward svc/web 8080:80",
             "%kubectl run tmp --rm -i --image=busybox --restart=Never -- wget -qO- http://web"]
    outputs = []
    for _ in range(2):
        book = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(text) for text in cells])
        where = {"metadata": {"path": str(ROOT)}}
        client = NotebookClient(book, timeout=120, kernel_name="python3", resources=where)
        begun(lambda client=client: client.execute(env={**os.environ, "PYTHONPATH": str(ROOT)}))
        outputs.append([[dict(each)["data"] for each in cell.outputs] for cell in book.cells])
    assert outputs[0] == outputs[1] and all(outputs[0][1:])
    assert all(set(each) == {"text/plain"} for cell in outputs[0] for each in cell)
    assert not any("0x7" in each["text/plain"] for cell in outputs[0] for each in cell)


def test_a_notebook_without_kubectl_pays_nothing() -> None:
    import subprocess
    import sys

    code = "import sys, k8snet_course; print([m for m in sys.modules if 'kubectl' in m or 'IPython' in m])"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
    assert Cluster().kubectl("version").code == 0
