"""All that happens before anything is installed: the set-up of `.venv`, the start of the server and of the tests.

Rules that this package holds itself to:
- it uses the standard library alone, because it runs before the course's dependencies exist;
- what goes wrong for the person at the keyboard is one sentence and exit code 2 (`errors`), never a traceback;
- an environment is used only if its stamp says that it was finished, for this lock, this Python and this place
  (`environment`); the stamp is written last;
- when the stamp matches, a start does next to nothing before the server takes the process over.
"""
