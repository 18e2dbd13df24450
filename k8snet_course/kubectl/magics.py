"""``%kubectl`` and ``%%kubectl`` in a notebook, and what the Tab key offers in such a line.

    %load_ext k8snet_course
    %kubectl get pods -o wide

    %%kubectl apply -f -
    apiVersion: v1
    ...

The cluster is that of the variable ``cluster``, or else the only one that a variable holds; ``--cluster NAME`` names another
variable.  What kubectl prints is shown as plain text at once, line by line in the order of the commands; the last
:class:`~k8snet_course.kubectl.reply.Reply` is kept in the variable ``_kubectl``.

``!kubectl`` starts the machine's own kubectl, if it has one, and knows nothing of the cluster in the notebook.

Source: IPython documentation, "Defining custom magics"; ``IPython.core.completer`` (matchers, version 2 of the API).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from IPython.core.completer import SimpleCompletion, context_matcher
from IPython.core.error import UsageError
from IPython.core.magic import Magics, line_cell_magic, magics_class
from IPython.display import display

from k8snet_course.cluster import Cluster
from k8snet_course.kubectl.completion import complete
from k8snet_course.kubectl.reply import Reply

_FLAG = "--cluster"
_LAST = "_kubectl"
_PREFIXES = ("%%kubectl", "%kubectl")


def chosen(variables: Mapping[str, Any], name: str = "") -> Cluster:
    """The cluster that a line is about.  Raises UsageError, with what to write.

    >>> chosen({"a": Cluster(), "b": 1}) is not None
    True
    >>> chosen({"a": Cluster(), "b": Cluster()})
    Traceback (most recent call last):
    IPython.core.error.UsageError: several variables hold a cluster: a, b. Say which one: %kubectl --cluster a get pods
    """
    if name:
        if not isinstance(variables.get(name), Cluster):
            raise UsageError(f"the variable {name} holds no cluster. {_there(variables)}")
        return variables[name]  # type: ignore[no-any-return]
    if isinstance(variables.get("cluster"), Cluster):
        return variables["cluster"]  # type: ignore[no-any-return]
    found = _clusters(variables)
    if len({id(one) for one in found.values()}) == 1:
        return next(iter(found.values()))
    if not found:
        raise UsageError("no variable holds a cluster yet. Make one first: cluster = Cluster(nodes=2)")
    raise UsageError(f"several variables hold a cluster: {', '.join(found)}. Say which one: "
                     f"%kubectl {_FLAG} {next(iter(found))} get pods")


def _clusters(variables: Mapping[str, Any]) -> dict[str, Cluster]:
    """The variables that hold a cluster, by name; those of IPython itself begin with ``_``."""
    return {name: variables[name] for name in sorted(variables) if not name.startswith("_")
            and isinstance(variables[name], Cluster)}


def _there(variables: Mapping[str, Any]) -> str:
    found = ", ".join(_clusters(variables))
    return f"There is one in {found}." if found else "Make one first: cluster = Cluster(nodes=2)"


def apart(line: str) -> tuple[str, str]:
    """The name after ``--cluster``, and the line without it.

    >>> apart("--cluster second get pods -- x")
    ('second', 'get pods -- x')
    >>> apart("get pods --cluster=second")
    ('second', 'get pods')
    """
    before, dashes, after = line.partition(" -- ")
    words = before.split(" ")
    for at, word in enumerate(words):
        if word == _FLAG and at + 1 < len(words):
            return words[at + 1], " ".join([*words[:at], *words[at + 2:]]) + dashes + after
        if word.startswith(f"{_FLAG}="):
            return word.partition("=")[2], " ".join([*words[:at], *words[at + 1:]]) + dashes + after
    return "", line


@magics_class
class KubectlMagics(Magics):
    """The magics; IPython makes one for its shell."""

    @line_cell_magic
    def kubectl(self, line: str, cell: str | None = None) -> None:
        """Do what a kubectl command says, and show what it prints.

        %kubectl get pods -o wide

        In a cell of its own the text below the line is what -f - reads:

        %%kubectl apply -f -

        If the line is empty, each line below is a command.
        """
        name, line = apart(line)
        cluster = chosen(self._variables, name)
        if cell is None or line.strip():
            if cell and cell.strip() and not _reads(line):
                raise UsageError(f"nothing in the line reads the text below it. Write %%kubectl {line.strip()} -f - for a "
                                 "manifest, or leave the line empty: then each line below is a command")
            self._show(cluster.kubectl(line, cell))
            return
        for each in cell.splitlines():
            if each.strip() and not each.lstrip().startswith("#"):
                self._show(cluster.kubectl(each))

    @property
    def _variables(self) -> dict[str, Any]:
        """The variables of the notebook."""
        found: dict[str, Any] = self.shell.user_ns  # type: ignore[union-attr] # magics always have a shell
        return found

    def _show(self, reply: Reply) -> None:
        self._variables[_LAST] = reply
        if str(reply) or type(reply) is not Reply:
            display(reply)  # type: ignore[no-untyped-call]


def _reads(line: str) -> bool:
    """Whether a command reads what is given as input."""
    words = line.split()
    return any(word in ("-", "-f-", "-f=-", "--filename=-", "-i", "-it", "-ti", "--stdin") for word in words)


def typed(full_text: str, line: str) -> str | None:
    """What is typed of a kubectl command in a cell, whose line up to the cursor is given; None: it is no such line.

    >>> typed("x = 1\\n%kubectl get po", "%kubectl get po"), typed("%%kubectl\\nget po", "get po")
    ('get po', 'get po')
    >>> typed("%%kubectl apply -f -\\nkind: Po", "kind: Po") is None
    True
    """
    stripped = line.lstrip()
    for prefix in _PREFIXES:
        if stripped.startswith(f"{prefix} "):
            return stripped[len(prefix) + 1:]
    first, newline, _ = full_text.lstrip().partition("\n")
    commands = bool(newline) and first.startswith(_PREFIXES[0]) and not apart(first[len(_PREFIXES[0]):])[1].strip()
    return line if commands and not stripped.startswith("%") else None


def matcher_for(shell: Any) -> Any:
    """The matcher that IPython's completer asks at each Tab."""

    @context_matcher(priority=200, identifier="k8snet_course.kubectl")  # type: ignore[untyped-decorator,unused-ignore]
    def kubectl_matcher(context: Any) -> dict[str, Any]:
        line = typed(context.full_text, context.text_until_cursor)
        if line is None:
            return {"completions": []}
        variables = shell.user_ns
        words = line.split(" ")
        if len(words) > 1 and words[-2] == _FLAG:
            fragment, found = words[-1], [each for each in _clusters(variables) if each.startswith(words[-1])]
        else:
            name, line = apart(line)
            try:
                fragment, found = chosen(variables, name).kubectl_complete(line)
            except UsageError:  # verbs, types and flags are the same in every cluster
                fragment, found = complete(None, line)
        token: str = context.token
        cut = len(fragment) - len(token) if fragment.endswith(token) else 0
        return {"completions": [SimpleCompletion(text=each[max(cut, 0):], type="kubectl") for each in found],
                "matched_fragment": fragment[max(cut, 0):], "suppress": bool(found), "ordered": True}

    return kubectl_matcher


def load(shell: Any) -> None:
    """What ``%load_ext k8snet_course`` does: the magics, and a matcher for the Tab key.  To call it twice does no harm."""
    shell.register_magics(KubectlMagics)
    unload(shell)
    shell.Completer.custom_matchers.insert(0, matcher_for(shell))


def unload(shell: Any) -> None:
    """Take the matcher away again; IPython keeps magics."""
    shell.Completer.custom_matchers[:] = [each for each in shell.Completer.custom_matchers
                                          if getattr(each, "matcher_identifier", "") != "k8snet_course.kubectl"]
