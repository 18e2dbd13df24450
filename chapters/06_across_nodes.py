# %% [markdown]
# # How does a packet reach a pod on another node?
#
# Every pod has its own address now, and still the packet of chapter 04 died at the router, because nobody had told the nodes
# the way. Who tells them? What does a node then do with a packet for another node's pod? And when it does not
# arrive: which row, on which machine, is the one to look at?
#
# ## The cluster as it stands
#
# Three nodes. Each has its own range: node-1 `10.244.0.0/24`, node-2 `10.244.1.0/24`, node-3 `10.244.2.0/24`. (On many real
# clusters the first one runs Kubernetes itself, and your pods are on the others.) `frontend` is on node-2. On node-3 there is a
# `database`, which came first and got `.2`, and then `backend`, which got `.3`.

# %%
from k8snet_course import Cluster, PacketWalk, PathPanel, draw


def two_pods(cni):
    """Three nodes; frontend is 10.244.1.2 on node-2, backend 10.244.2.3 on node-3."""
    cluster = Cluster(nodes=3, cni=cni)
    for name, node in [("frontend", "node-2"), ("database", "node-3"), ("backend", "node-3")]:
        cluster.add_pod(name, node=node)
    return cluster


cluster = two_pods("flannel-host-gw")
draw(cluster)

# %% [markdown]
# The plugin is **Flannel**, a small program that runs on each node and writes the rows that are missing. It can do that in
# several ways, which it calls *backends*. We begin with the simplest, **host-gw** (the host, that is the node, is the gateway).
#
# ## Predict
#
# A packet carries a number, its **TTL** (time to live). It starts at 64, and every router on the way lowers it by one, so that no
# packet travels for ever. With which TTL does a packet from `frontend` arrive at `backend`? And how many rows has
# Flannel added to node-2's routing table?

# %%
guess_ttl = "?"
guess_rows = "?"

# %%
trace = cluster.send("frontend", "backend", port=80)
without = {route.dst for route in two_pods("bridge").node("node-2").routes}
added = [route for route in cluster.node("node-2").routes if route.dst not in without]
print("TTL:  you said", guess_ttl, "- it arrived with", trace.hops[-1].steps[-1].packet.ttl)
print("rows: you said", guess_rows, "- there are", len(added))
for route in added:
    print("  ", route)

# %% [markdown]
# ## Run: plain routing
#
# One row for each other node, and that is all. It reads: *what is for 10.244.2.0/24 goes to the machine 192.168.1.4, out of eth0*.
# `via` names the next router on the way, and that router is simply the other node.

# %%
PacketWalk(cluster, trace)

# %% [markdown]
# - `frontend` does not find `10.244.2.3` on its own wire, and gives the packet to its gateway: `cni0` on node-2.
# - node-2 looks into its routing table. The longest prefix that matches is the new row. TTL 63.
# - node-2 needs a MAC address. Not `backend`'s, but that of the next router: it asks on the nodes' wire who has `192.168.1.4`.
#   So the frame is for node-3, while the packet in it is still for `backend`.
# - node-3 is a router too. `10.244.2.0/24` is behind its own bridge. TTL 62.
#
# Nobody wrote another address into the packet. `backend` sees `frontend`'s own address as the sender, as the network model
# asks:

# %%
print(trace.hops[-1].steps[-1].packet)
print("rewritten on the way:", len(trace.nat))

# %% [markdown]
# Plain routing is fast and easy to read. It has one condition: the next router must be on the same wire. If there were another
# router between the nodes, node-2 would hand it a packet for `10.244.2.3`, and it would know as little about pods as ours.
#
# ## Run: a packet in a packet
#
# If the network between the nodes knows nothing of pods, do not show it any. node-2 puts the whole packet into another one
# that is addressed to node-3, and every network can carry that. node-3 takes it out again. This is
# **encapsulation**, and the pair of devices that do it are the two ends of a **tunnel**. The network of the
# nodes is then called the **underlay**, and the pods' network on top of it the **overlay**.
#
# Flannel's usual backend does it with **VXLAN**: the load is a whole Ethernet frame, and it travels in a UDP packet to port 8472.

# %%
overlay = two_pods("flannel")
trace = overlay.send("frontend", "backend", port=80)
PacketWalk(overlay, trace)

# %% [markdown]
# The tunnel's end is an interface, `flannel.1`. Watch the packet grow and shrink. Each line is the packet as it leaves a device,
# the outermost header first. A **header** is what a protocol writes in front of the data, for the next one who reads it:

# %%
from k8snet_course.show.path_panel import stack

print(stack(trace))

# %% [markdown]
# Fifty bytes more, and this is where they come from: the inner frame's own Ethernet header (14), VXLAN's (8), UDP's (8), and
# the outer IP header (20). The inner packet is unchanged: encapsulation is not NAT. Its TTL falls by one on each node; the outer
# packet has a TTL of its own.

# %%
inner, outer = trace.hops[0].steps[-1].packet.size, trace.hops[2].steps[-1].packet.size
print(inner, "bytes leave the pod,", outer, "bytes cross the underlay: overhead", outer - inner)

# %% [markdown]
# ## Run: the three rows of a tunnel
#
# On node-2, Flannel has written three rows for node-3. To see why three, follow what Linux asks:
#
# 1. *Where does 10.244.2.3 go?* The **route** says: to the router `10.244.2.0`, out of `flannel.1`. That address is node-3's own
#    end of the tunnel, and no pod's.
# 2. *Which MAC address has 10.244.2.0?* Nobody can be asked through a tunnel, so the answer is in the **neighbour table**,
#    marked `PERMANENT`.
# 3. *On which machine is that MAC address?* The tunnel's **forwarding database** (FDB) says: `dst 192.168.1.4`.

# %%
node = overlay.node("node-2")
print(next(row for row in node.routes if row.dst == "10.244.2.0/24"))
print(next(row for row in node.neighbours if row.address == "10.244.2.0"))
print(next(row for row in node.fdb if row.dst == "192.168.1.4"))

# %% [markdown]
# ## How large may a packet be?
#
# Every interface has an **MTU** (maximum transmission unit): the largest IP packet, in bytes, that it takes. An ordinary
# Ethernet interface takes 1500. If a packet of 1500 bytes were put into another, that one would have 1550. So Flannel gives the
# pods less: 1500 - 50.

# %%
for cni in ("flannel-host-gw", "flannel"):
    links = two_pods(cni).pod("frontend").links
    print(cni, [(link.name, link.mtu) for link in links if link.name == "eth0"])

# %% [markdown]
# Do not believe it, try it. A ping can carry any number of bytes. Which is the largest that arrives? (These pings
# say *don't fragment*: no router may cut them into pieces. Linux says so for its TCP packets as well.)


# %%
def largest_ping(cluster, source="frontend", target="backend"):
    """The largest ping that arrives, found by trying."""
    sizes = [size for size in range(1300, 1501) if cluster.send(source, target, protocol="ICMP", size=size).delivered]
    return max(sizes, default=None)


for cni in ("flannel-host-gw", "flannel"):
    print(cni, largest_ping(two_pods(cni)))

# %% [markdown]
# 28 bytes less than the MTU: 20 for the ping's own IP header and 8 for its ICMP header.
#
# ## Change it: switch the plugin, and break it
#
# The panel sends a packet from `frontend` to `backend`. Choose the plugin and the size of the packet, break one thing, and see
# where the packet dies and what every table says. Some things to try:
#
# 1. Switch between `flannel` and `flannel-host-gw`. Which rows disappear? What happens to the MTU of `frontend`'s `eth0`?
# 2. Break each of the tunnel's three rows in turn. Which of the failures reaches `frontend` as an error, and which is
#    silent?
# 3. Let a firewall drop UDP port 8472 on node-3. Then on node-2. Why are these two not the same?
# 4. Make the route disappear on node-3 only. The packet arrives, and nothing works.
# 5. With `flannel`, give `frontend`'s cable the MTU 1500 at both ends, and send small and large pings.

# %%
PathPanel("flannel")

# %% [markdown]
# ## Where does it die?
#
# The panel broke one thing at a time. This cell breaks all of them, one after the other, and writes down what happened: where the
# packet ended, and what `frontend` was told.

# %%
from k8snet_course.show.grid import Grid
from k8snet_course.show.path_panel import breakages


def what_happens(cluster, breakage):
    """Break it, send a packet, repair it."""
    for fault in breakage.faults:
        cluster.inject(fault)
    trace = cluster.send("frontend", "backend", port=80)
    cluster.repair()
    told = "nothing"
    if trace.reply is not None and trace.reply.delivered:
        told = trace.reply.packet.kind
    ends = trace.hops[-1].label if not trace.delivered else trace.reply.hops[-1].label + ", on the way back"
    return breakage.label, "-" if trace.answered else ends, trace.verdict, told


columns = ("what is broken", "it dies at", "verdict of the packet", "frontend is told")
print(Grid.of("flannel, TCP to port 80", columns, [what_happens(overlay, one) for one in breakages(overlay)]))

# %% [markdown]
# Two lessons are in this table.
#
# **A packet needs two ways.** Where the verdict is `delivered` and yet something died *on the way back*, the packet arrived. Its
# answer did not. The way there and the way back are found separately, each from the tables of the devices on it; a fault in
# one direction only is called **asymmetric**. `backend` logs a request, `frontend` logs a time-out, and both are right.
#
# **Silence is a hint as well.** Only one of these faults is reported to `frontend`: when node-2 has no neighbour row, it asks in
# vain, and says *host unreachable*. The router would report the missing route too, but it knows no way to a pod, so its message
# is lost. And a missing FDB row, a wrong MAC address or a firewall that drops make no message at all.
#
# ## The black hole
#
# One fault of the list seems to do no harm: `frontend`'s cable with MTU 1500 at both ends. Small packets do not care. Try the
# sizes:

# %%
from k8snet_course.faults import WrongMtu

other_end = next(link.peer for link in overlay.pod("frontend").links if link.name == "eth0")
overlay.inject(WrongMtu("frontend", "eth0", 1500))
overlay.inject(WrongMtu(other_end.namespace, other_end.link, 1500))
for size in (56, 1422, 1423, 1472):
    trace = overlay.send("frontend", "backend", protocol="ICMP", size=size)
    told = trace.reply.packet.kind if trace.reply is not None and trace.reply.delivered else "nothing"
    print(f"{size:5} bytes: {trace.verdict}, frontend is told: {told}")

# %% [markdown]
# node-2 cannot put the large packet into its tunnel, and may not cut it. So it drops it and tells the sender by ICMP: *fragmentation
# needed*, with the MTU that would do. Linux then sends smaller packets, and all is well. This is **path MTU discovery**.
#
# It hangs on one small packet, and there are machines that drop all ICMP, because somebody once read that ping is
# dangerous. A fault is a small class that changes one device's tables. Here is one of our own:

# %%
from dataclasses import dataclass

from k8snet_course.linux.netfilter import Rule


@dataclass(frozen=True)
class IcmpForbidden:
    """iptables -A OUTPUT -p icmp -j DROP: this machine sends no ICMP packets any more."""

    device: str

    def apply(self, parts):
        parts.filters.append(Rule("OUTPUT", "DROP", protocol="icmp"))


overlay.inject(IcmpForbidden("node-2"))
for size in (0, 1460):
    trace = overlay.send("frontend", "backend", port=80, size=size)
    told = trace.reply.packet.kind if trace.reply is not None and trace.reply.delivered else "nothing"
    print(f"TCP with {size:4} bytes: {trace.verdict}, frontend is told: {told}")

# %% [markdown]
# Small packets are answered. Large ones vanish, and nobody says why. That is an **MTU black hole**: the connection opens, the
# first large piece of data never arrives, and the program waits for ever. Look for it whenever *small requests work and large
# ones hang*.

# %%
overlay.repair()
trace = overlay.send("frontend", "backend", port=80)
print("repaired:", trace.verdict, "- answered:", trace.answered)

# %% [markdown]
# ## Say it as Linux does
#
# `kubectl exec frontend -- ip route`. Flannel adds one row to a pod: the range of all pods, by way of the gateway.

# %%
print(overlay.pod("frontend").routes)

# %% [markdown]
# On node-2: `ip route`, `ip neigh show dev flannel.1` and `bridge fdb show dev flannel.1`. (The two commands with `dev` leave
# out the name of the device in what they print.)

# %%
node = overlay.node("node-2")
print("node-2# ip route")
print(node.routes)
print("\nnode-2# ip neigh show dev flannel.1")
for row in node.neighbours:
    if row.dev == "flannel.1":
        print(str(row).replace(" dev flannel.1", ""))
print("\nnode-2# bridge fdb show dev flannel.1")
for row in node.fdb:
    if row.dev == "flannel.1":
        print(str(row).replace(" dev flannel.1", ""))

# %% [markdown]
# `ip addr show flannel.1` on node-2. Note the MTU, and the address with `/32`: it is the tunnel's end alone.

# %%
print(next(link for link in node.links if link.name == "flannel.1"))

# %% [markdown]
# ## Other plugins, the same questions
#
# Flannel is one plugin of many. They differ in the addresses they give, in the rows they write, and in whether they use a tunnel.
# Each of them can be chosen in the panel above.
#
# - **Calico** has no bridge: each pod has a row of its own on its node. Nodes hold *blocks* of 64 addresses (`/26`), and a row leads
#   to each other node's block. The nodes tell each other these rows by **BGP**, the protocol by which the routers of the
#   internet do it; the program that speaks it is called BIRD. `calico` puts the packet into another one (**IPIP**: no frame and
#   no UDP, so 20 bytes only), `calico-vxlan` uses VXLAN, `calico-bgp` routes plainly.
# - **Cilium** uses small programs in Linux's kernel (**eBPF**) in place of a bridge. With a tunnel, or natively, without one.
# - **Weave Net** makes all pods of all nodes believe that they are on one wire. Its company closed in 2024, and nobody
#   should begin with it today; you will still meet it in texts.
# - **NSX** (VMware), **ACI** (Cisco) and **BCF** (Big Cloud Fabric, today Arista's Converged Cloud Fabric) are **fabrics**: the
#   network's own equipment takes part, and the nodes leave the work to it.

# %%
from k8snet_course.cni import PLUGINS


def row_that_decided(cni):
    """The pods' addresses, and the row by which node-2 sent the pods' own packet on."""
    cluster = two_pods(cni)
    steps = cluster.send("frontend", "backend", port=80).steps()
    row = next((step.matched for hop, step in steps
                if hop.device == "node-2" and step.action == "route" and step.packet.inner is None), "")
    return cni, cluster.pod("frontend").ip, cluster.pod("backend").ip, row or "(node-2 does not route this packet)"


columns = ("plugin", "frontend", "backend", "the row that decided on node-2")
print(Grid.of("What node-2 looked up", columns, [row_that_decided(cni) for cni in PLUGINS]))

# %% [markdown]
# And what becomes of the packet. Nothing in this table is written down anywhere: each value is read from a walk, or found by
# trying. (`none` and `bridge` are those of chapter 04, in which nobody tells the nodes the way.)


# %%
def compare(cni):
    """What a packet from frontend to backend meets with this plugin."""
    cluster = two_pods(cni)
    trace = cluster.send("frontend", "backend", port=80)
    if not trace.answered:
        return cni, trace.verdict, len(trace.hops), "-", "-", "-", "-", "-", "-"
    packets = [step.packet for _, step in trace.steps()]
    arrived = packets[-1]
    mtu = next(link.mtu for link in cluster.pod("frontend").links if link.name == "eth0")
    kinds = {step.packet.kind or step.packet.protocol for _, step in trace.steps() if step.packet.inner is not None}
    overhead = max(packet.size for packet in packets) - packets[0].size
    return (cni, trace.verdict, len(trace.hops), ", ".join(sorted(kinds)) or "none", overhead, mtu, arrived.ttl,
            "yes" if arrived.src == cluster.pod("frontend").ip else arrived.src, largest_ping(cluster))


columns = ("plugin", "verdict", "devices", "tunnel", "bytes more", "MTU of eth0", "TTL at arrival", "sender kept",
           "largest ping")
print(Grid.of("frontend to backend", columns, [compare(cni) for cni in PLUGINS]))

# %% [markdown]
# Two columns repay a second look. The *TTL* tells how many routers there were, whoever they belong to: 64 means that the pods
# share a wire, or believe so. And where the tunnel's bytes do not make the largest ping smaller, the wires underneath take larger
# packets than 1500 bytes.
#
# ## What people get wrong
#
# **"Kubernetes needs an overlay network."** It needs a way from each pod to each pod. An overlay is one means. With host-gw there is
# none, and the packet arrives:

# %%
trace = two_pods("flannel-host-gw").send("frontend", "backend", port=80)
print(trace.verdict, "- packets in packets:", sum(step.packet.inner is not None for _, step in trace.steps()))

# %% [markdown]
# **"The bridge looks for the destination, does not find it, and falls back to the node's gateway."** Look at the order of the steps.
# The first decision is `frontend`'s own: its routing table sends the packet to the gateway, before any bridge has seen it. And the
# bridge is then asked for the gateway's MAC address, which is its own:

# %%
for hop, step in list(trace.steps())[:4]:
    print(f"{hop.label:9} {step.action:9} {step.why}")

# %% [markdown]
# **"`kubectl exec` into a pod and `ip route` shows the routes between the nodes."** It shows the pod's own table, and that one names
# no node. The rows that do are on the node:

# %%
node_addresses = [node.ip for node in cluster.nodes]
for name, device in [("frontend", cluster.pod("frontend")), ("node-2", cluster.node("node-2"))]:
    print(name, [str(route) for route in device.routes if route.via in node_addresses])

# %% [markdown]
# **"10.244.1.1 is a pod on the first node."** A widely read example sends a packet there, looks into the list of ranges, and
# names the wrong node. Ask the tables instead: whose range is it in, and who has the address?

# %%
from ipaddress import ip_address, ip_network

wanted = "10.244.1.1"
print([node.name for node in cluster.nodes if ip_address(wanted) in ip_network(node.pod_cidr)])
print([(node.name, link.name) for node in cluster.nodes for link in cluster.node(node.name).links if link.address == wanted])

# %% [markdown]
# The second node, and not a pod at all: it is that node's bridge, the gateway of its pods.
#
# **"kube-proxy carries the packets from pod to pod."** There is no kube-proxy in this cluster at all, and everything you saw arrived.
# kube-proxy has to do with Services, which stand for several pods; a later chapter is about them. A packet to a pod's own
# address needs routes only.
#
# ## Summary
#
# - A node is a router for its pods. For each other node it needs a row that says by which machine that node's range is reached.
# - If the nodes share a wire, that row is all (host-gw). If not, the packet travels in another packet (VXLAN): route, neighbour and
#   FDB row for each other node.
# - A VXLAN tunnel costs 50 bytes, so the pods' MTU is 1450 where the nodes' is 1500.
# - The way back is found separately. A packet can arrive and still be of no use.
# - When small packets pass and large ones vanish, look for an MTU that is too large and an ICMP message that never came.
#
# **Words learnt**: Flannel, host-gw, TTL, encapsulation, tunnel, underlay, overlay, VXLAN, header, neighbour table, MTU, path MTU
# discovery, asymmetric, MTU black hole, BGP, IPIP, eBPF, fabric.
#
# **Exercises**: [06_across_nodes](../exercises/06_across_nodes.ipynb)
#
# **Go deeper**: flannel's documentation, "Backends"; Calico's and Cilium's pages on networking; RFC 7348 (VXLAN); RFC 1191 (path MTU discovery); the manual pages ip-route(8),
# ip-neighbour(8) and bridge(8).
