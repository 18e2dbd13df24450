"""Labs of somebody who is not root: in a user namespace, by a worker, and not to be seen from outside."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from k8snet_course.cluster import Cluster
from k8snet_course.emulator import EmulatorUnavailable, Lab, Outcome, remote
from k8snet_course.emulator.agreement import compare
from k8snet_course.emulator.lab import blueprint
from k8snet_course.emulator.remote import Remote
from k8snet_course.emulator.seclusion import refusal
from k8snet_course.emulator.spaces import FOLDER
from k8snet_course.errors import NotFound

REAL = pytest.mark.needs("ip", "bridge", "iptables-restore", "nft", "/usr/lib/cni/bridge", "userns")
NOBODY = ("setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", "env")
"""setpriv itself keeps root's capabilities until it starts a program; the next one has none."""


def two_nodes(cni: str = "flannel", proxy: str = "iptables") -> Cluster:
    cluster = Cluster(nodes=2, cni=cni, proxy=proxy)
    for name, node in (("a", 1), ("b", 1), ("c", 2)):
        cluster.add_pod(name, node=f"node-{node}", labels={"app": "web"} if name == "c" else None)
    cluster.apply({"apiVersion": "v1", "kind": "Service", "metadata": {"name": "web"},
                   "spec": {"type": "NodePort", "selector": {"app": "web"}, "ports": [{"port": 80, "nodePort": 30080}]}})
    return cluster


@contextmanager
def secluded(cluster: Cluster) -> Iterator[tuple[Lab, Remote]]:
    """A lab by a worker, also where root could do without."""
    ground = Remote(blueprint(cluster))
    try:
        ground.build()
        yield Lab(cluster, ground), ground
    finally:
        ground.close()


def named(*pids: int) -> set[str]:
    """The namespaces of these processes that can be seen here."""
    names = {path.name for path in FOLDER.iterdir()} if FOLDER.exists() else set()
    return {name for name in names for pid in pids if name.startswith(f"k8snet-{pid}-")}


def ended(pid: int) -> bool:
    """Whether a process is gone, or is gone within a minute."""
    for _ in range(3000):
        status = Path(f"/proc/{pid}/stat")
        if not status.exists() or status.read_text().rpartition(")")[2].split()[0] == "Z":
            return True
        time.sleep(0.02)
    return False


@REAL
@pytest.mark.parametrize(("cni", "proxy"), [("flannel", "iptables"), ("bridge", "nftables"), ("calico-vxlan", "iptables")])
def test_the_worker_does_what_root_does(cni: str, proxy: str) -> None:
    cluster = two_nodes(cni, proxy)
    with secluded(cluster) as (lab, ground):
        assert not named(os.getpid(), ground._process.pid), "nobody outside sees its namespaces"
        probes = [(source, target, port, protocol) for source in ("a", "c", "node-1", "laptop")
                  for target in ("b", "c", "node-2", "web", "internet")
                  for port, protocol in ((80, "TCP"), (81, "TCP"), (53, "UDP"), (None, "ICMP"))]
        assert compare(cluster, lab, probes) == []
        assert lab.send("laptop", "node-2", 30080).reached == "c"
        assert lab.exec("a", "ip route").splitlines()[0].strip() == str(cluster.pod("a").routes[0])
        assert lab.namespaces.keys() >= {"node-1", "default/a"}


@REAL
def test_errors_come_through() -> None:
    with secluded(two_nodes()) as (lab, _):
        with pytest.raises(NotFound, match="nosuchcommand"):
            lab.exec("a", "nosuchcommand")
        assert lab.cni("a")[0]["ips"][0]["address"] == "10.244.0.2/24"
        assert lab.send("a", "b").verdict is Outcome.DELIVERED, "it goes on after errors"


@REAL
def test_a_start_that_fails_says_so_and_ends_the_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    from k8snet_course.emulator import lab
    from k8snet_course.emulator.plan import Cable

    monkeypatch.setattr(lab, "cables", lambda *_: [Cable("node-1", "nonsense", "node-2", "nonsense")])
    with pytest.raises(EmulatorUnavailable, match="ip -batch"), secluded(two_nodes()):
        pytest.fail("it cannot have started")


@REAL
def test_a_killed_worker_and_an_interrupted_question(monkeypatch: pytest.MonkeyPatch) -> None:
    with secluded(two_nodes()) as (lab, ground):
        ground._process.send_signal(signal.SIGKILL)
        with pytest.raises(EmulatorUnavailable, match="make the lab again"):
            lab.exec("a", "true")

    def interrupted(_: object) -> None:
        raise KeyboardInterrupt

    with secluded(two_nodes()) as (lab, ground):
        with monkeypatch.context() as now:
            now.setattr(remote.pickle, "load", interrupted)
            with pytest.raises(KeyboardInterrupt):
                lab.exec("a", "true")
        with pytest.raises(EmulatorUnavailable, match="make the lab again"):  # the first question's answer is still to come
            lab.exec("b", "ip route")
    assert ended(ground._process.pid)


@REAL
def test_the_worker_ends_with_its_owner() -> None:
    code = ("from tests.emulator.test_rootless import secluded, two_nodes; import time\n"
            "with secluded(two_nodes()) as (lab, ground): print(ground._process.pid, flush=True); time.sleep(60)")
    words, here = (sys.executable, "-c", code), Path(__file__).parents[2]
    with subprocess.Popen(words, stdout=subprocess.PIPE, text=True, cwd=here) as child:
        assert child.stdout is not None
        worker = int(child.stdout.readline())
        assert Path(f"/proc/{worker}").exists()
        child.send_signal(signal.SIGKILL)
    assert ended(worker) and not named(child.pid, worker)


def everybodys_python() -> str:
    """An interpreter that a user without any rights may start; the one of the tests may be in root's home."""
    for python in (sys.executable, "/usr/bin/python3"):
        check = "import sys; sys.exit(sys.version_info < (3, 11))"
        if subprocess.run((*NOBODY, python, "-c", check), capture_output=True, check=False).returncode == 0:
            return python
    pytest.skip("needs a Python that everybody may start, such as /usr/bin/python3")


def as_nobody(code: str, *before: str) -> subprocess.CompletedProcess[str]:
    """Run a program as a user who may nothing, on a copy of the package that everybody may read."""
    package = Path(__file__).parents[2] / "k8snet_course"
    with tempfile.TemporaryDirectory(prefix="k8snet-test-") as folder:
        shutil.copytree(package, Path(folder, package.name), ignore=shutil.ignore_patterns("__pycache__"))
        for path in (Path(folder), *Path(folder).rglob("*")):
            path.chmod(0o755)
        environment = {**os.environ, "PYTHONPATH": folder, "PYTHONDONTWRITEBYTECODE": "1", "HOME": "/", "TMPDIR": "/tmp"}
        return subprocess.run((*NOBODY, *before, everybodys_python(), "-c", code), cwd="/", env=environment, text=True,
                              capture_output=True, check=False)


_CODE = """
import os
from k8snet_course import Cluster
from k8snet_course.emulator import emulate
cluster = Cluster(nodes=2, cni="flannel")
for name, node in (("a", 1), ("b", 1), ("c", 2)):
    cluster.add_pod(name, node=f"node-{node}", host_ports={8080: 80} if name == "c" else None)
with emulate(cluster) as lab:
    print(os.geteuid())
    for probe in (("a", "c"), ("a", "b", None), ("a", "c", 53, "UDP"), ("laptop", "node-2", 8080)):
        print(lab.send(*probe))
"""


@REAL
@pytest.mark.needs("setpriv", "root")
def test_somebody_who_is_not_root() -> None:
    done = as_nobody(_CODE)
    assert (done.returncode, done.stderr) == (0, "")
    way = "by a, node-1, underlay, node-2, c; in VXLAN 192.168.1.2 -> 192.168.1.3"
    assert done.stdout.splitlines() == [
        "65534",
        f"a -> c TCP 80: delivered; c saw 10.244.0.2 and TTL 62; {way}",
        "a -> b ICMP: delivered; b saw 10.244.0.2 and TTL 64; by a, node-1, b",
        f"a -> c UDP 53: refused; c saw 10.244.0.2 and TTL 62; {way}",
        "laptop -> node-2 TCP 8080: delivered; c saw 192.168.1.10 and TTL 63; by laptop, underlay, node-2, c"]


@REAL
@pytest.mark.needs("setpriv", "unshare", "root")
def test_where_user_namespaces_are_forbidden_one_sentence_says_so() -> None:
    forbid = ("unshare", "--user", "--map-root-user", "sh", "-c", 'echo 0 >/proc/sys/user/max_user_namespaces; exec "$@"', "sh")
    done = as_nobody(_CODE, *forbid)
    assert done.returncode == 1 and "Traceback" in done.stderr
    assert done.stderr.splitlines()[-1].endswith(
        "cannot emulate with 'the rights of this user': expected root, or a system where others may make user namespaces "
        "(No space left on device); let root run 'sysctl -w user.max_user_namespaces=10000', or start the program with sudo, "
        "and use everything else of the course as it is.")


@pytest.mark.parametrize(("settings", "word"), [
    ({"kernel/unprivileged_userns_clone": "0"}, "sysctl -w kernel.unprivileged_userns_clone=1"),
    ({"user/max_user_namespaces": "0"}, "sysctl -w user.max_user_namespaces=10000"),
    ({"kernel/unprivileged_userns_clone": "1", "user/max_user_namespaces": "96365"}, "a container or a security module")])
def test_what_is_missing_and_how_to_get_it(settings: dict[str, str], word: str) -> None:
    assert word in str(refusal("Operation not permitted", settings.get))
