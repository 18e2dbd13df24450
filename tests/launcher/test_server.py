"""A real JupyterLab, started by the command: the right kernel, the right notebook, no question to the outside."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

TOKEN = "a-token-for-the-tests"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wrong_kernel(share: Path) -> None:
    folder = share / "kernels" / "python3"
    folder.mkdir(parents=True)
    spec = {"argv": ["/no/such/python", "-m", "wrong"], "display_name": "Wrong", "language": "python"}
    (folder / "kernel.json").write_text(json.dumps(spec))


@pytest.fixture(scope="module")
def server(tmp_path_factory, small_clone_maker) -> Iterator[Callable[[str], str]]:
    """A server started by the `cli` in the environment that runs the tests, on a machine with misleading kernels."""
    folder = tmp_path_factory.mktemp("server")
    clone = small_clone_maker(folder / "clone", folder / "wheels")
    home = folder / "home"
    wrong_kernel(home / ".local" / "share" / "jupyter")
    wrong_kernel(folder / "misleading")
    port = free_port()
    variables = {"HOME": str(home), "JUPYTER_PATH": str(folder / "misleading"), "JUPYTER_TOKEN": TOKEN}
    process = subprocess.Popen(
        [sys.executable, "-m", "k8snet_course.cli", "lab", "--no-browser", "--port", str(port)],
        cwd=clone.root,
        env={**os.environ, **variables, "PYTHONPATH": str(clone.root)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )

    def get(path: str) -> str:
        request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", headers={"Authorization": f"token {TOKEN}"})
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.read().decode()

    try:
        end = time.monotonic() + 60
        while True:
            try:
                get("/api/status")
                break
            except (urllib.error.URLError, ConnectionError):
                assert process.poll() is None, process.communicate()[0]
                assert time.monotonic() < end, "the server was not reachable within a minute"
                time.sleep(0.1)
        yield get
    finally:
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=30)


def test_the_kernel_is_the_environments_own(server):
    spec = json.loads(server("/api/kernelspecs"))["kernelspecs"]["python3"]["spec"]
    assert spec["display_name"] != "Wrong"
    assert spec["argv"][0] != "/no/such/python"


def test_the_first_notebook_is_there(server):
    assert json.loads(server("/api/contents/notebooks/00_welcome.ipynb"))["type"] == "notebook"


def test_no_news_no_look_for_updates_no_list_of_extensions(server):
    page = server("/lab/tree/notebooks/00_welcome.ipynb")
    start = page.split('<script id="jupyter-config-data" type="application/json">')[1]
    config = json.loads(start.split("</script>")[0])
    assert config["news"] == {"disabled": True}
    assert json.loads(server("/lab/api/news"))["news"] == []
    assert json.loads(server("/lab/api/update"))["notification"] is None
    assert config["extensionManager"]["can_install"] is False
    settings = json.loads(server("/lab/api/settings/@jupyterlab/apputils-extension:notification"))
    defaults = settings["schema"]["properties"]
    assert (defaults["fetchNews"]["default"], defaults["checkForUpdates"]["default"]) == ("false", False)
