"""`pytest --nbval`: cells with the tag needs-linux are skipped where this machine can lay out no cluster in real Linux."""

from __future__ import annotations

import pytest

TAG = "needs-linux"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip those cells, with the sentence that says what is missing."""
    cells = [item for item in items if TAG in getattr(item, "cell", {}).get("metadata", {}).get("tags", [])]
    if not cells:
        return
    from k8snet_course.emulator import EmulatorUnavailable
    from k8snet_course.emulator.needs import check_machine

    try:
        check_machine()
    except EmulatorUnavailable as missing:
        for item in cells:
            item.add_marker(pytest.mark.skip(reason=str(missing)))
