"""Times as kubectl prints them: the age of an object, and the moment at which it was made.

Source: kubernetes apimachinery, ``duration.HumanDuration``.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)
"""The moment at which every cluster of the course is made: its clock counts seconds from here."""

_MINUTE, _HOUR, _DAY, _YEAR = 60, 3600, 86400, 31536000


def age(seconds: int) -> str:
    """A span of time in one or two units, the smaller one left out where it is nothing.

    >>> [age(each) for each in (-2, -1, 45, 119, 200, 4500, 11100, 72000, 273600, 2592000)]
    ['<invalid>', '0s', '45s', '119s', '3m20s', '75m', '3h5m', '20h', '3d4h', '30d']
    """
    if seconds < -1:
        return "<invalid>"
    if seconds < 2 * _MINUTE:
        return f"{max(seconds, 0)}s"
    if seconds < 10 * _MINUTE:
        return _two(seconds, _MINUTE, "m", 1, "s")
    if seconds < 3 * _HOUR:
        return f"{seconds // _MINUTE}m"
    if seconds < 8 * _HOUR:
        return _two(seconds, _HOUR, "h", _MINUTE, "m")
    if seconds < 2 * _DAY:
        return f"{seconds // _HOUR}h"
    if seconds < 8 * _DAY:
        return _two(seconds, _DAY, "d", _HOUR, "h")
    if seconds < 2 * _YEAR:
        return f"{seconds // _DAY}d"
    if seconds < 8 * _YEAR:
        return _two(seconds, _YEAR, "y", _DAY, "d")
    return f"{seconds // _YEAR}y"


def _two(seconds: int, large: int, letter: str, small: int, other: str) -> str:
    rest = seconds % large // small
    return f"{seconds // large}{letter}{f'{rest}{other}' if rest else ''}"


def timestamp(seconds: int) -> str:
    """A moment of the cluster's clock as the API writes it.

    >>> timestamp(90)
    '2026-01-01T00:01:30Z'
    """
    return (EPOCH + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%SZ")
