"""`python3 -m k8snet_course`: look at the Python version, then hand over.

In a clone the launcher takes over, which keeps its own environment in `.venv`. Where the package has been installed
with pip there is nothing to set up, and `cli` runs in the environment that is already there.

Like the package's `__init__`, this file is written so that an old Python can read it and say what is wrong.
"""

import sys

if sys.version_info < (3, 11):
    sys.stderr.write(
        "The course needs Python 3.11 or newer, but this is Python %d.%d.%d (%s); install a newer one from your"
        " system's packages or from python.org and start again with it, for example: python3.11 -m k8snet_course lab\n"
        % (sys.version_info[0], sys.version_info[1], sys.version_info[2], sys.executable)
    )
    sys.exit(2)

if __name__ == "__main__":
    from k8snet_course.launcher.command import main

    sys.exit(main(sys.argv[1:]))
