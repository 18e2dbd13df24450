"""The cluster in real Linux network namespaces: what the model says can be tried with real packets.

:func:`emulate` lays a cluster out; :func:`~k8snet_course.emulator.agreement.disagreements` compares the two.
"""

from k8snet_course.emulator.lab import Lab, emulate
from k8snet_course.emulator.needs import EmulatorUnavailable, NotEmulated
from k8snet_course.emulator.sent import Outcome, Sent, modelled

__all__ = ["EmulatorUnavailable", "Lab", "NotEmulated", "Outcome", "Sent", "emulate", "modelled"]
