"""The exercises of chapter 01, one in each module, in the order in which they are met."""

from k8snet_course.exercises.single_node import (
    answer_on_port,
    false_statement,
    next_pod_address,
    next_pod_ip,
    stale_address,
)

EXERCISES = (next_pod_address.EXERCISE, next_pod_ip.EXERCISE, answer_on_port.EXERCISE, stale_address.EXERCISE,
             false_statement.EXERCISE)
