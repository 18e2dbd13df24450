"""Reading answers that may be anything at all.

An answer comes from a learner's notebook: it may have the wrong type, be enormous, raise when it is looked at, or be a
function that never returns.  Everything here either gives a plain value or raises BadAnswer with a sentence for the
learner.  Types are read with ``type(x)``, since ``isinstance`` asks the object itself, which may lie.
"""

from __future__ import annotations

import reprlib
import sys
import time
from collections.abc import Callable
from ipaddress import IPv4Address, IPv6Address, ip_address
from types import CodeType, FrameType, FunctionType
from typing import Any

MOST_CHARACTERS = 20_000
SECONDS = 5.0
"""How long an answer's functions may run in one check, all calls together."""

MISSING: Any = type("Missing", (), {"__repr__": lambda _: "<no answer>", "__doc__": "No answer was given."})()


class BadAnswer(Exception):
    """An answer that cannot be asked anything.  The text is for the learner."""


class _TooSlow(BaseException):
    """Raised inside a learner's function when its time is over; no ``except Exception`` there can stop it."""


def kind_of(value: object) -> str:
    """The type of a value in plain words; safe for any object.

    >>> kind_of("10.244.0.2"), kind_of(None), kind_of({})
    ('a text', 'nothing (None)', 'a dict')
    """
    words = {str: "a text", int: "a number", float: "a number with a decimal point", bool: "True or False",
             list: "a list", tuple: "a tuple", set: "a set", dict: "a dict",
             type(None): "nothing (None)", bytes: "bytes", type(...): "...", FunctionType: "a function"}
    name = str(type.__dict__["__name__"].__get__(type(value)))[:40]
    return words.get(type(value), f"an object of the type {name}")


def shown(value: object) -> str:
    """A value as it is quoted in a message: short, and safe for any object.

    >>> shown("x" * 500)
    "'xxxxxxxxxxxxxxxxxxxxxxxxxxx...xxxxxxxxxxxxxxxxxxxxxxxxxxxx'"
    """
    if type(value) is int and abs(value) >= 10**30:
        return "a very large number"
    if type(value) in (str, int, float, bool, type(None), IPv4Address, IPv6Address):
        short = reprlib.Repr()
        short.maxstring = short.maxother = 60
        return short.repr(str(value) if type(value) in (IPv4Address, IPv6Address) else value)
    return kind_of(value)


def read_text(answer: object, what: str) -> str:
    """The answer as a text.  Raises BadAnswer."""
    if type(answer) is not str:
        raise BadAnswer(f"{what} should be a text in quotes, but this is {kind_of(answer)}.")
    if len(answer) > MOST_CHARACTERS:
        raise BadAnswer(f"{what} should be a short text, but this one has {len(answer)} characters.")
    return answer.strip()


def read_address(answer: object, what: str) -> str:
    """The answer as an IP address in its usual text form.  Raises BadAnswer.

    >>> read_address(" 10.244.0.2 ", "the address")
    '10.244.0.2'
    """
    text = str(answer) if type(answer) in (IPv4Address, IPv6Address) else read_text(answer, what)
    address, slash, length = text.partition("/")
    try:
        found = str(ip_address(address))
    except ValueError:
        raise BadAnswer(f"{what} should be an IP address such as '10.244.0.9', but this is {shown(text)}.") from None
    if slash:
        raise BadAnswer(f"{what} should be the address alone: leave out the prefix length, {shown(slash + length)}.")
    return found


def read_fields(answer: object, fields: tuple[str, ...]) -> dict[str, object]:
    """The answer as a dict with exactly these fields, all filled in.  Raises BadAnswer.

    >>> read_fields({"where": "cni0"}, ("where",))
    {'where': 'cni0'}
    """
    wanted = ", ".join(f"'{name}'" for name in fields)
    if type(answer) is not dict:
        raise BadAnswer(f"the answer should be a dict with the fields {wanted}, but this is {kind_of(answer)}.")
    if len(answer) > 100 or not all(type(key) is str for key in answer):
        raise BadAnswer(f"the answer should be a dict with only the fields {wanted}.")
    for name in fields:
        if answer.get(name) is None or answer[name] is ...:
            raise BadAnswer(f"the field '{name}' is still empty.")
    spare = next((key for key in answer if key not in fields), None)
    if spare is not None:
        raise BadAnswer(f"the answer should have only the fields {wanted}; take out {shown(spare)}.")
    return dict(answer)


def read_function(answer: object, name: str) -> Callable[..., object]:
    """The answer as something to call.  Raises BadAnswer."""
    if not callable(answer) or issubclass(type(answer), type):
        raise BadAnswer(f"the answer should be the function {name} itself, without brackets after it, but this is "
                        f"{kind_of(answer)}.")
    return answer


def call(function: Callable[..., object], asked: str, *arguments: object) -> object:
    """What the function returns, if it does so in time.  Raises BadAnswer, in which ``asked`` names the call."""
    deadline = time.monotonic() + SECONDS

    def watch(frame: FrameType, event: str, argument: object) -> Any:
        if time.monotonic() > deadline:
            raise _TooSlow
        return watch

    before = sys.gettrace()
    sys.settrace(watch)
    try:
        return function(*arguments)
    except _TooSlow:
        problem = f"did not return within {SECONDS:.0f} seconds (does a loop in it never end?)"
    except KeyboardInterrupt:
        problem = "was interrupted"
    except RecursionError:
        problem = "called itself without end"
    except BaseException as error:  # noqa: BLE001  a learner's function may raise anything, SystemExit too
        problem = f"raised {_error(error)}"
    finally:
        sys.settrace(before)
    raise BadAnswer(f"{asked} {problem}.")


def _error(error: BaseException) -> str:
    """An exception in one line, safe for any exception."""
    name = str(type.__dict__["__name__"].__get__(type(error)))[:40]
    first = error.args[0] if type(error).__module__ == "builtins" and error.args else None
    return f"{name}: {shown(first)}" if type(first) in (str, int) else name


def is_blank(answer: object) -> bool:
    """Whether nothing has been written yet.

    >>> is_blank(...), is_blank("  "), is_blank(0)
    (True, True, False)
    """
    if type(answer) is str:
        return not answer[:MOST_CHARACTERS].strip()
    return answer is MISSING or answer is None or answer is ...


def same(one: object, other: object, depth: int = 8) -> bool:
    """Whether two answers are the same as they were written: plain values by value, functions by their code.

    >>> same({"a": ...}, {"a": ...}), same(lambda n: n + 1, lambda n: n + 2)
    (True, False)
    """
    if type(one) is not type(other) or depth == 0:
        return False
    if type(one) in (str, int, float, bool, type(None), type(...)):
        return one == other
    if isinstance(one, dict) and type(one) is dict and isinstance(other, dict):
        return (len(one) == len(other) and all(type(key) is str for key in (*one, *other))
                and all(key in other and same(one[key], other[key], depth - 1) for key in one))
    if isinstance(one, (list, tuple)) and type(one) in (list, tuple) and isinstance(other, (list, tuple)):
        return len(one) == len(other) and all(same(mine, its, depth - 1) for mine, its in zip(one, other, strict=True))
    if type(one) is FunctionType and type(other) is FunctionType:
        return _same_code(one.__code__, other.__code__)
    return False


def _same_code(one: CodeType, other: CodeType) -> bool:
    constants = zip(one.co_consts, other.co_consts, strict=False)
    return (one.co_code == other.co_code and one.co_names == other.co_names and one.co_varnames == other.co_varnames
            and len(one.co_consts) == len(other.co_consts)
            and all(_same_code(mine, its) if type(mine) is CodeType and type(its) is CodeType
                    else type(mine) is type(its) and mine == its for mine, its in constants))
