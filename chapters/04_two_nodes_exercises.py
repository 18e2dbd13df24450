# %% [markdown]
# # Exercises: two nodes
#
# These exercises go with the chapter *Why do two nodes not simply work?* They are about two things: addresses that are
# there twice, and ways that are not there at all.
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
# Two machines that know nothing of each other, and one packet.

# %% exercise="ends_at"

# %% [markdown]
# Nobody on those machines would tell you. So write something that does.

# %% exercise="shared_addresses"

# %% [markdown]
# Now the addresses are planned, and no two are the same. What works by that alone, and what does not?

# %% exercise="who_gets_an_answer"

# %% [markdown]
# A plan must fit the cluster, and must leave the other networks in peace.

# %% exercise="address_plan"

# %% [markdown]
# One thing is left, and it is in print in many places.

# %% exercise="false_bridge"

# %% [markdown]
# ## How far are you?
#
# The next cell shows all exercises, with your attempts and the hints that you took. Your progress is kept on this
# computer and is still there when you come back.

# %% tags=["nbval-ignore-output"]
progress()
