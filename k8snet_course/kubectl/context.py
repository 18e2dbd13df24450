"""What a verb needs to know beside its command: the cluster, its API server, the session, and what is given as input."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from k8snet_course.kubectl.server import Server
from k8snet_course.kubectl.session import Session
from k8snet_course.kubectl.words import Command

if TYPE_CHECKING:
    from k8snet_course.cluster import Cluster


@dataclass(frozen=True, slots=True)
class Context:
    """The surroundings of one command.  ``stdin`` is what ``-f -`` reads; None: nothing was given."""

    server: Server
    session: Session
    stdin: str | None = None

    @property
    def cluster(self) -> Cluster:
        """The cluster: changes go through it."""
        return self.server.cluster

    def namespace(self, command: Command) -> str:
        """The namespace that a command is about: the one it names, or the context's."""
        return command["namespace"] or self.session.namespace

    def scope(self, command: Command) -> str:
        """The namespace whose objects a command lists; empty: those of all."""
        return "" if command.flags.get("all-namespaces") else self.namespace(command)
