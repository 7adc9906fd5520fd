# %% [markdown]
# # 00 · Start here
#
# **The course.** Twenty notebooks lead from backpropagation, written by hand in NumPy, to nets that
# read lines of text, describe pictures and answer questions about them. In the first seven you
# write everything yourself; after that you use PyTorch and know what it does.
#
# | part | notebooks | you build |
# |---|---|---|
# | I · from scratch | 01 – 07 | backpropagation, a CNN, an LSTM, a graph network |
# | II · PyTorch | 08 – 11 | the same on a GPU, training that resumes, transfer |
# | III · methods | 12 – 19 | Siamese nets, Net2Net, OCR, captions, questions, detection, video |
#
# This first notebook is not graded. It takes ten minutes: is your computer ready, how does an
# exercise work, where is your progress, how do you hand in?

# %% tags=["parameters"]
profile = "quick"  # every notebook has these two: "quick" needs no GPU and no network
seed = 0

# %%
import contextlib

import numpy as np

from pytools import CheckFailed, check, data, doctor, progress

# %% [markdown]
# ## 1. Is your computer ready?
#
# Each line says OK, or what is missing and the command that mends it. Lines marked *optional* may
# stay as they are.

# %% tags=["this-machine", "demo", "nbval-ignore-output"]
doctor.show()

# %% [markdown]
# ## 2. How an exercise works
#
# You write a function and hand it to `check`. The check calls it with many arguments and says
# whether all came back right and, if not, what went wrong.
#
# Here is a function that should move and stretch an array to the range 0 to 1. It is wrong. Run
# the cell and read the table: what was called, what came back, what was expected, and a guess at
# the reason.

# %% tags=["demo"]
with contextlib.suppress(CheckFailed):
    check("start.scale", lambda x: x / x.max())

# %% [markdown]
# Check again without a change and you get a hint; a third time, the section to read again. In the
# graded notebooks the same check counts points, and part of a function counts as well: ordinary
# arguments first, then special ones (*edge*: empty, equal, of length one), then *numerical* ones
# (very large, very close).
#
# ### Try it · `scale`
#
# Now write it yourself. In each exercise you replace the line `raise NotImplementedError` and keep
# the name and the arguments. Two things that the check will look at: what if all entries are equal?
# And does the caller's array stay as it was?


# %% nbgrader={"grade": false, "grade_id": "start-scale-solution", "locked": false, "schema_version": 3, "solution": true, "task": false}
def scale(x):
    """x moved and stretched so that its smallest entry is 0 and its largest 1.

    x: float array of any shape, left unchanged. Where all entries are equal, returns zeros.
    """
    ### BEGIN SOLUTION
    spread = np.max(x) - np.min(x)
    if spread == 0:
        return np.zeros_like(x)
    return (x - np.min(x)) / spread
    ### END SOLUTION


check("start.scale", scale)

# %% [markdown]
# **Stuck?** Read the *Finding* slowly, it is about your numbers. `print` inside your function: the
# check shows what was printed for the case that failed. Try your function on a tiny array in a cell
# of your own, but keep what the function needs *inside its cell*: only those cells are graded.

# %% [markdown]
# ## 3. Your progress
#
# Every check is noted on your computer (and nowhere else). The board shows each exercise's last
# check. Come back to this cell whenever you like.

# %% tags=["demo", "nbval-ignore-output"]
progress.board()

# %% [markdown]
# ## 4. Where the data is
#
# By default a notebook uses data that came with the installation or that it draws itself. The
# larger sets, for `profile = "full"`, go to the folder that the environment variable `COURSE_DATA`
# names, or else to a cache folder of yours.

# %% tags=["demo", "nbval-ignore-output"]
for entry in data.catalogue():
    where = "installed" if entry.shipped else "downloaded when first used"
    print(f"{entry.name}: {entry.what} ({where})")

# %% [markdown]
# ## 5. How to hand in
#
# 1. *Kernel → Restart Kernel and Run All Cells*: it must run from top to bottom.
# 2. Press **Validate** in the toolbar. It runs the notebook once more and names each exercise that
#    is not right yet. You may hand in all the same: points are given for what is right.
# 3. Save, and hand in the `.ipynb` file under its own name, the way your class does it.
#
# Do not change, copy or delete the test cells (those with `points=`). After grading you get your points, and for each
# exercise the finding and a hint.
#
# ## What you can do now
#
# - see whether this computer is ready, and mend it;
# - read a check's table, and find your board;
# - hand in.
#
# Next: **01 · Backpropagation**.
