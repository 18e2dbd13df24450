"""The exercises of chapter 06, one in each module, in the order in which they are met."""

from k8snet_course.exercises.across_nodes import (
    false_route_table,
    largest_payload,
    longest_prefix_match,
    routes_by_hand,
    tunnel_rows,
)

EXERCISES = (longest_prefix_match.EXERCISE, routes_by_hand.EXERCISE, largest_payload.EXERCISE, tunnel_rows.EXERCISE,
             false_route_table.EXERCISE)
