# %% [markdown]
# # Exercises: one node
#
# These exercises go with the notebook `01_single_node`. They are about two questions: where does a pod's address come from,
# and what can you rely on?
#
# Each exercise has four parts: what is asked, **your own numbers** (everybody gets different ones), a cell for your
# answer, and a cell that checks it. Write your answer, run the cell with **Shift+Enter**, then run the check. It says
# one of three things: not attempted, correct, or what is wrong and why. You may try as often as you like.
#
# Run the next cell first. If you work in a class, put your name between the quotes: `learner("ada")`.

# %%
from k8snet_course import check, hint, learner, progress, solution, task

# learner("ada")

# %% [markdown]
# On a node, one small program hands out the addresses. It keeps two things in mind: who has which address, and which
# address it gave out last.

# %% exercise="next_pod_address"

# %% [markdown]
# You have followed the rule by hand. A rule is only understood when a machine can follow it too.

# %% exercise="next_pod_ip"

# %% [markdown]
# So every pod has an address. That is not enough to get an answer from it: a program in the pod must be waiting.

# %% exercise="answer_on_port"

# %% [markdown]
# A pod can be deleted at any time, and the one that takes its place is a new pod. What does that mean for those who
# knew the old one?

# %% exercise="stale_address"

# %% [markdown]
# Much that is written about pods and bridges is nearly right. The last question is about the part that is not.

# %% exercise="false_statement"

# %% [markdown]
# ## How far are you?
#
# The next cell shows all exercises, with your attempts and the hints that you took. Your progress is kept on this
# computer and is still there when you come back.

# %% tags=["nbval-ignore-output"]
progress()
