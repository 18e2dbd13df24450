"""The one place where a value of the model reaches for its view, by name and only when somebody asks to see it.

The model imports no view: it must work where pandas, matplotlib and ipywidgets are not installed.  ``trace.to_frame()`` is
still what a learner expects to type, so such a method asks here, and the view's module is imported at that moment.
"""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any


def view(module: str, name: str) -> Callable[..., Any]:
    """The function ``name`` of ``k8snet_course.show.<module>``.

    >>> view("text", "indent")("one line")
    '  one line'
    """
    found: Callable[..., Any] = getattr(import_module(f"k8snet_course.show.{module}"), name)
    return found
