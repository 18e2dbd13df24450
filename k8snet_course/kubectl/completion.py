"""What can follow in a kubectl line that is being typed: verbs, types, names, flags and their values.

It reads the verbs' own tables and the cluster, and nothing else: so whatever it offers is there.  It knows no notebook; the
magics ask it.

Source: kubectl's own completion (k8s.io/kubectl, pkg/util/completion), which offers the same things at the same places.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from k8snet_course.errors import CourseError
from k8snet_course.kubectl.complaint import Complaint
from k8snet_course.kubectl.context import Context
from k8snet_course.kubectl.explained import schema
from k8snet_course.kubectl.flags import GLOBAL, Flag
from k8snet_course.kubectl.resources import RESOURCES, Resource, named
from k8snet_course.kubectl.verbs import Verb, names, verb
from k8snet_course.manifests import KINDS

_WORKLOADS = ("deployments", "replicasets")
_OF_SOME: dict[str, tuple[str, ...]] = {"scale": _WORKLOADS, "expose": ("pods", "services", *_WORKLOADS),
                                        "set image": ("pods", *_WORKLOADS)}
"""Verbs that are about some types only."""
_OF_ALL = ("get", "describe", "delete", "label", "annotate", "patch")
_OF_A_POD = {"exec": ("services", *_WORKLOADS), "logs": ("services", *_WORKLOADS), "port-forward": ("services", *_WORKLOADS),
             "debug": ("nodes",)}
"""Verbs that are about one pod, and the types by which it can be named too."""


@dataclass(frozen=True, slots=True)
class Typed:
    """A line as far as it is typed: the verb, its positional words, what its flags have been given, and the last fragment."""

    verb: Verb | None
    name: str
    words: tuple[str, ...]
    given: tuple[tuple[str, str], ...]
    fragment: str
    waiting: Flag | None = None
    """The flag whose value is being typed."""
    after: tuple[str, ...] | None = None
    """The words after ``--``."""

    def value(self, flag: str) -> str:
        """What a flag was given; empty: nothing."""
        return next((text for name, text in reversed(self.given) if name == flag), "")


def complete(context: Context | None, line: str) -> tuple[str, list[str]]:
    """The last fragment of a line, and the words that it may become.  Without a context, those that need no cluster.

    >>> complete(None, "get po")
    ('po', ['pods'])
    >>> complete(None, "get pods -o=wi")
    ('-o=wi', ['-o=wide'])
    """
    typed = read(line)
    try:
        found = list(dict.fromkeys(_candidates(context, typed)))
    except (Complaint, CourseError):  # a half-typed line may mean anything
        found = []
    return typed.fragment, [each for each in found if each.startswith(typed.fragment) and each != typed.fragment]


def read(line: str) -> Typed:
    """A line that is being typed, word by word."""
    *done, fragment = line.lstrip().split(" ") if line.strip() else [""]
    done = [word for word in done if word]
    if done[:1] == ["kubectl"]:
        done = done[1:]
    found: Verb | None = None
    name = ""
    words: list[str] = []
    given: list[tuple[str, str]] = []
    waiting: Flag | None = None
    for at, word in enumerate(done):
        if waiting is not None:
            given.append((waiting.name, word))
            waiting = None
        elif word == "--":
            return Typed(found, name, tuple(words), tuple(given), fragment, None, tuple(done[at + 1:]))
        elif word.startswith("-") and len(word) > 1:
            flag, text = _flag(word, found)
            if flag is not None and text is None and flag.alone is None:
                waiting = flag
            elif flag is not None:
                given.append((flag.name, text or ""))
        elif found is None:
            found, name = verb(word), word
        elif word in found.verbs and not words:
            found, name = found.verbs[word], f"{name} {word}"
        else:
            words.append(word)
    return Typed(found, name, tuple(words), tuple(given), fragment, waiting)


def _flag(word: str, found: Verb | None) -> tuple[Flag | None, str | None]:
    """The flag of a word and its value in the same word (None: it is the next word)."""
    start, equals, text = word.partition("=")
    for flag in (*(found.flags if found else ()), *GLOBAL):
        if start in (f"--{flag.name}", f"-{flag.short}" if flag.short else ""):
            return flag, text if equals else None
        if flag.short and not word.startswith("--") and word.startswith(f"-{flag.short}") and flag.alone is None:
            return flag, word[2:]
    return None, None


def _candidates(context: Context | None, typed: Typed) -> Iterable[str]:
    fragment = typed.fragment
    if typed.after is not None:
        return _commands() if typed.name in ("exec", "debug", "run") and not typed.after else ()
    if typed.waiting is not None:
        return _listed(fragment, _values(context, typed, typed.waiting))
    if fragment.startswith("-"):
        flag, text = _flag(fragment, typed.verb)
        if flag is not None and text is not None and (text or "=" in fragment):
            start = fragment[:len(fragment) - len(text)]
            return [f"{start}{each}" for each in _listed(text, _values(context, typed, flag))]
        return _flags(typed)
    if typed.verb is None:
        return names() if not typed.name else ()
    if typed.verb.verbs and not typed.words:
        own = [word for word, each in typed.verb.verbs.items() if each.name.endswith(f" {word}")]  # and not its other names
        return [*own, *_positional(context, typed)]
    return _positional(context, typed)


def _flags(typed: Typed) -> list[str]:
    """The flags of the verb and those of every command, the verb's own first."""
    own = typed.verb.flags if typed.verb else ()
    given = {name for name, _ in typed.given}
    free = [flag for flag in (*own, *GLOBAL) if flag.name not in given or flag.type in ("stringArray", "strings")]
    return [*(f"--{flag.name}" for flag in free), *(f"-{flag.short}" for flag in free if flag.short)]


def _listed(text: str, values: Iterable[str]) -> list[str]:
    """Values for the last one of several with commas between."""
    before, comma, _ = text.rpartition(",")
    return [f"{before}{comma}{each}" for each in values]


def _values(context: Context | None, typed: Typed, flag: Flag) -> Iterable[str]:
    """What a flag may be given."""
    if isinstance(flag.values, tuple) and flag.values:
        return flag.values
    if context is None:
        return ()
    server = context.server
    if flag.values == "namespaces":
        return server.namespaces()
    if flag.values == "containers" and typed.words:
        pod = server.find(RESOURCES["pods"], typed.words[0].partition("/")[2] or typed.words[0], _namespace(context, typed))
        return [box.name for box in pod.containers] if pod is not None else ()
    resource = _type_of(typed)
    if resource is None:
        return ()
    if flag.name == "selector":
        form = server.form(resource)
        pairs = {f"{key}={text}" for one in server.objects(resource) for key, text in form.labels(one).items()}
        return sorted(pairs)
    if flag.name == "field-selector":
        return [f"{name}=" for name in ("metadata.name", "metadata.namespace", *server.form(resource).fields)]
    return ()


def _type_of(typed: Typed) -> Resource | None:
    """The type that the line is about; None: it has none yet."""
    first = typed.words[0].partition("/")[0].rpartition(",")[2] if typed.words else ""
    try:
        return named(first) if first else None
    except Complaint:
        return None


def _positional(context: Context | None, typed: Typed) -> Iterable[str]:
    """The next positional word."""
    name = typed.name
    if name == "explain":
        return _paths(typed.fragment) if not typed.words else ()
    if name == "help":
        return names() if not typed.words else ()
    if name == "config use-context":
        return ("course",)
    if name in _OF_A_POD:
        return _pods(context, typed, _OF_A_POD[name])
    if name in _OF_ALL or name in _OF_SOME:
        return _types_and_names(context, typed, _OF_SOME.get(name, tuple(RESOURCES)))
    return ()


def _types_and_names(context: Context | None, typed: Typed, types: Sequence[str]) -> list[str]:
    words, fragment = [word for word in typed.words if "=" not in word], typed.fragment
    if words and "/" not in words[0]:
        resource = named(words[0].rpartition(",")[2])
        return [each for each in _names(context, typed, resource) if each not in words[1:]]
    kind, slash, _ = fragment.partition("/")
    if slash:
        return [f"{kind}/{each}" for each in _names(context, typed, named(kind))]
    if words:
        return [f"{each}/" for each in types]
    more = ["all"] if typed.name in ("get", "delete") else []
    return [each for word in (_listed(fragment, (*types, *more)), _short(fragment, types)) for each in word]


def _short(fragment: str, types: Sequence[str]) -> list[str]:
    """A short name that is typed, as the plural: ``po`` starts no other word than ``pods``, but ``svc`` does not start one."""
    before, comma, last = fragment.rpartition(",")
    return [f"{before}{comma}{word}" for plural in types for word in RESOURCES[plural].short if last and word.startswith(last)
            and not plural.startswith(last)]


def _pods(context: Context | None, typed: Typed, types: Sequence[str]) -> list[str]:
    """The pods, by name alone or by what selects them; after that, ports or containers."""
    kind, slash, _ = typed.fragment.partition("/")
    if typed.words:
        return _ports(context, typed) if typed.name == "port-forward" else []
    if slash:
        return [f"{kind}/{each}" for each in _names(context, typed, named(kind))]
    return [*_names(context, typed, RESOURCES["pods"]), "pod/", *(f"{RESOURCES[each].singular}/" for each in types)]


def _ports(context: Context | None, typed: Typed) -> list[str]:
    """The ports of a Service, or those that the containers of a pod declare."""
    kind, slash, name = typed.words[0].partition("/")
    if context is None:
        return []
    resource = named(kind) if slash else RESOURCES["pods"]
    found = context.server.find(resource, name if slash else kind, _namespace(context, typed))
    if resource.kind == "Service" and found is not None:
        return [str(port.port) for port in found.ports]
    return [str(port.container_port) for box in getattr(found, "containers", ()) for port in box.ports]


def _names(context: Context | None, typed: Typed, resource: Resource) -> list[str]:
    if context is None:
        return []
    return [one.name for one in context.server.objects(resource, _namespace(context, typed))]


def _namespace(context: Context, typed: Typed) -> str:
    return typed.value("namespace") or context.session.namespace


def _paths(fragment: str) -> list[str]:
    """Types, or the fields at a path that is being typed."""
    word, dot, rest = fragment.partition(".")
    if not dot:
        return [plural for plural, one in RESOURCES.items() if one.kind in KINDS]
    *steps, _ = rest.split(".")
    here = schema(named(word).kind)
    for step in steps:
        found = here.field(step)
        if found is None:
            return []
        here = found
    start = ".".join([word, *steps])
    return [f"{start}.{each.name}" for each in here.fields if each.modelled]


def _commands() -> Iterable[str]:
    """The commands that some image of the course has."""
    from k8snet_course.shell.commands import COMMANDS  # only where somebody is about to type one

    return sorted({name for name, _ in COMMANDS})

