"""What the launcher says while it works: numbered steps, and below a step one line that is renewed in place."""

import shutil
import sys
from typing import TextIO


class Progress:
    """Tells a person what is being done. On a terminal details share one line; in a log every tenth is kept."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self.stream = stream or sys.stdout
        self.in_place = self.stream.isatty()
        self._pending = False
        self._details = 0

    def step(self, text: str) -> None:
        """Say what begins now."""
        self.finish()
        self._details = 0
        print(text, file=self.stream, flush=True)

    def detail(self, text: str) -> None:
        """Say how far the present step is."""
        if self.in_place:
            width = shutil.get_terminal_size().columns - 1
            print(f"\r{'  ' + text:<{width}.{width}}", end="", file=self.stream, flush=True)
            self._pending = True
        elif self._details % 10 == 0:
            print("  " + text, file=self.stream, flush=True)
        self._details += 1

    def finish(self) -> None:
        """Leave the line that is renewed in place, so that what follows starts on its own line."""
        if self._pending:
            print(file=self.stream, flush=True)
        self._pending = False
