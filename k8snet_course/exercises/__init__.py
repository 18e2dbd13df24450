"""Exercises: data in, verdict out.

An exercise is data (:mod:`~k8snet_course.exercises.exercise`); :mod:`~k8snet_course.exercises.judge` turns an answer
into a verdict; :mod:`~k8snet_course.exercises.session` is what a learner types.  This room needs the standard library
and the model.
"""

from k8snet_course.exercises.exercise import Exercise, Finding, Kind, Misconception, Variant
from k8snet_course.exercises.record import Progress
from k8snet_course.exercises.result import Result, Status
from k8snet_course.exercises.session import check, hint, learner, progress, solution, task

__all__ = ["Exercise", "Finding", "Kind", "Misconception", "Progress", "Result", "Status", "Variant", "check", "hint",
           "learner", "progress", "solution", "task"]
