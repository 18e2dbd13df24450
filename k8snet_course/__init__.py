"""An interactive course on Kubernetes networking whose network is computed, not drawn.

    from k8snet_course import Cluster
    c = Cluster(nodes=1, cni="bridge")

This module holds only the names that learners type. Each one is imported from the module that owns it when it is first
used, so that `import k8snet_course` costs next to nothing, and so that the launcher can be imported before anything is
installed. The file is written so that even a very old Python can read it: that Python then gets a sentence from
`__main__` and not a SyntaxError.
"""

__version__ = "0.1.0"

# Type checkers take this name for true; the interpreter does not pay for importing `typing`.
TYPE_CHECKING = False

# name -> the module that owns it
_OWNERS = {
    "Cluster": "k8snet_course.cluster",
    "Docker": "k8snet_course.docker",
    "LookupSteps": "k8snet_course.show",
    "PacketWalk": "k8snet_course.show",
    "PathPanel": "k8snet_course.show",
    "PodPanel": "k8snet_course.show",
    "ReachMatrix": "k8snet_course.show",
    "RealPanel": "k8snet_course.show",
    "VirtualMachines": "k8snet_course.vms",
    "check": "k8snet_course.exercises",
    "draw": "k8snet_course.show",
    "get_pods": "k8snet_course.show.kubectl",
    "hint": "k8snet_course.exercises",
    "learner": "k8snet_course.exercises",
    "progress": "k8snet_course.exercises",
    "solution": "k8snet_course.exercises",
    "task": "k8snet_course.exercises",
}

__all__ = [
    "Cluster",
    "Docker",
    "LookupSteps",
    "PacketWalk",
    "PathPanel",
    "PodPanel",
    "ReachMatrix",
    "RealPanel",
    "VirtualMachines",
    "check",
    "draw",
    "get_pods",
    "hint",
    "learner",
    "progress",
    "solution",
    "task",
]

if TYPE_CHECKING:
    from k8snet_course.cluster import Cluster
    from k8snet_course.docker import Docker

    # Not from the package: a type checker would take its module `progress` for the function of that name.
    from k8snet_course.exercises.session import check, hint, learner, progress, solution, task
    from k8snet_course.show import LookupSteps, PacketWalk, PathPanel, PodPanel, ReachMatrix, RealPanel, draw
    from k8snet_course.show.kubectl import get_pods
    from k8snet_course.vms import VirtualMachines
else:

    def __getattr__(name):
        """Import the owner of a public name when the name is first used (PEP 562)."""
        if name not in _OWNERS:
            raise AttributeError("module 'k8snet_course' has no attribute '%s'" % name)
        import importlib

        value = getattr(importlib.import_module(_OWNERS[name]), name)
        globals()[name] = value
        return value

    def __dir__():
        """All names, used or not, so that Tab completes them in a notebook."""
        return sorted(set(globals()) | set(_OWNERS))


def _draw_in_notebooks():
    # type: () -> None
    """In a notebook, let clusters and traces draw themselves as the result of a cell."""
    import sys

    shell = sys.modules["IPython"].get_ipython() if "IPython" in sys.modules else None
    if shell is not None:
        from k8snet_course.show.display import register

        register(shell)


_draw_in_notebooks()


def load_ipython_extension(ipython):
    # type: (object) -> None
    """%load_ext k8snet_course: the magics %kubectl and %%kubectl, and the Tab key in their lines."""
    from k8snet_course.kubectl.magics import load

    load(ipython)


def unload_ipython_extension(ipython):
    # type: (object) -> None
    """%unload_ext k8snet_course: without the Tab key again."""
    from k8snet_course.kubectl.magics import unload

    unload(ipython)
