"""The cluster in real Linux network namespaces: what the model says can be tried with real packets.

:func:`emulate` lays a cluster out; :func:`~k8snet_course.emulator.agreement.disagreements` compares the two;
:func:`not_checked` says what this machine's kernel cannot do.
"""

from k8snet_course.emulator.kernel import not_checked
from k8snet_course.emulator.lab import Lab, emulate
from k8snet_course.emulator.needs import EmulatorUnavailable, NotEmulated
from k8snet_course.emulator.sent import Outcome, Sent, modelled

__all__ = ["EmulatorUnavailable", "Lab", "NotEmulated", "Outcome", "Sent", "emulate", "modelled", "not_checked"]
