# %% [markdown]
# # Where does a pod's address come from?
#
# You start a cluster on your laptop with Minikube, you start a pod, and the pod has an address: `10.244.0.2`. Your laptop
# has `192.168.1.10`, and nothing in your house is called 10.244-anything. Who made that number up? Will it be
# the same tomorrow? And who can reach it?
#
# ## The cluster as it stands
#
# A **node** is a machine of the cluster. Ours is Minikube's virtual machine. It stands on the same network as the laptop
# and has an address there, `192.168.1.2`. A **pod** is the smallest thing that Kubernetes runs: one or a few containers
# that share one network address.

# %%
from k8snet_course import Cluster, PacketWalk, PodPanel, draw

cluster = Cluster(nodes=1, cni="bridge", pod_cidr="10.244.0.0/16", node_network="192.168.1.0/24")
cluster.add_pod("frontend")
cluster.add_pod("backend")
draw(cluster)

# %% [markdown]
# There are two networks in this picture. At the bottom is the one you know: the router, the laptop and the node, all in
# `192.168.1.0/24`. Inside the node is another, which exists in that machine's memory only: a virtual switch (a
# **bridge**, called `cni0`), and from each pod a virtual cable (a **veth pair**) into it. The pods have their addresses
# from there.
#
# The text `10.244.0.0/24` is a range of addresses in **CIDR** notation: `/24` says that the first 24 of the 32 bits are the
# same for all addresses in it: they are its **prefix**. So it holds 10.244.0.0 to 10.244.0.255. Whoever set the cluster up chose the large range
# `10.244.0.0/16` for all pods, and Kubernetes gave this node a `/24` of it, the node's **podCIDR**.

# %%
print(cluster.node("node-1").pod_cidr)

# %% [markdown]
# ## Predict
#
# `frontend` got `10.244.0.2` and `backend` got `10.244.0.3`. Which address will a third pod get? And suppose that we then
# delete `backend` and make it again: does it get its old address back?
#
# Write your guesses between the quotes before you run the cell after it.

# %%
guess_third = "?"
guess_backend = "?"

# %%
third = cluster.add_pod("third")
print("third:          you said", guess_third, "- it got", third.ip)

cluster.delete("pod", "backend")
backend = cluster.add_pod("backend")
print("backend, again: you said", guess_backend, "- it got", backend.ip)

# %% [markdown]
# The new `backend` did not get `10.244.0.3`, although that address was free. To see why, look at who hands addresses out.
#
# ## Run: who hands out the addresses
#
# Kubernetes itself attaches no cable. When a pod starts, the **container runtime** (the program that starts containers on a
# node) calls another program, the **CNI plugin** (Container
# Network Interface), and hands it this configuration:

# %%
import json

print(json.dumps(cluster.conflist("node-1"), indent=2))

# %% [markdown]
# It names two plugins. `bridge` lays the cables, and asks `host-local` for an address: that is **IPAM**, IP address
# management. What they did for `backend` is the answer that they gave the runtime, the *result* of the CNI command ADD:

# %%
print(json.dumps(cluster.cni_result("backend"), indent=2))

# %% [markdown]
# Three interfaces (the bridge, the cable's end on the node, the cable's end in the pod), one address with its gateway, and
# one route. Every table in this chapter was written from this result.
#
# `host-local` keeps a list of the addresses that are taken, and **the address that it handed out last**. It goes on from
# there, and comes back to a freed address only after it has been through the whole range. This is on purpose: somebody may still
# hold the old address, and would talk to the wrong pod.
#
# Three addresses of the range never go to a pod: the first (`.0`) names the network itself, the last (`.255`) is its
# broadcast address, and `.1` belongs to the bridge: it is the pods' **gateway**, the way out of here.
#
# ## Run: a packet to the pod next door

# %%
walk = PacketWalk(cluster, cluster.send("frontend", "backend", port=80))
walk

# %% [markdown]
# Read the steps one by one.
#
# - `frontend` looks into its own **routing table**. Two rows match, and the one with the longest prefix wins: it says that
#   `backend` is on this very wire.
# - A packet crosses a wire in an envelope, a **frame**. To write one, `frontend` needs `backend`'s hardware address (its **MAC address**). It asks everybody on the
#   wire, and `backend` answers. This is **ARP**, the Address Resolution Protocol.
# - The bridge reads the MAC address and nothing else. It has learnt, from the frames it saw, behind which of its ports each
#   one is. That list is its **forwarding database**, FDB for short.
# - `backend` takes the packet, because the address is its own and a program there listens on the port.
#
# The answer finds its own way home by the same rules. Switch the widget to the way back and look.
#
# ## Change it
#
# Add pods, delete them, make them again, and choose how large the node's range is. Everything below is computed
# anew after each click. Two things to try:
#
# 1. Make the range as small as it goes and add pods until there is no room. What does the error say? Is the cluster unharmed?
# 2. Recreate the same pod again and again, and watch the address go round.

# %%
panel_cluster = Cluster()
for name in ("frontend", "backend"):
    panel_cluster.add_pod(name)
PodPanel(panel_cluster)

# %% [markdown]
# ## Who can reach a pod?
#
# The node can. So can every pod on it. And your laptop? A **ping** is the smallest question one can ask: a packet of the protocol
# ICMP that says "are you there?", and whoever has the address answers.

# %%
for source, destination in [("node-1", "backend"), ("frontend", "backend"), ("laptop", "node-1"), ("laptop", "backend")]:
    trace = cluster.send(source, destination, protocol="ICMP")
    print(f"{source:8} -> {destination:8} {trace.verdict}: {trace.reason}")

# %% [markdown]
# The laptop knows only its own network, and sends everything else to the router. The router has never heard of `10.244.0.0`.
# The pod network ends where the node ends. Minikube's address (`192.168.1.2`, which `minikube ip` prints) is not your
# laptop's address, and neither is a pod's.
#
# The other direction is odder. Step through this one to its end, and then look at the way back:

# %%
there = cluster.send("backend", "laptop", protocol="ICMP")
print("there:", there.verdict, "-", there.reason)
print("back: ", there.reply.verdict, "-", there.reply.reason)
PacketWalk(cluster, there)

# %% [markdown]
# The packet arrived! The node forwarded it to its neighbour, the laptop. But the answer is addressed to the pod, and the
# laptop has no idea where that is. A packet that arrives is only half a conversation.
#
# ## Say it as Linux and kubectl do
#
# This is what you would type on a real cluster, and what it prints for this one.
#
# `kubectl get pods -o custom-columns=NAME:.metadata.name,IP:.status.podIP,NODE:.spec.nodeName`

# %%
from k8snet_course import get_pods

print(get_pods(cluster))

# %% [markdown]
# `kubectl exec backend -- ip route`

# %%
print(cluster.pod("backend").routes)

# %% [markdown]
# `kubectl exec backend -- ip addr`

# %%
print(cluster.pod("backend").links)

# %% [markdown]
# On the node (`minikube ssh`), `ip route` and `bridge fdb show br cni0`:

# %%
print(cluster.node("node-1").routes)
print()
print(cluster.node("node-1").fdb)

# %% [markdown]
# ## What people get wrong
#
# **"Kubernetes gives pods addresses from 10.244.0.0/16."** Whoever sets the cluster up chooses the range. `10.244.0.0/16` is
# the habit of Flannel, kind and Minikube. Another choice works just as well:

# %%
other = Cluster(pod_cidr="10.10.0.0/16")
print(other.add_pod("frontend"))

# %% [markdown]
# **"The first pod of a node is 10.244.0.1."** A widely read article even gives two pods that same address. It is
# the bridge's, and every pod has its own:

# %%
print([link.name for link in cluster.node("node-1").links if "10.244.0.1/24" in link.addresses])
print(sorted(pod.ip for pod in cluster.pods))

# %% [markdown]
# **"My application talks to 10.244.0.3, and that is fine."** It is fine until the pod is made again. Here is what then happens
# to a program that had remembered the old address of `backend`:

# %%
old = cluster.pod("backend").ip
cluster.delete("pod", "backend")
cluster.add_pod("backend")
trace = cluster.send("frontend", old, port=80)
print(old, "-", trace.verdict, "-", trace.reason)
print("backend is now", cluster.pod("backend").ip)

# %% [markdown]
# An address belongs to one life of a pod. Use a pod's address to understand a problem, never to build on. What to build on
# instead is the subject of a later chapter.
#
# ## Summary
#
# - A node and its pods live in two networks: the node's address comes from where the node stands, a pod's from the node's
#   podCIDR.
# - The CNI plugin attaches each pod: a cable, a place at the bridge, an address, a gateway, a route.
# - host-local hands out the next address after the last one. `.1` is the gateway, the first pod gets `.2`.
# - A pod that is made again gets another address.
# - With this plugin alone, nobody outside the node can reach a pod.
#
# **Words learnt**: node, pod, CIDR, prefix, podCIDR, bridge, veth pair, container runtime, CNI, IPAM, frame, ping, host-local, gateway, routing table, longest prefix, MAC
# address, ARP, forwarding database.
#
# **Exercises**: [01_single_node](../exercises/01_single_node.ipynb)
#
# **Go deeper**: the CNI specification, sections 2 and 5; the documentation of the *bridge* and *host-local* plugins;
# Kubernetes documentation, "Cluster Networking"; RFC 826 (ARP).
