"""The exercises of chapter 04, one in each module, in the order in which they are met."""

from k8snet_course.exercises.two_nodes import (
    address_plan,
    ends_at,
    false_bridge,
    shared_addresses,
    who_gets_an_answer,
)

EXERCISES = (ends_at.EXERCISE, shared_addresses.EXERCISE, who_gets_an_answer.EXERCISE, address_plan.EXERCISE,
             false_bridge.EXERCISE)
