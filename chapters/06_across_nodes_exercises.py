# %% [markdown]
# # Exercises: across nodes
#
# These exercises go with the chapter *How does a packet reach a pod on another node?* They are about the rows that decide:
# how one is chosen, which ones are needed, and what happens when one is missing or wrong.
#
# Each exercise has four parts: what is asked, **your own numbers** (everybody gets different ones), a cell for your
# answer, and a cell that checks it. Write your answer, run the cell with **Shift+Enter**, then run the check. You may try as
# often as you like.
#
# Run the next cell first. If you work in a class, put your name between the quotes: `learner("ada")`.

# %%
from k8snet_course import check, hint, learner, progress, solution, task

# learner("ada")

# %% [markdown]
# Pods, nodes and routers all decide by one rule. It is short enough to write down.

# %% exercise="longest_prefix_match"

# %% [markdown]
# A rule needs rows. A network plugin is a program that writes them; you can do its work once by hand.

# %% exercise="routes_by_hand"

# %% [markdown]
# A way that exists may still be too narrow.

# %% exercise="largest_payload"

# %% [markdown]
# Now somebody else has written the rows, and not all of them are right.

# %% exercise="tunnel_rows"

# %% [markdown]
# You know by now where to look. Many who write about it do not.

# %% exercise="false_route_table"

# %% [markdown]
# ## How far are you?
#
# The next cell shows all exercises, with your attempts and the hints that you took. Your progress is kept on this
# computer and is still there when you come back.

# %% tags=["nbval-ignore-output"]
progress()
