"""The real host-local plugin beside ours: the same calls, the same addresses, the same files, the same words.

The plugin needs no privileges: it reads a configuration and writes files in a folder of ours.
"""

import json
import random
import subprocess
from pathlib import Path

import pytest

from k8snet_course.addressing import HostLocal
from k8snet_course.errors import CourseError

PLUGIN = "/usr/lib/cni/host-local"
pytestmark = pytest.mark.needs(PLUGIN)


class Plugin:
    """The real one, over a data folder."""

    def __init__(self, folder, *sets):
        self.folder = folder
        self.config = {"cniVersion": "1.0.0", "name": "podnet",
                       "ipam": {"type": "host-local", "dataDir": str(folder), "ranges": list(sets)}}

    def call(self, command, container, ifname="eth0", requested=None):
        """What ADD gives from each range set, as (address/length, gateway), or the text of the error."""
        env = {"CNI_COMMAND": command, "CNI_CONTAINERID": container, "CNI_IFNAME": ifname, "CNI_NETNS": "/run/netns/x",
               "CNI_PATH": str(Path(PLUGIN).parent), "CNI_ARGS": f"IP={requested}" if requested else ""}
        done = subprocess.run([PLUGIN], input=json.dumps(self.config), env=env, capture_output=True, text=True,
                              check=False)
        answer = json.loads(done.stdout) if done.stdout else {}
        if done.returncode:
            return answer["msg"]
        return [(ip["address"], ip["gateway"]) for ip in answer.get("ips", [])]

    def files(self):
        found = sorted((self.folder / "podnet").iterdir())
        return {path.name: path.read_bytes().decode() for path in found if path.name != "lock"}


def ours(node, command, container, ifname="eth0", requested=None):
    """The same call to our allocator, answered in the same form."""
    if command == "DEL":
        node.release(container, ifname)
        return []
    try:
        got = node.allocate(container, ifname, requested)
    except CourseError as error:
        return str(error)
    return [(f"{got}/{node.prefix_length_of(got)}", node.gateway_of(got))]


SETS = [
    [{"subnet": "10.0.0.0/29"}],
    [{"subnet": "10.0.0.0/30"}, {"subnet": "10.0.1.0/30"}, {"subnet": "10.0.2.0/29", "gateway": "10.0.2.4"}],
    [{"subnet": "10.0.0.0/24", "rangeStart": "10.0.0.250"}, {"subnet": "10.0.0.0/24", "rangeEnd": "10.0.0.4"}],
    [{"subnet": "10.5.0.0/30", "rangeStart": "10.5.0.0", "rangeEnd": "10.5.0.3"}],
    [{"subnet": "10.0.0.0/29", "gateway": "10.9.0.1"}],
    [{"subnet": "2001:db8:1::/125"}],
    [{"subnet": "10.244.0.0/16", "rangeStart": "10.244.0.254", "rangeEnd": "10.244.1.2"}],
]


@pytest.mark.parametrize("seed", range(len(SETS)))
def test_a_random_history(seed, tmp_path):
    ranges = SETS[seed]
    chance = random.Random(seed)
    real, node = Plugin(tmp_path, ranges), HostLocal(ranges)
    askable = [each.address for each in node.next_candidates()]
    for _ in range(60):
        container, ifname = chance.choice("abcdefgh"), chance.choice(["eth0", "eth0", "eth1"])
        command = chance.choice(["ADD", "ADD", "DEL"])
        requested = chance.choice(askable) if command == "ADD" and chance.random() < 0.25 else None
        theirs = real.call(command, container, ifname, requested)
        mine = ours(node, command, container, ifname, requested)
        if isinstance(theirs, str):
            assert isinstance(mine, str)
            assert theirs.removeprefix("failed to allocate for range 0: ") in mine
        else:
            assert mine == theirs
        assert dict(sorted(node.to_files().items())) == real.files()
    assert HostLocal.from_files(ranges, real.files()).reserved.keys() == node.reserved.keys()


def test_each_takes_over_where_the_other_stopped(tmp_path):
    ranges = [{"subnet": "10.0.0.0/28"}]
    real, node = Plugin(tmp_path, ranges), HostLocal(ranges)
    for number in range(12):
        if number % 2:
            real.call("ADD", f"c{number}")
            real.call("DEL", f"c{number - 1}")
            node = HostLocal.from_files(ranges, real.files())
        else:
            node.allocate(f"c{number}")
            node.release(f"c{number - 2}", "eth0")
            (tmp_path / "podnet").mkdir(exist_ok=True)
            for path in (tmp_path / "podnet").iterdir():
                path.unlink()
            for name, content in node.to_files().items():
                (tmp_path / "podnet" / name).write_bytes(content.encode())
    assert node.last_reserved == "10.0.0.13"
    assert real.call("ADD", "new") == [("10.0.0.14/28", "10.0.0.1")] == ours(node, "ADD", "new")


@pytest.mark.parametrize(
    "ranges",
    [
        [{"subnet": "10.244.0.7/24"}],
        [{"subnet": "10.244.0.0/31"}],
        [{"subnet": "2001:db8::/127"}],
        [{"subnet": "10.244.0.0/24", "rangeStart": "10.0.0.1"}],
        [{"subnet": "10.244.0.0/24", "rangeEnd": "10.0.0.1"}],
        [{"subnet": "10.244.0.0/24", "rangeEnd": "10.244.0.0"}],
        [{"subnet": "10.244.0.0/24", "rangeStart": "10.244.0.5", "rangeEnd": "10.244.0.3"}],
        [{"subnet": "10.0.0.0/29"}, {"subnet": "2001:db8::/64"}],
        [{"subnet": "10.0.0.0/29"}, {"subnet": "10.0.0.0/30"}],
        [],
    ],
)
def test_refused_configurations_are_refused_in_the_same_words(ranges, tmp_path):
    message = Plugin(tmp_path, ranges).call("ADD", "a")
    assert isinstance(message, str)
    with pytest.raises(CourseError) as caught:
        HostLocal(ranges)
    assert message.removeprefix("invalid range set 0: ") in str(caught.value)


def test_two_range_sets_share_one_folder(tmp_path):
    four, six = [{"subnet": "10.7.0.0/29"}], [{"subnet": "2001:db8:7::/64"}]
    real, nodes = Plugin(tmp_path, four, six), (HostLocal(four), HostLocal(six))
    for command, container in (("ADD", "a"), ("ADD", "b"), ("DEL", "a"), ("ADD", "c")):
        theirs = real.call(command, container)
        assert theirs == [each for node in nodes for each in ours(node, command, container)]
    assert nodes[0].to_files(0) | nodes[1].to_files(1) == real.files()
