"""The flags of kubectl as data: names, types and help, for reading a command, for ``--help`` and for completion alike.

A verb lists its own flags; those in :data:`GLOBAL` belong to every command.  Flags that many verbs share stand here.

Source: ``kubectl --help`` of the verbs; the flag library's rules: ``--name=value``, ``--name value``, ``-n value``,
``-nvalue``, several short switches together (``-Aw``), and ``--`` before what is no flag.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from k8snet_course.kubectl.complaint import Complaint

TEXT, TEXTS, WORDS, SWITCH, NUMBER = "string", "stringArray", "strings", "bool", "int"
"""The types of flags: a text; texts, one each time; texts with commas between; yes or no; a number."""

_TRUE, _FALSE = ("1", "t", "T", "TRUE", "true", "True"), ("0", "f", "F", "FALSE", "false", "False")


@dataclass(frozen=True, slots=True)
class Flag:
    """One flag.  ``bare`` is its value where it stands without one; ``values`` says what may complete it.

    ``values`` is a list of texts, or a word for what the cluster knows: ``namespaces``, ``nodes``, ``containers``.

        >>> Flag("namespace", TEXT, "the namespace", "n").read("shop")
        'shop'
        >>> Flag("no-headers", SWITCH, "no headers").read("maybe")
        Traceback (most recent call last):
        k8snet_course.kubectl.complaint.Complaint: error: invalid argument "maybe" for "--no-headers" flag: strconv.ParseBool: \
parsing "maybe": invalid syntax
    """

    name: str
    type: str
    help: str
    short: str = ""
    default: Any = None
    bare: str | None = None
    values: tuple[str, ...] | str = ()

    @property
    def empty(self) -> Any:
        """Its value where nobody gives one."""
        if self.default is not None:
            return self.default
        return {TEXT: "", SWITCH: False, NUMBER: 0}.get(self.type, ())

    @property
    def alone(self) -> str | None:
        """Its value where it stands without one; None: it needs one."""
        return "true" if self.type == SWITCH else self.bare

    @property
    def spelled(self) -> str:
        """How messages name it.

        >>> Flag("namespace", TEXT, "the namespace", "n").spelled
        '-n, --namespace'
        """
        return f"-{self.short}, --{self.name}" if self.short else f"--{self.name}"

    def read(self, text: str, before: Any = ()) -> Any:
        """The value that a text gives it; ``before`` is what was given earlier.  Raises Complaint."""
        if self.type == SWITCH:
            if text not in (*_TRUE, *_FALSE):
                raise self._invalid(text, "strconv.ParseBool")
            return text in _TRUE
        if self.type == NUMBER:
            digits = text.removeprefix("-")
            if not (digits.isascii() and digits.isdecimal() and len(digits) <= 18):
                raise self._invalid(text, "strconv.ParseInt")
            return int(text)
        if self.type == TEXTS:
            return (*before, text)
        if self.type == WORDS:
            return (*before, *(text.split(",") if text else ()))
        return text

    def _invalid(self, text: str, function: str) -> Complaint:
        return Complaint(f'error: invalid argument "{text}" for "{self.spelled}" flag: {function}: parsing "{text}": '
                         "invalid syntax")


OUTPUT_FORMATS = ("json", "yaml", "name", "jsonpath", "jsonpath-as-json", "jsonpath-file", "custom-columns",
                  "custom-columns-file", "wide")
"""What ``get -o`` understands."""

HELP = Flag("help", SWITCH, "What the command does, and its flags.", "h")
GLOBAL = (
    Flag("namespace", TEXT, "The namespace that the command is about.", "n", values="namespaces"),
    Flag("context", TEXT, "The context to use: here there is one, the cluster.", values=("course",)),
    Flag("cluster", TEXT, "The cluster to use: here there is one."),
    Flag("user", TEXT, "The user to be: here there is one."),
    Flag("kubeconfig", TEXT, "The file of contexts: nothing is read here."),
    Flag("request-timeout", TEXT, "How long to wait for the API server: here it answers at once.", default="0"),
    Flag("v", NUMBER, "How much to log: nothing is logged here.", "v"),
    HELP,
)
"""The flags of every command."""

OUTPUT = Flag("output", TEXT, "The form of the output.", "o", values=OUTPUT_FORMATS)
SELECTOR = Flag("selector", TEXT, "Only objects with these labels: app=web,tier!=db,stage in (test,live),!old.", "l")
FIELD_SELECTOR = Flag("field-selector", TEXT, "Only objects with these fields: spec.nodeName=node-1,status.phase!=Running.")
ALL_NAMESPACES = Flag("all-namespaces", SWITCH, "The objects of all namespaces.", "A")
FILENAME = Flag("filename", WORDS, "A file with manifests, or - for what is given as input.", "f")
RECURSIVE = Flag("recursive", SWITCH, "Read the folders inside a folder too.", "R")
CHUNK_SIZE = Flag("chunk-size", NUMBER, "How many objects to fetch at a time: here all at once.", default=500)
DRY_RUN = Flag("dry-run", TEXT, "Say what would be done, and do nothing.", default="none", bare="unchanged",
               values=("none", "client", "server"))
