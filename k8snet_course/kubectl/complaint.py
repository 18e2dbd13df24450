"""What a user of kubectl did wrong, in kubectl's own words; it becomes the standard error of the command.

No caller of ``cluster.kubectl`` ever sees this exception: the front door turns it into a :class:`Reply`.
"""

from __future__ import annotations

from collections.abc import Iterable

from k8snet_course.kubectl.reply import Reply


class Complaint(Exception):
    """A command that cannot be done.  ``text`` is what kubectl prints, ``hint`` a sentence of the course after it.

    >>> print(Complaint('error: required flag(s) "image" not set').reply())
    error: required flag(s) "image" not set
    """

    def __init__(self, text: str, hint: str = "", code: int = 1) -> None:
        self.text = text
        self.hint = hint
        self.code = code
        super().__init__(text)

    def reply(self) -> Reply:
        """The complaint as a reply."""
        return Reply("", f"{self.text}\n", self.code).with_hint(self.hint)


def server_error(reason: str, text: str, hint: str = "") -> Complaint:
    """What the API server refuses, as kubectl passes it on.

    >>> print(server_error("NotFound", 'pods "web" not found'))
    Error from server (NotFound): pods "web" not found
    """
    return Complaint(f"Error from server ({reason}): {text}", hint)


def did_you_mean(words: Iterable[str]) -> str:
    """kubectl's question after a word that it does not know; empty where nothing is alike.

    >>> did_you_mean(["get"]).splitlines()
    ['', 'Did you mean this?', '\\tget']
    """
    several = list(words)
    return "\n".join(("", "Did you mean this?", *(f"\t{word}" for word in several))) if several else ""
