"""Another kernel for what this machine's own cannot do: user-mode Linux, started as a process, with the machine's files.

Debian's package user-mode-linux has a kernel that is a program, and modules for it: IPVS, sets of addresses and IPIP too.
Its root is the machine's, to read; what it may write is one folder, for results.  It has no network with anybody.  Nothing is
left of it when the time is over: all its processes are in a group of their own, which is killed.  If nobody is there to do
that, it switches itself off.

In this kernel nftables knows no IPv4, so the rules of iptables are made by the older commands, and there are no policies.
`python -m tests.emulator.other_kernel COMMAND` runs a command there.
"""

from __future__ import annotations

import os
import shlex
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

KERNEL, MODULES = "linux.uml", Path("/usr/lib/uml/modules")
NEEDED = (KERNEL, "modprobe", "ipvsadm", "ipset", "ip", "bridge", "iptables-legacy-restore", "/usr/lib/cni/bridge", "root")
LOADED = ("veth", "bridge", "br_netfilter", "vxlan", "ipip", "dummy", "ip_vs", "ip_vs_rr", "ip_vs_sh", "ip_vs_lc", "xt_ipvs",
          "xt_set", "ip_set_hash_ip", "ip_set_hash_ipport", "ip_set_hash_ipportip", "ip_set_hash_ipportnet",
          "ip_set_bitmap_port")
"""Modules that nobody would load by himself in time; the others come when they are asked for."""
INIT = """#!/bin/sh
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t tmpfs tmpfs /run
mkdir -p /dev/shm /run/tmp /run/netns /run/result /run/modules/lib/modules
mount -t tmpfs tmpfs /dev/shm
mount -t hostfs -o {modules} modules /run/modules/lib/modules
mount -t hostfs -o {results} results /run/result
printf '#!/bin/sh\\nexec modprobe -d /run/modules "$@"\\n' > /run/modprobe
chmod +x /run/modprobe
echo /run/modprobe > /proc/sys/kernel/modprobe
echo 2 > /proc/sys/net/core/fb_tunnels_only_for_init_net
/run/modprobe -a {loaded}
ip link set lo up
(sleep {seconds}; echo o > /proc/sysrq-trigger) &
cd {folder}
export {environment}
{command} > /run/result/said 2>&1
echo $? > /run/result/code
mv /run/result/code /run/result/ended
echo o > /proc/sysrq-trigger
"""
"""The guest's first program.  A folder of the machine that it sees under the same name is not written to."""


class GuestFailed(Exception):
    """The other kernel did not come to the end of its command."""


def in_other_kernel(command: Sequence[str], results: Path, folder: Path, seconds: int, memory: str = "1500M",
                    **environment: str) -> tuple[int, str]:
    """Run a command in the other kernel, in a folder of this machine, and return its exit code and what it printed.

    Files that it writes into /run/result are in ``results`` afterwards.  Raises GuestFailed.
    """
    environment = {"HOME": "/run/tmp", "TMPDIR": "/run/tmp", "PYTHONDONTWRITEBYTECODE": "1", **environment}
    init = results / "init"
    init.write_text(INIT.format(
        modules=MODULES, results=results, seconds=seconds, loaded=" ".join(LOADED),
        folder=shlex.quote(str(folder)), command=shlex.join(command),
        environment=" ".join(f"{name}={shlex.quote(value)}" for name, value in environment.items())), encoding="utf-8")
    init.chmod(0o755)
    said, ended = results / "said", results / "ended"
    with (results / "console").open("wb") as console:
        guest = subprocess.Popen(
            (KERNEL, f"mem={memory}", "rootfstype=hostfs", "rootflags=/", "ro", f"init={init}", "con=null", "con0=null",
             f"uml_dir={results}/uml"),
            stdin=subprocess.DEVNULL, stdout=console, stderr=console, start_new_session=True,
            env={**os.environ, "HOME": str(results)})
        try:
            end = time.monotonic() + seconds
            while guest.poll() is None and not ended.exists() and time.monotonic() < end:
                time.sleep(0.1)
        finally:
            _kill(guest)
    text = said.read_text(encoding="utf-8", errors="replace") if said.exists() else ""
    if not ended.exists():
        kernel = (results / "console").read_text(encoding="utf-8", errors="replace")
        raise GuestFailed(f"no end within {seconds} s; its kernel said:\n{kernel[-3000:]}\nand the command:\n{text[-3000:]}")
    return int(ended.read_text(encoding="ascii")), text


def _kill(guest: subprocess.Popen[bytes]) -> None:
    """Kill it with all its processes, and wait until the last one is gone."""
    end = time.monotonic() + 10
    with suppress(ProcessLookupError):
        while time.monotonic() < end:
            os.killpg(guest.pid, signal.SIGKILL)
            guest.poll()
            time.sleep(0.05)
    guest.wait()


if __name__ == "__main__":
    from tempfile import TemporaryDirectory

    passed_on = {name: value for name, value in os.environ.items() if name.startswith("K8SNET_")}
    with TemporaryDirectory() as place:
        code, text = in_other_kernel(sys.argv[1:], Path(place), Path.cwd(), 3600, PYTHONPATH=str(Path.cwd()), **passed_on)
        print(text, end="")
        sys.exit(code)
