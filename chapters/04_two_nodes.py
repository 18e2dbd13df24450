# %% [markdown]
# # Why do two nodes not simply work?
#
# One node works: each pod has an address, and pods talk to each other over the node's bridge. Then the node is full. You
# buy a second machine, set it up exactly like the first, connect both to the same network, and start more pods.
#
# Nothing is broken, every pod runs, and yet `frontend` gets answers from the wrong program. Why?
#
# ## The cluster as it stands
#
# Two nodes, `192.168.1.2` and `192.168.1.3`, on one network with the laptop and the router. Whoever set them up did the same
# on both: a bridge `cni0`, and the range `10.244.0.0/16` for the pods. In this course that is `cni="none"`: nobody has planned
# anything. (A real Kubernetes does not get this far. As long as no network plugin is installed, its nodes are
# *NotReady* and ordinary pods do not start. You get this picture from two separate machines, each of which thinks
# that it is alone.)

# %%
from k8snet_course import Cluster, PacketWalk, draw


def two_nodes(cni):
    """Two nodes with two pods each."""
    cluster = Cluster(nodes=2, cni=cni, pod_cidr="10.244.0.0/16", node_network="192.168.1.0/24")
    for name, node in [("frontend", "node-1"), ("database", "node-1"), ("backend", "node-2"), ("cart", "node-2")]:
        cluster.add_pod(name, node=node)
    return cluster


cluster = two_nodes("none")
draw(cluster)

# %% [markdown]
# Look at the addresses of the pods. `frontend` and `backend` have the same one, and so have `database` and `cart`. Each node
# asked its own `host-local` for the next free address in `10.244.0.0/16`, and each of the two began at `.2`. Neither knows of
# the other: `host-local` keeps its list in files on its own node. (The small range beside each node's name is not in use here.
# We come to it below.)
#
# ## Predict
#
# `frontend` on node-1 sends a packet to `cart` on node-2, that is, to `10.244.0.3`. At which pod does the packet end? Does
# it ever leave node-1? Write your guesses between the quotes.

# %%
guess_pod = "?"
guess_leaves = "?"  # yes or no

# %%
trace = cluster.send("frontend", "cart")
print("it ends at:     you said", guess_pod, "- it ended at", trace.hops[-1].label)
left = any(hop.device == "underlay" for hop in trace.hops)
print("leaves node-1:  you said", guess_leaves, "- the walk says", "yes" if left else "no")

# %% [markdown]
# ## Run: what the packet really does

# %%
PacketWalk(cluster, trace)

# %% [markdown]
# Step through it.
#
# - `frontend` looks into its routing table. `10.244.0.3` lies in `10.244.0.0/16`, and that is on this wire: no router needed.
# - It asks everybody on the wire who has `10.244.0.3`. The wire ends where node-1 ends. `database` has that address, hears
#   the question, and answers.
# - The bridge carries the frame to `database`. A program there listens on port 80, takes the packet, and answers.
#
# Every single step is right. Every table says what it should. And the packet is at the wrong pod. The verdict is
# **address_conflict**: two devices have the same address, and the nearer one took what was meant for the other.

# %%
print(trace.verdict, "-", trace.reason)

# %% [markdown]
# On a real machine nobody prints that sentence. `frontend` sees a connection that works. It sends an order to what it takes for
# the cart, and the database gets it. An error would have been kinder.
#
# It is even shorter for `backend`. Its address is `frontend`'s own, so the packet never reaches a cable:

# %%
print(cluster.send("frontend", "backend"))

# %% [markdown]
# ## What must hold: the network model
#
# Kubernetes does not say *how* packets travel. It says what must be true when they do. These rules are called the
# **Kubernetes network model**; whoever builds a network for it must keep them. Three of them are about pods and nodes:
#
# 1. Every pod has its own address, and no other pod of the cluster has the same one.
# 2. Every pod can reach every other pod, on any node, by that address, *without NAT*. **NAT** (network address
#    translation) means that somebody on the way writes another address into the packet. Without it, the receiver sees the
#    very address that the sender has.
# 3. The programs that look after a node, its *agents*, can reach the pods of that same node. One of them is the
#    **kubelet**, which starts the pods and asks them whether they are well.
#
# Rules are worth little unless somebody checks them. Each check below asks the cluster and gives back the first case that
# contradicts the rule, or an empty text if there is none.

# %%
from itertools import combinations, permutations


def addresses_are_unique(cluster):
    for one, other in combinations(cluster.pods, 2):
        if one.ip == other.ip:
            return f"{one.name} and {other.name} both have {one.ip}"
    return ""


def pods_reach_pods(cluster):
    for one, other in permutations(cluster.pods, 2):
        trace = cluster.send(one.name, other.name)
        if not trace.answered:
            return f"{one.name} -> {other.name}: {trace.verdict}"
        if trace.nat:
            return f"{one.name} -> {other.name}: rewritten, {trace.nat[0]}"
    return ""


def agents_reach_their_pods(cluster):
    for pod in cluster.pods:
        trace = cluster.send(pod.node, pod.name, protocol="ICMP")
        if not trace.answered:
            return f"{pod.node} -> {pod.name}: {trace.verdict}"
    return ""


RULES = {
    "every pod has its own address": addresses_are_unique,
    "every pod reaches every pod": pods_reach_pods,
    "agents reach the pods of their node": agents_reach_their_pods,
}

# %% [markdown]
# A `Grid` is a small table that prints itself:

# %%
from k8snet_course.show.grid import Grid


def report(cluster):
    """What the checks say about a cluster, as a table."""
    rows = []
    for rule, check_rule in RULES.items():
        broken = check_rule(cluster)
        rows.append((rule, "no" if broken else "yes", broken or "no case found"))
    return Grid.of(f"The network model, with the plugin {cluster.cni}", ("rule", "holds", "what contradicts it"), rows)


print(report(cluster))

# %% [markdown]
# The third rule holds: each node does reach its own pods, over its own bridge. The first two do not. And the second cannot
# hold as long as the first does not: an address that two pods have names neither of them.
#
# ## Half of the cure: plan the addresses
#
# Give each node a part of the large range, so that no two parts overlap. Kubernetes does this by itself, if it is told to:
# the **kube-controller-manager**, one of the programs that run the cluster, cuts the cluster's range into equal parts and writes
# one into each node's record. You know such a part: it is the node's podCIDR. The plugin `bridge` obeys it.

# %%
planned = two_nodes("bridge")
print(planned)
print()
print(report(planned))

# %% [markdown]
# No address is there twice now. But `frontend` still does not reach `cart`, and it fails in another way:

# %%
PacketWalk(planned, planned.send("frontend", "cart"))

# %% [markdown]
# This time `10.244.1.3` is *not* in the range of `frontend`'s wire, so the packet goes to the gateway, and from there to
# node-1's own routing table. That table has a row for node-1's pods, and one for the network of the nodes. For everything else
# there is the **default route**, the row that matches every address when nothing longer does. So the packet goes to the
# router at `192.168.1.1`. The router was never told about pods. **no_route**: it has no row for `10.244.1.3`, and drops the packet.
#
# It even tries to say so. Its answer, *net unreachable*, is addressed to `10.244.0.2`, which is a pod as well. No
# route either:

# %%
trace = planned.send("frontend", "cart")
print(trace.reply.packet)
print(trace.reply.verdict, "-", trace.reply.reason)

# %% [markdown]
# So a plan is half of it. Addresses that differ make a way *possible*. Somebody must still tell the nodes the way: for each
# node's range, to which machine. That somebody is a network plugin, and how it does that is chapter 06.
#
# ## Change it
#
# Choose who plans, and between whom a packet goes. The table of the rules is computed anew for each change. Three things to try:
#
# 1. With nobody planning, find a packet that arrives where it should. (On one node everything works. That is why nobody
#    noticed.)
# 2. With planned ranges, send from a pod to the *other node* itself. It arrives. Does the answer come home?
# 3. Three nodes instead of two: does any verdict change?

# %%
from k8snet_course.show.panel import Panel, Seen, choice

ENDS = ("frontend", "database", "backend", "cart", "node-1", "node-2", "laptop")
who_plans = choice("Addresses", [("nobody plans (none)", "none"), ("a range for each node (bridge)", "bridge")], "none")
how_many = choice("Nodes", (2, 3), 2)
source = choice("Send a packet from", ENDS, "frontend")
target = choice("to", ENDS, "cart")


def look():
    cluster = Cluster(nodes=how_many.value, cni=who_plans.value)
    for name, node in [("frontend", "node-1"), ("database", "node-1"), ("backend", "node-2"), ("cart", "node-2")]:
        cluster.add_pod(name, node=node)
    return Seen(cluster, cluster.send(source.value, target.value, protocol="ICMP"), [report(cluster)])


Panel([[who_plans, how_many], [source, target]], look)

# %% [markdown]
# ## Say it as Linux and kubectl do
#
# `kubectl get pods -o custom-columns=NAME:.metadata.name,IP:.status.podIP,NODE:.spec.nodeName` on the unplanned cluster. When you
# suspect a conflict, this is the first thing to look at: does an address stand there twice?

# %%
from k8snet_course import get_pods

print(get_pods(cluster))

# %% [markdown]
# `ip route` on both nodes. The two tables are the same, down to the last letter but for the node's own address. Each
# node believes that all pods of the world are behind its own bridge:

# %%
for name in ("node-1", "node-2"):
    print(f"{name}# ip route")
    print(cluster.node(name).routes)

# %% [markdown]
# On the planned cluster each node has its own range. What is missing is a row for the *other* node's range:

# %%
for name in ("node-1", "node-2"):
    print(f"{name}# ip route")
    print(planned.node(name).routes)

# %% [markdown]
# `kubectl exec frontend -- ip neigh`, on the unplanned cluster. Here `frontend` has written down which MAC address answered for
# `10.244.0.3`. Compare it with `kubectl exec cart -- ip addr`: it is not cart's... or is it?

# %%
print(cluster.pod("frontend").neighbours)
for name in ("database", "cart"):
    print(name, [link.mac for link in cluster.pod(name).links if link.name == "eth0"])

# %% [markdown]
# It is both. In this course a pod's MAC address is made from its IP address, as some plugins do, so two pods with the same IP
# address have the same MAC address too. If you joined the two bridges with a cable, they could not tell these pods apart
# either.
#
# ## What people get wrong
#
# **"The nodes of a cluster all use 10.244.0.0/16, so their pods' addresses overlap."** That is true of two machines that know
# nothing of each other. In one cluster each node gets its own part. Compare the ranges of two hundred nodes, each with each:

# %%
from ipaddress import ip_network

many = Cluster(nodes=200, cni="bridge")
ranges = [ip_network(node.pod_cidr) for node in many.nodes]
overlaps = [(one, other) for one, other in combinations(ranges, 2) if one.overlaps(other)]
print(ranges[0], "to", ranges[-1], "-", len(overlaps), "of them overlap")

# %% [markdown]
# **"Kubernetes itself does nothing against address conflicts; only an extra network solution does."** The ranges above were given
# by Kubernetes' own controller, before any plugin did anything. What Kubernetes leaves to the plugin is the rest: to hand
# out single addresses within the range, to lay the cables, and to make a way between the nodes.
#
# **"The node's bridge joins the pods, whichever node they are on."** A bridge lives in the memory of one machine. These are all
# the cables that are plugged into node-1's, with what is at the other end:

# %%
for link in planned.node("node-1").links:
    if link.master == "cni0":
        print(link.name, "- its other end is in", link.peer.namespace)

# %% [markdown]
# **"Every node must be able to reach every pod without NAT."** Older texts say so. Today's wording asks less: an agent must reach
# the pods of *its own* node. On our planned cluster that rule holds, and the old one would not:

# %%
for name in ("frontend", "cart"):
    trace = planned.send("node-1", name, protocol="ICMP")
    print("node-1 ->", name, "-", trace.verdict, "-", trace.reason)

# %% [markdown]
# ## Summary
#
# - Two nodes that know nothing of each other give the same addresses to different pods.
# - A packet to such an address ends at the nearest device that has it: no error, a wrong receiver.
# - The network model asks for unique addresses, for a way from every pod to every pod without NAT, and for a way from a node's
#   agents to its own pods.
# - Disjoint podCIDRs make all addresses unique. Kubernetes itself hands them out.
# - Unique addresses are half of it: without a route to the other node's range, packets die at the router.
#
# **Words learnt**: address conflict, network model, NAT, agent, kubelet, kube-controller-manager, default route.
#
# **Exercises**: [04_two_nodes](../exercises/04_two_nodes.ipynb)
#
# **Go deeper**: Kubernetes documentation, "Services, Load Balancing, and Networking" (the network model) and "Cluster
# Networking"; the reference page of kube-controller-manager (the options `--cluster-cidr` and `--node-cidr-mask-size`).
