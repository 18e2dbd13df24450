"""How labs begin and end: whatever happens, nothing is left of them, and nothing of them touches the machine's own network."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from k8snet_course.cluster import Cluster
from k8snet_course.emulator import EmulatorUnavailable, Outcome, emulate, ground, spaces
from k8snet_course.emulator.ending import ending_in_order
from k8snet_course.emulator.plan import devices_of
from k8snet_course.emulator.spaces import FOLDER, Spaces, name_of, owner_of, remove_stale, stale
from k8snet_course.errors import InvalidArgument

REAL = pytest.mark.needs("ip", "bridge", "iptables-restore", "/usr/lib/cni/bridge", "root")
_CODE = """
import signal, sys, time
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell lets what runs in its background ignore it
from tests.emulator.test_life import two_nodes
from k8snet_course.emulator import emulate
with emulate(two_nodes()) as lab:
    print("up", flush=True)
    sys.stdin.readline()
    print(lab.send("a", "b"), flush=True)
    time.sleep(60)
"""


def two_nodes(cni: str = "flannel") -> Cluster:
    cluster = Cluster(nodes=2, cni=cni)
    for name, node in (("a", 1), ("b", 1), ("c", 2)):
        cluster.add_pod(name, node=f"node-{node}")
    return cluster


def left_of(pid: int) -> list[str]:
    """The namespaces and private folders of a process's labs."""
    places = (FOLDER, Path(tempfile.gettempdir()))
    return sorted(path.name for place in places if place.exists() for path in place.iterdir()
                  if path.name.startswith(f"k8snet-{pid}-"))


def ours() -> list[str]:
    return left_of(os.getpid())


@contextmanager
def another_process() -> Iterator[subprocess.Popen[str]]:
    """A process that has a lab; a line on its standard input makes it send a packet."""
    words, here = (sys.executable, "-c", _CODE), Path(__file__).parents[2]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                          cwd=here) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "up\n"
        try:
            yield child
        finally:
            child.kill()


@REAL
def test_two_labs_side_by_side_and_nothing_left_behind() -> None:
    one, other = two_nodes("bridge"), two_nodes("calico-bgp")
    with emulate(one) as first, emulate(other) as second:
        assert len([name for name in ours() if (FOLDER / name).exists()]) == len(devices_of(one)) + len(devices_of(other))
        assert first.send("a", "b").ttl == 64 and second.send("a", "b").ttl == 63
    assert ours() == []


@REAL
def test_what_a_lab_starts_sees_the_names_of_that_lab_only() -> None:
    with emulate(two_nodes("bridge")) as first, emulate(two_nodes()) as second:
        for lab in (first, second):
            seen = {line.split()[0] for line in lab.exec("a", "ip netns list").splitlines()}
            assert seen == set(lab.namespaces.values()), "and the whole machine sees both"
        machine = subprocess.run(("ip", "netns", "list"), capture_output=True, text=True, check=True).stdout
        assert all(name in machine for lab in (first, second) for name in lab.namespaces.values())


@REAL
def test_labs_in_several_threads() -> None:
    def tried(cni: str) -> int:
        with emulate(two_nodes(cni)) as lab:
            return lab.send("a", "b").ttl

    with ThreadPoolExecutor(3) as pool:
        assert list(pool.map(tried, ("flannel", "calico-vxlan", "bridge"))) == [64, 63, 64]
    assert ours() == []


@REAL
def test_labs_in_two_processes() -> None:
    with another_process() as child, emulate(two_nodes()) as lab:
        theirs = left_of(child.pid)
        assert theirs and not set(theirs) & set(remove_stale()), "its owner lives"
        assert lab.send("a", "b").verdict is Outcome.DELIVERED
        assert said(child).startswith("a -> b TCP 80: delivered")
        assert left_of(child.pid) == theirs


def said(child: subprocess.Popen[str]) -> str:
    """What the other process says to a line."""
    assert child.stdin is not None and child.stdout is not None
    child.stdin.write("\n")
    child.stdin.flush()
    return child.stdout.readline()


@REAL
@pytest.mark.parametrize(("number", "ended"), [(signal.SIGTERM, -signal.SIGTERM), (signal.SIGINT, -signal.SIGINT)])
def test_a_process_that_is_told_to_end_takes_its_lab_away(number: signal.Signals, ended: int) -> None:
    with another_process() as child:
        assert left_of(child.pid)
        child.send_signal(number)
        assert child.wait(60) == ended
        assert left_of(child.pid) == []


@REAL
def test_what_a_killed_process_left_is_removed_at_the_next_start() -> None:
    with another_process() as child:
        left = left_of(child.pid)
        assert any((FOLDER / name).exists() for name in left), left
        assert any(Path(tempfile.gettempdir(), name).exists() for name in left), "host-local's files"
        child.send_signal(signal.SIGKILL)
        child.wait(60)
    with emulate(Cluster()):
        assert left_of(child.pid) == []


@REAL
def test_an_exception_leaves_nothing_behind() -> None:
    def broken() -> None:
        with emulate(two_nodes()):
            assert ours()
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        broken()
    assert ours() == []


@REAL
def test_a_lab_that_nobody_closes_goes_with_its_program_in_silence() -> None:
    code = """
import os
from contextlib import ExitStack
from tests.emulator.test_life import two_nodes
from k8snet_course.emulator import emulate
kept = ExitStack()
lab = kept.enter_context(emulate(two_nodes()))
print(os.getpid(), lab.send("a", "b").verdict)
"""
    words, here = (sys.executable, "-c", code), Path(__file__).parents[2]
    done = subprocess.run(words, capture_output=True, text=True, check=True, cwd=here)
    pid, verdict = done.stdout.split()
    assert (verdict, done.stderr, left_of(int(pid))) == ("delivered", "", [])


@REAL
def test_programs_that_were_left_running_end_with_the_lab() -> None:
    with emulate(two_nodes()) as lab, emulate(two_nodes()) as other:
        for device in ("a", "node-2"):
            assert lab.exec(device, "sleep 4711 >/dev/null 2>&1 &") == "", "it does not wait for what runs on behind"
        assert other.exec("a", "sleep 4711 >/dev/null 2>&1 &") == ""
        spaces = {device: Path(FOLDER, name).stat().st_ino for device, name in lab.namespaces.items()}
        kept = Path(FOLDER, other.namespaces["default/a"]).stat().st_ino
        assert len(running_in(*spaces.values())) == 2 and len(running_in(kept)) == 1
    assert ended_in(*spaces.values(), kept)
    assert ours() == []


@REAL
def test_a_command_that_takes_too_long_is_ended_with_what_it_has_started(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ground, "_LONGEST_COMMAND", 0.2)
    with emulate(two_nodes()) as lab:
        space = Path(FOLDER, lab.namespaces["default/a"]).stat().st_ino
        with pytest.raises(InvalidArgument, match="ends within"):
            lab.exec("a", "sleep 4711; echo")
        assert ended_in(space)


@REAL
def test_programs_of_a_killed_process_end_at_the_next_start() -> None:
    with another_process() as child:
        mine = next(FOLDER / name for name in left_of(child.pid) if name.endswith("-default.a"))
        space = mine.stat().st_ino
        with subprocess.Popen(("ip", "netns", "exec", mine.name, "sleep", "4711")) as server:
            while not running_in(space):
                assert server.poll() is None
            child.send_signal(signal.SIGKILL)
            child.wait(60)
            with emulate(Cluster()):
                assert server.wait(60) == -signal.SIGKILL
            assert not running_in(space)


def running_in(*spaces: int) -> list[int]:
    """The processes in network namespaces with these numbers."""
    found = []
    for process in Path("/proc").iterdir():
        try:
            if process.name.isdecimal() and (process / "ns/net").stat().st_ino in spaces:
                found.append(int(process.name))
        except OSError:
            continue
    return found


def ended_in(*spaces: int) -> bool:
    """Whether nothing runs in these namespaces, or soon nothing does: a process that is killed takes a moment to go."""
    return any(not running_in(*spaces) or time.sleep(0.02) for _ in range(3000))


@REAL
def test_a_user_may_have_few_files_open() -> None:
    """By default Linux lets a program have 1,024; in the model there is no such limit, and here are as many probes as there."""
    code = """
import resource
from tests.emulator.test_life import two_nodes
from k8snet_course.emulator import EmulatorUnavailable, emulate
hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (120, hard))
with emulate(two_nodes()) as lab:
    print({str(sent.verdict) for sent in lab.send_all([("a", "b", 80, "TCP")] * 300)})
    resource.setrlimit(resource.RLIMIT_NOFILE, (26, hard))
    try:
        lab.send_all([("a", "b", 80, "TCP")])
    except EmulatorUnavailable as error:
        print(error)
try:
    with emulate(two_nodes()) as lab:
        pass
except EmulatorUnavailable as error:
    print(error)
"""
    words, here = (sys.executable, "-c", code), Path(__file__).parents[2]
    done = subprocess.run(words, capture_output=True, text=True, check=False, cwd=here)
    assert not done.stderr, done.stderr
    delivered, *told = done.stdout.splitlines()
    assert delivered == "{'delivered'}"
    assert len(told) == 2 and all("with '26 open files'" in line and "ulimit -n 4096" in line for line in told)


@REAL
@pytest.mark.parametrize("tool", ["ip6tables-restore", "ipset"])
def test_a_tool_that_only_some_clusters_need_is_missing(tool: str) -> None:
    with pytest.raises(EmulatorUnavailable, match=f"the command no-{tool}"):
        spaces.start(f"no-{tool} restore", "")


@REAL
def test_a_failed_start_leaves_nothing_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    from k8snet_course.emulator import lab
    from k8snet_course.emulator.plan import Cable

    monkeypatch.setattr(lab, "cables", lambda *_: [Cable("node-1", "nonsense", "node-2", "nonsense")])
    with pytest.raises(EmulatorUnavailable, match="ip -batch"), emulate(two_nodes()):
        pytest.fail("it cannot have started")
    assert ours() == []


@REAL
def test_nothing_touches_the_machines_own_network() -> None:
    def own(*words: str) -> str:
        said = subprocess.run(("ip", *words), capture_output=True, text=True, check=True).stdout
        return re.sub(r"(valid_lft|preferred_lft|expires) \S+", "", said)  # addresses that were leased grow old meanwhile

    def state() -> tuple[str, ...]:
        return own("-o", "link"), own("-o", "addr"), own("route", "show", "table", "all"), own("rule")

    before, sysctl = state(), Path("/proc/sys/net/ipv4/ip_forward").read_text()
    cluster = two_nodes()
    with emulate(cluster) as lab:
        assert state() == before
        mine = set(lab.namespaces.values())
        for device in devices_of(cluster):
            for line in lab.exec(device, "ip -o link").splitlines():
                if "@" in line.split()[1]:
                    far = re.search(r"link-netns (\S+)", line)
                    assert far is not None and far[1] in mine, f"a cable of {device} leads out: {line}"
        lab.send("a", "internet")
    assert state() == before and Path("/proc/sys/net/ipv4/ip_forward").read_text() == sysctl


@REAL
def test_a_lab_can_be_made_again_and_again() -> None:
    cluster = Cluster(nodes=2, cni="flannel")
    for number in range(6):
        cluster.add_pod(f"p{number}")
    for _ in range(3):
        with emulate(cluster) as lab:
            assert lab.send("p0", "p1").verdict is Outcome.DELIVERED
    assert ours() == []


@REAL
def test_a_long_name() -> None:
    cluster = Cluster()
    name = "-".join(["very"] * 40)
    cluster.add_pod("a")
    cluster.add_pod(name)
    with emulate(cluster) as lab:
        assert lab.send("a", name).reached == name


def test_which_names_are_stale() -> None:
    me = owner_of(os.getpid())
    names = [name_of(f"{me}-0", "a"), name_of(f"{me}-1", "a"), name_of("k8snet-1-5-0", "a"), name_of("k8snet-1-6-0", "a"),
             f"k8snet-{os.getpid()}-node", "other"]
    assert stale(names, lambda owner: owner == "k8snet-1-5", mine=[f"{me}-0"]) == sorted([names[1], names[3]])


def test_a_process_with_the_id_of_one_that_is_gone_is_another() -> None:
    me = owner_of(os.getpid())
    assert re.fullmatch(rf"k8snet-{os.getpid()}-\d+", me)
    pid, began = 1, int(owner_of(1).rpartition("-")[2])
    assert stale([f"k8snet-{pid}-{began}-0-a", f"k8snet-{pid}-{began + 1}-0-a"],
                 lambda owner: owner_of(int(owner.split("-")[1])) == owner) == [f"k8snet-{pid}-{began + 1}-0-a"]


def test_numbers_are_given_again() -> None:
    first, second = Spaces(["a"]), Spaces(["a"])
    names = [first.names["a"], second.names["a"]]
    assert len(set(names)) == 2
    first.remove()
    third = Spaces(["a"])
    assert third.names["a"] == names[0]
    second.remove()
    third.remove()


def test_somebody_elses_handler_of_sigterm_stays() -> None:
    def handler(*_: object) -> None: ...

    before = signal.signal(signal.SIGTERM, handler)
    try:
        with ending_in_order():
            assert signal.getsignal(signal.SIGTERM) is handler
    finally:
        signal.signal(signal.SIGTERM, before)
    with ending_in_order():
        assert signal.getsignal(signal.SIGTERM) is not before
    assert signal.getsignal(signal.SIGTERM) is before
