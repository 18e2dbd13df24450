"""The shell of a pod, a node or a machine outside: the commands that people look at networks with, on the model.

Every command is a view.  What it prints follows from the tables of the device it runs on
(:class:`~k8snet_course.linux.namespace.Namespace`), or from the walks of packets that it sends, and from nothing else: a ping
is lost where its packet is, and ``traceroute`` shows the routers that its packets meet.  Its own are only the words.

=================  ======================================================================================
module             what
=================  ======================================================================================
``machine``        where a command runs, and the one place that asks the cluster
``images``         which image ships which command, and in which form
``outcome``        what a program notices of a packet that it sent
``options``        how options are read
``line``           pipes, ``&&`` and ``;``
``runner``         from a command line to what comes of it
``commands``       the table of all commands
``wire``           which packets pass which interface of a walk
``filters``        tcpdump's expressions
``decode``         packets in tcpdump's words
=================  ======================================================================================

The others are one command each, or a few of a kind.  Where BusyBox and the full program print differently both forms are there,
and the image decides.

What no model has is left out or follows a rule that says so: times count devices on the way
(:data:`~k8snet_course.shell.machine.HOP_TIME`), process numbers and counters of bytes are missing.
"""

from k8snet_course.shell.machine import Machine, Wires, machine_of
from k8snet_course.shell.ran import Ran
from k8snet_course.shell.runner import run
from k8snet_course.shell.tcpdump import Capture

__all__ = ["Capture", "Machine", "Ran", "Wires", "machine_of", "run"]
