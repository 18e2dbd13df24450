"""The panel of chapter 6: it breaks what is there, in every plugin, and shows what the walk says."""

from __future__ import annotations

import pytest

from k8snet_course.cni import PLUGINS
from k8snet_course.linux.packet import Packet
from k8snet_course.show import PathPanel
from k8snet_course.show.path_panel import NOTHING, breakages, headers, stack, two_pods
from k8snet_course.show.widgets import VIEW

each_plugin = pytest.mark.parametrize("cni", PLUGINS)


def captions(panel: PathPanel) -> list[str]:
    return [grid.caption for grid in panel.seen.tables]


@each_plugin
def test_every_plugin_can_be_chosen_and_everything_it_lists_can_be_broken(cni: str) -> None:
    panel = PathPanel()
    panel.plugin.value = cni
    assert panel.seen.cluster.cni == cni
    assert panel.broken.options == tuple(one.label for one in breakages(two_pods(cni)))
    for label in panel.broken.options:
        panel.broken.value = label
        assert not panel.board.failed, panel.board.notice
        assert (label == NOTHING) == (panel.seen.cluster.faults == ())


def test_each_breakage_of_flannel_has_its_own_end() -> None:
    cluster = two_pods("flannel")
    ends = {}
    for breakage in breakages(cluster):
        for fault in breakage.faults:
            cluster.inject(fault)
        trace = cluster.send("frontend", "backend")
        ends[breakage.label] = (str(trace.verdict), trace.answered)
        cluster.repair()
    assert ends[NOTHING] == ("delivered", True)
    assert ends["node-2 has lost its route 10.244.2.0/24"] == ("no_route", False)
    assert ends["node-3 has lost its route 10.244.1.0/24"] == ("delivered", False)
    assert ends["node-2 has lost its neighbour 10.244.2.0"] == ("no_neighbour", False)
    assert ends["a firewall on node-3 drops UDP port 8472"] == ("denied_ingress", False)
    assert ends["a firewall on node-2 drops UDP port 8472"] == ("delivered", False)
    answered = [label for label, (_, came) in ends.items() if came]
    assert answered == [NOTHING, "frontend's cable has MTU 1500 at both ends"]


def test_a_fault_that_another_plugin_does_not_have_is_taken_back_and_said() -> None:
    panel = PathPanel("flannel")
    panel.broken.value = "a firewall on node-3 drops UDP port 8472"
    panel.plugin.value = "flannel-host-gw"
    assert panel.broken.value == NOTHING
    assert panel.board.notice.startswith("With flannel-host-gw there is nothing like this to break.")
    assert panel.seen.trace is not None
    assert panel.seen.trace.answered


def test_a_fault_that_both_plugins_have_stays() -> None:
    panel = PathPanel("flannel")
    panel.broken.value = "node-2 does not forward"
    panel.plugin.value = "flannel-host-gw"
    assert panel.broken.value == "node-2 does not forward"
    assert [fault.device for fault in panel.seen.cluster.faults] == ["node-2"]


@pytest.mark.parametrize(("cni", "size", "verdict"), [("flannel", 1422, "delivered"), ("flannel", 1423, "too_big"),
                                                      ("flannel-host-gw", 1472, "delivered"),
                                                      ("flannel-host-gw", 1473, "too_big")])
def test_the_size_of_the_packet_counts(cni: str, size: int, verdict: str) -> None:
    panel = PathPanel(cni)
    panel.packet.value = size
    assert panel.seen.trace is not None
    assert str(panel.seen.trace.verdict) == verdict
    assert panel.board.notice.startswith(verdict)


def test_every_control_shows_what_is_chosen() -> None:
    panel = PathPanel()
    assert [one.label for one in (panel.plugin, panel.packet, panel.broken)] == ["flannel", "TCP to port 80", NOTHING]


def test_an_answer_that_is_lost_is_said() -> None:
    panel = PathPanel("flannel-host-gw")
    panel.broken.value = "node-3 has lost its route 10.244.1.0/24"
    assert "And on the way back, no_route: router has no route to 10.244.1.2." in panel.board.notice


def test_tunnel_rows_are_shown_only_where_there_is_a_tunnel() -> None:
    panel = PathPanel("flannel")
    assert "Tunnel rows of node-2" in captions(panel)
    panel.plugin.value = "flannel-host-gw"
    assert not [caption for caption in captions(panel) if caption.startswith("Tunnel")]


def test_the_header_stack_grows_and_shrinks() -> None:
    sizes = [int(row[1]) for row in stack(two_pods("flannel").send("frontend", "backend")).rows]
    assert sizes == [40, 90, 90, 40, 40]
    inner = Packet("10.0.0.1", "10.0.0.2")
    assert headers(Packet("1.0.0.1", "1.0.0.2", "IPIP", inner=inner)) == ["IP 1.0.0.1 > 1.0.0.2 TTL 64",
                                                                          "IP 10.0.0.1 > 10.0.0.2 TTL 64", "TCP"]


def test_it_says_the_same_in_every_run_and_stores_no_widget_state() -> None:
    one, other = PathPanel(), PathPanel()
    assert repr(one) == repr(other)
    data = one._repr_mimebundle_()
    again = other._repr_mimebundle_()
    assert {kind: value for kind, value in data.items() if kind != VIEW} == {
        kind: value for kind, value in again.items() if kind != VIEW}
    assert one.model_id not in data["text/plain"] + data["image/svg+xml"]
