# %% [markdown]
# # What will I be able to do?
#
# A program on one machine wants to talk to a program on another. On Kubernetes, both run in *pods*, and between them lie
# virtual cables, virtual switches, routing tables and address tables that somebody filled in for you. When it works you
# never see them. When it does not, you need to know where to look.
#
# After this course you can follow a packet from one pod to another, device by device, say which row of which table decided
# at every step, and find the row that is wrong.
#
# Nothing in this course is a drawing of how it should be. Each picture is **computed** from a small model of a cluster: change an
# address or take a pod away, and every table, every walk and every picture follows.
#
# ## Your first packet
#
# Run the next cell: click on it and press **Shift + Enter**. It makes a cluster with one machine (a *node*) and two pods on
# it, and sends a packet from the pod `frontend` to the pod `backend`.

# %%
from k8snet_course import Cluster, PacketWalk

cluster = Cluster()
cluster.add_pod("frontend")
cluster.add_pod("backend")

PacketWalk(cluster, cluster.send("frontend", "backend", port=80))

# %% [markdown]
# Step through it with the buttons, or click the picture and use the arrow keys: **→** is the next step, **←** the one
# before, **Home** and **End** the first and the last. The list beside the picture says what each device did, which table
# it looked at, and which rows lost.
#
# Turn on **challenge** and the widget asks you what happens next before it shows you. A wrong choice is told why
# it is wrong. You need not know any of this yet: guessing first is the fastest way to learn it.
#
# ## The same walk, as text
#
# Everything that you can see you can also read. This is the packet again: one block a device, one line a step, and under
# a step the rows of the table that it looked at, with a `*` at the row that won. A `~` marks what changed.
# (It differs in one place from the first walk: by now the pods know each other's hardware address and need not ask.)

# %%
print(cluster.send("frontend", "backend", port=80))

# %% [markdown]
# ## Break it
#
# The verdict of a walk is one word, and its reason is one sentence. A *port* is a number that says which program on a
# device a packet is for. Ask for one where no program listens:

# %%
trace = cluster.send("frontend", "backend", port=8080)
print(trace.verdict, "-", trace.reason)

# %% [markdown]
# The packet arrived, and nobody wanted it. That is a different fault from a packet that got lost, and it is mended elsewhere.
# Telling such faults apart is most of what this course is about.
#
# ## The words that you will use at work
#
# People look into a cluster with a command that is called `kubectl`, and into a pod with a shell. Both are here, with the words and the
# output of the real ones. Load them once in a notebook, and then begin a line with `%kubectl`. (The **Tab** key completes what you
# begin to type.)

# %%
# %load_ext k8snet_course
# %kubectl get pods -o wide

# %% [markdown]
# A pod shows the commands that its image ships. These pods run nginx, which has almost none, so put the tools of another
# image beside it:

# %%
# %kubectl debug frontend --image=busybox -- ping -c 2 10.244.0.3

# %% [markdown]
# ## How a chapter works
#
# Every chapter has the same parts, so that you always know where you are:
#
# 1. **the question** that it answers, and a picture of the cluster as it stands;
# 2. **predict**: a small question that you answer before you run anything;
# 3. **run**: a packet, step by step, with the tables that decided;
# 4. **change it**: controls that build the network anew while you watch;
# 5. **say it as Linux and kubectl do**: the commands that you would type at work;
# 6. **what people get wrong**: sentences that are widely read and not true, tested;
# 7. **summary**, words learnt, exercises, and where to read on.
#
# Each chapter has a notebook of exercises in the folder `exercises`. There you write an answer and run
# `check("name", answer)`. It says at once: *not attempted*, *correct*, or what is wrong and which table shows it.
# `hint("name")` helps a little more each time you ask. `solution("name")` shows one right answer; yours may be another.
# `progress()` lists what you have done; it is kept in a small file in your home folder.
#
# ## When something is odd
#
# A notebook remembers what you ran, in the order in which you ran it. To begin again, choose **Kernel → Restart Kernel and
# Run All Cells**. Nothing that you do here can break a real machine: the cluster lives in the memory of this notebook.
#
# ## Map of the course
#
# | chapter | the question it answers | notebook |
# |---|---|---|
# | 00 | What will I be able to do? | this one |
# | 01 | Where does a pod's address come from? | [01_single_node](01_single_node.ipynb), [exercises](../exercises/01_single_node.ipynb) |
# | 04 | Why do two nodes not simply work? | [04_two_nodes](04_two_nodes.ipynb), [exercises](../exercises/04_two_nodes.ipynb) |
# | 06 | How does a packet reach a pod on another node? | [06_across_nodes](06_across_nodes.ipynb), [exercises](../exercises/06_across_nodes.ipynb) |
# | A | Is any of this true? (an appendix: the same cluster in real Linux) | [A_real_linux](A_real_linux.ipynb) |
#
# The numbers leave room: the chapters between and after these are not written yet. Each of these can be read after the one before.
#
# **Go on** with [Where does a pod's address come from?](01_single_node.ipynb)
