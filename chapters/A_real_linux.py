# %% [markdown]
# # Is any of this true?
#
# Everything that you have seen in this course was computed by a small model of a network. A model says what its authors believe.
# Why should you believe them?
#
# You need not. Linux itself can take the model's place: one machine can hold many separate networks, and the same cluster
# can be laid out in them, with real interfaces, real tables and real packets. In this chapter both answer the same questions,
# side by side.
#
# ## What you need
#
# A Linux machine on which you may make network namespaces: as root, or as anybody where the system allows user namespaces (most do).
# On other systems read on: the outputs below are those of a real run. The cells that need Linux say in one sentence what is
# missing. Nothing here can touch your machine's own network: no cable leads out of the lab.
#
# ## The cluster as it stands
#
# Two nodes with Flannel. `frontend` on node-1; two pods of `backend` on node-2, and a Service `web` in front of them.

# %%
from k8snet_course import Cluster, draw

cluster = Cluster(nodes=2, cni="flannel")
cluster.add_pod("frontend", node="node-1", image="nicolaka/netshoot")  # an image with network tools
cluster.add_pod("backend-1", node="node-2", labels={"app": "backend"})
cluster.add_pod("backend-2", node="node-2", labels={"app": "backend"})
cluster.apply("""
apiVersion: v1
kind: Service
metadata: {name: web}
spec: {clusterIP: 10.96.0.20, selector: {app: backend}, ports: [{port: 80}]}
""")
draw(cluster)

# %% [markdown]
# ## Predict
#
# A **network namespace** is a network of its own inside one Linux: its own interfaces, addresses, routes, neighbours and rules. A
# container is a program in such a namespace (and some others), and nothing else. To lay this cluster out, how many
# network namespaces are needed? Count every device that has tables of its own.

# %%
guess = "?"

# %% [markdown]
# ## Run: the cluster in real Linux
#
# `emulate(cluster)` makes the lab. It is meant for `with emulate(cluster) as lab:`, which takes everything away at the end, whatever
# happens. Here the lab has to stay for several cells, so it is kept in an `ExitStack`, which the last cell about it closes. (If you forget:
# a lab whose program is gone is removed when the next one starts.)

# %% tags=["needs-linux"]
from contextlib import ExitStack

from k8snet_course.emulator import emulate

kept = ExitStack()
lab = kept.enter_context(emulate(cluster))
print("you said", guess, "- there are", len(lab.namespaces))
print(*lab.namespaces, sep="\n")

# %% [markdown]
# One for each node, one for each pod, one for the wire between the nodes (Linux's own bridge plays the switch), and one each for the
# laptop, the router and a machine on the internet. Who made what is in them?
#
# - The pods' interfaces were made by the **reference CNI plugins**, the very programs `bridge`, `host-local` and `portmap`
#   that run on real nodes, called as a container runtime calls them, with the configuration that the model prints.
# - Routes, neighbours and FDB rows are the model's, handed to `ip` and `bridge`.
# - kube-proxy's rules are the model's text, handed to `iptables-restore`.
#
# The plugins had to find the addresses themselves. Did they find the ones that the model gave?

# %% tags=["needs-linux"]
for pod in cluster.pods:
    given = lab.cni(pod.name)[-1]["ips"][0]["address"]
    print(f"{pod.name:9}  plugin: {given:14}  model: {pod.ip}")

# %% [markdown]
# ## Run: the same questions to both
#
# Real packets now: TCP connections, a ping, a port where nobody listens, an address that nobody has. For each, what the sender
# noticed, what the receiver saw, and by which devices the packet went. The last column is the model's answer, where it
# differs.

# %% tags=["needs-linux"]
from k8snet_course.show.real_panel import beside

probes = [
    ("frontend", "backend-1", 80, "TCP"),
    ("frontend", "backend-1", 81, "TCP"),
    ("frontend", "backend-2", None, "ICMP"),
    ("node-1", "backend-1", 80, "TCP"),
    ("backend-1", "backend-2", 80, "TCP"),
    ("frontend", "internet", None, "ICMP"),
    ("laptop", "backend-1", 80, "TCP"),
    ("frontend", "10.244.1.77", 80, "TCP"),
]
print(beside(cluster, lab, probes))

# %% [markdown]
# Look at the fourth line again: `backend-1` sees a packet from node-1 come from `10.244.0.0`, an address that nobody would guess. It is
# that of node-1's end of the tunnel, because Linux takes the address of the interface by which a packet leaves. The model says so
# because its table says so, and Linux agrees.
#
# A Service draws lots. Thirty connections to `web`, in both:

# %% tags=["needs-linux"]
real = {sent.reached for sent in lab.send_all([("frontend", "web", 80, "TCP")] * 30)}
model = {cluster.send("frontend", "web", port=80).hops[-1].label for _ in range(30)}
print("Linux:", sorted(real))
print("model:", sorted(model))

# %% [markdown]
# No program took part in that choice. There is no kube-proxy in the lab: only the rules that it would have written.
#
# ## Run: a frame on the wire
#
# Linux lets a program read every byte that passes an interface. This is a ping from `frontend` to `backend-1` as it leaves node-1 by
# `eth0`, byte by byte. It is inside a VXLAN packet.

# %% tags=["needs-linux"]
from k8snet_course.show.headers import stack

lab.send("frontend", "backend-1", None)  # so that nobody has to ask for MAC addresses any more
request, answer = lab.frames("frontend", "backend-1", None, device="node-1", link="eth0")
print("   14 bytes  Ethernet", request.src_mac, "→", request.dst_mac)
for header in stack(request.packet):
    text = header.text if header.name != "UDP" else "(drawn by the kernel) → 8472"
    print(f"{header.size:5} bytes  {'    ' * header.depth}{header.name} {text}")

# %% [markdown]
# And the model's packet at the same place:

# %%
from k8snet_course.show.headers import stack

cluster.send("frontend", "backend-1", None)
trace = cluster.send("frontend", "backend-1", None)
packet = next(step.packet for hop, step in trace.steps() if hop.device == "node-1" and step.packet.inner is not None)
for header in stack(packet):
    text = header.text if header.name != "UDP" else "(drawn by the kernel) → 8472"
    print(f"{header.size:5} bytes  {'    ' * header.depth}{header.name} {text}")

# %% [markdown]
# ## Change it: break it in both
#
# The panel lays chapter 06's three nodes out anew whenever you change something, and sends six probes. Choose another plugin; break one
# row; see what a real machine makes of it. (A probe that gets no answer takes a second and a half: that is how long it is
# waited for.)

# %% tags=["needs-linux"]
from k8snet_course import RealPanel

RealPanel("flannel-host-gw")

# %% [markdown]
# ## Say it as Linux and kubectl do
#
# `kubectl exec` and a node's shell have Linux's own commands, whose output the model computes. Here each is also run in the
# lab, by the real program, and the two texts are compared, character by character. (Blanks at the ends of lines do not
# count, nor does what is another at each run, such as times.)

# %% tags=["needs-linux"]
from k8snet_course.emulator.steady import steady

commands = [
    ("frontend", "ip route"),
    ("frontend", "ip -4 addr show dev eth0"),
    ("frontend", "ping -c 2 10.244.1.2"),
    ("node-1", "ip route"),
    ("node-1", "ip route get 10.244.1.2"),
    ("node-1", "ip neigh show dev flannel.1"),
    ("node-1", "bridge fdb show dev flannel.1"),
    ("node-1", "iptables-save -t nat"),
]
for device, command in commands:
    modelled, real = steady(str(cluster.exec(device, command))), steady(lab.exec(device, command))
    print(f"{device}# {command}   [{'the same' if modelled == real else 'DIFFERENT'}, {len(real.splitlines())} lines]")

# %% [markdown]
# Three of them in full, as real Linux printed them:

# %% tags=["needs-linux"]
for device, command in [commands[3], commands[6], commands[2]]:
    print(f"{device}# {command}")
    print(steady(lab.exec(device, command)), end="\n\n")

# %% [markdown]
# And of the rules, those that a connection to `web` meets, from `iptables-save` on node-1:

# %% tags=["needs-linux"]
for line in steady(lab.exec("node-1", "iptables-save -t nat")).splitlines():
    if "default/web" in line:
        print(line)
kept.close()

# %% [markdown]
# ## What is modelled simply
#
# The two are not the same everywhere. This is the whole list; each row is held by a test, so that it can neither grow in
# silence nor keep a row that is no longer true. *Refused* is what the lab cannot lay out, *laid out* what it holds in another form than a
# real node, *differs* where the two give different answers.
#
# What a kernel lacks is no simplification: IPIP tunnels (`cni="calico"`) and IPVS (`proxy="ipvs"`) are modules that not each kernel has.
# `k8snet_course.emulator.not_checked()` says what yours lacks, and how to get it. The course's own tests ask those questions of a
# second kernel, user-mode Linux, which is a program and needs no other machine.

# %%
from k8snet_course.emulator.simplifications import table
from k8snet_course.show.grid import Grid

print(Grid.of("Known simplifications", ("what", "kind", "what is so"), [(row.name, row.kind, row.what) for row in table()]))

# %% [markdown]
# ## What people get wrong
#
# **"A container is a small virtual machine."** In this lab there was no container, no image and no virtual machine, and every packet behaved as
# between pods. What makes a pod's network is a namespace and a cable.
#
# **"Traffic to a Service passes through kube-proxy."** There was none in the lab.
#
# **"If a few tries agree, the model is right."** They only show that it is not wrong *there*. So a test of this course lays out
# hundreds of random clusters, with random plugins, Services, policies and faults, sends thousands of probes into each half, and
# compares. A disagreement is shrunk to the smallest cluster that shows it, and becomes a test of its own.
#
# ## Summary
#
# - One Linux can hold a whole cluster's network: a namespace for each device, virtual cables between them.
# - The reference CNI plugins, given the model's configuration, choose the model's addresses.
# - Rules and rows, handed to the real kernel, lead real packets where the model says, with the source address and TTL that it says.
# - A VXLAN frame has the bytes that the model counts.
# - Where model and kernel differ, it is written down and tested.
#
# **Words learnt**: network namespace, lab, probe, reference plugin.
#
# **Exercises**: none here. Take any cluster of the other chapters, predict, and ask Linux.
#
# **Go deeper**: the manual pages network_namespaces(7), veth(4), ip-netns(8) and packet(7); the CNI specification; RFC 7348 (VXLAN).
