"""A table as a learner meets it: rows that print as the Linux command prints them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Generic, TypeVar

if TYPE_CHECKING:
    import pandas

RowT = TypeVar("RowT")


class Rows(tuple[RowT, ...], Generic[RowT]):
    """A tuple of rows, such as the routes of a node: it prints one row a line.

    >>> print(Rows(["default via 10.244.0.1 dev eth0", "10.244.0.0/24 dev eth0"]))
    default via 10.244.0.1 dev eth0
    10.244.0.0/24 dev eth0
    """

    __slots__ = ()

    def __str__(self) -> str:
        return "\n".join(str(row) for row in self) if self else "(no rows)"

    def __repr__(self) -> str:
        return str(self)

    def to_frame(self) -> pandas.DataFrame:
        """The rows as a pandas table, a column a field; needs pandas."""
        from k8snet_course import views

        frame: pandas.DataFrame = views.view("tables", "rows_frame")(self)
        return frame
