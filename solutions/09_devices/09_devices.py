# %% [markdown]
# # 09 · Devices
#
# **The question.** The same net, the same batch, the same numbers: why does a step take a minute
# here and a second there? Where does the time go, what can a machine do at best, and what do two
# machines do better than one?
#
# You will move work to the best device there is, read a clock that does not lie, draw what your
# machine can do, and let two processes train one net.
#
# Five exercises, 14 points. Nothing here needs a GPU; with one, set `profile` to "full".

# %% tags=["parameters"]
profile = "quick"  # "full" also compiles, and where there is a CUDA GPU, measures it
seed = 0

# %%
import statistics
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import torch
import torch.nn.functional as F

from pytools import check, models
from pytools.models.data_parallel import LR, batches, new_net
from pytools.widgets import STYLE, describe_roofline, draw_roofline, show, watch_roofline

torch.manual_seed(seed)
plt.style.use(STYLE)

# %% [markdown]
# ## 1. Two machines in one box
#
# A CPU has a few cores that are good at everything. A GPU has thousands that are good at one thing:
# the same operation on many numbers at once, which is what a product of matrices is. It is a machine
# of its own, with a memory of its own. So three things are new:
#
# - a tensor lives on a *device*, and an operation wants all its tensors on one;
# - `tensor.to(device)` copies it there, over a bus, the wires between the two, which is far slower
#   than either memory. Move the
#   model once, each batch once, and nothing else;
# - a CPU hands work over and goes on. More of that in section 2.
#
# ### Exercise 1 · `best_device` (1 point)
#
# Code that asks for its device once, at the top, runs everywhere. Return the CUDA GPU where one is
# available, else an Apple GPU (`"mps"`), else the CPU: a `torch.device`, or its name. Ask
# `torch.cuda.is_available()` and `torch.backends.mps.is_available()`. That torch was *built* with
# CUDA says nothing about the machine.


# %% nbgrader={"grade": false, "grade_id": "devices-best_device-solution", "locked": false, "schema_version": 3, "solution": true, "task": false}
def best_device():
    """The device to work on: "cuda" where there is one, else "mps", else "cpu"."""
    ### BEGIN SOLUTION
    if torch.cuda.is_available():
        return torch.device("cuda")
    return torch.device("mps" if torch.backends.mps.is_available() else "cpu")
    ### END SOLUTION


check("devices.best_device", best_device)

# %% nbgrader={"grade": true, "grade_id": "devices-best_device", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check("devices.best_device", best_device, points=1, seed=1)
### BEGIN HIDDEN TESTS
check("devices.best_device", best_device, points=1, seed=9901)
### END HIDDEN TESTS

# %% [markdown]
# And yours? Where a GPU is there and cannot be used, the line says why: most often the driver is
# older than torch wants.

# %% tags=["demo", "this-machine", "nbval-ignore-output"]
device = torch.device(best_device())  # also where it returns a name
print(models.describe_device())

# %% [markdown]
# ## 2. A clock that does not lie
#
# To call a GPU is to write a note and put it into a queue. The call returns at once, the work is
# done later, in order, and Python waits only where it needs a number: at `.item()`, `.cpu()`, a
# `print`, or at `torch.cuda.synchronize()`. You need no GPU to see what that does to a clock. Here
# is one in three lines: a worker with a queue.

# %% tags=["demo", "nbval-ignore-output"]
gpu = ThreadPoolExecutor(max_workers=1)  # one worker: what is handed in runs in order

began = time.perf_counter()
result = gpu.submit(time.sleep, 0.2)  # "a product of matrices"
called = time.perf_counter() - began
result.result()  # synchronize
done = time.perf_counter() - began
print(f"the call returns after {1e3 * called:.1f} ms, the work is done after {1e3 * done:.0f} ms")

# %% [markdown]
# A clock that is read too early measures how fast Python writes notes. Two more things spoil a
# time. The *first* call pays for what is done once: memory, libraries, the choice of a method. And
# now and then the machine does something else. A mean takes that in, a *median* does not mind.
#
# ### Exercise 2 · `time_matmul` (4 points)
#
# Draw two random matrices (n, n) on the device. Multiply them once or more without looking at the
# clock. Then time several products, at least three, each by itself: wait for the device, read the
# clock, multiply, wait, read. Return the median in seconds. `time.perf_counter()` is the clock.
# `torch.cuda.synchronize()` waits for a CUDA GPU, `torch.accelerator.synchronize()` for any; where
# there is none they raise, and a CPU needs no waiting. The device comes as a `torch.device` or as
# its name, and `torch.device(device).type` is a name in both cases.
#
# The check runs you on machines that it pretends: some have a GPU, and on all of them a product
# takes as long as a script says. So your own machine may be as busy as it likes.


# %% nbgrader={"grade": false, "grade_id": "devices-time_matmul-solution", "locked": false, "schema_version": 3, "solution": true, "task": false}
def time_matmul(n, device):
    """The median seconds of a product of two (n, n) float32 matrices on a device.

    device: a torch.device or its name.
    """
    ### BEGIN SOLUTION
    on_gpu = torch.device(device).type != "cpu"
    a, b = torch.randn(2, n, n, device=device)
    times = []
    for _ in range(11):
        if on_gpu:
            torch.accelerator.synchronize()
        start = time.perf_counter()
        a @ b
        if on_gpu:
            torch.accelerator.synchronize()
        times.append(time.perf_counter() - start)
    return statistics.median(times[1:])
    ### END SOLUTION


check("devices.time_matmul", time_matmul)

# %% nbgrader={"grade": true, "grade_id": "devices-time_matmul", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
check("devices.time_matmul", time_matmul, points=4, seed=2)
### BEGIN HIDDEN TESTS
check("devices.time_matmul", time_matmul, points=4, seed=9902)
### END HIDDEN TESTS

# %% [markdown]
# ### Exercise 3 · `gflops` (1 point)
#
# Seconds of different sizes do not compare; rates do. Each of the $n^2$ entries of the product is a
# sum of $n$ products: $n$ multiplications and, as is usual, $n$ additions. Return the rate in
# GFLOP/s, $10^9$ floating-point operations a second.


# %% nbgrader={"grade": false, "grade_id": "devices-gflops-solution", "locked": false, "schema_version": 3, "solution": true, "task": false}
def gflops(n, seconds):
    """The rate of a product of two (n, n) matrices that takes so many seconds, in GFLOP/s."""
    ### BEGIN SOLUTION
    return 2 * n**3 / seconds / 1e9
    ### END SOLUTION


check("devices.gflops", gflops)

# %% nbgrader={"grade": true, "grade_id": "devices-gflops", "locked": true, "points": 1, "schema_version": 3, "solution": false, "task": false}
check("devices.gflops", gflops, points=1, seed=3)
### BEGIN HIDDEN TESTS
check("devices.gflops", gflops, points=1, seed=9903)
### END HIDDEN TESTS

# %% [markdown]
# Is a product of large matrices as fast, for each operation, as one of small ones?

# %% tags=["demo", "nbval-ignore-output"]
sides = [4, 16, 64, 256, 1024]
rates = [gflops(n, time_matmul(n, device)) for n in sides]

fig, ax = plt.subplots(figsize=(6.4, 3.2))
ax.loglog(sides, rates, "o-")
ax.set(title=f"Products of matrices on {device}", xlabel="n, matrices (n, n)", ylabel="GFLOP/s")
show(fig, f"From n = {sides[0]} to {sides[-1]}: {rates[0]:.2g} to {rates[-1]:.3g} GFLOP/s.")
assert rates[-1] > 10 * rates[0]

# %% [markdown]
# A product of tiny matrices is all overhead: Python, the choice of a routine, the way there. That is
# why we hand over large pieces, and why a batch is a batch.

# %% [markdown]
# ## 3. The roofline
#
# How fast *should* a piece of work be? Two things limit it (Williams et al., 2009): arithmetic, the
# peak $P$ in GFLOP/s, and memory, the bandwidth $B$ in GB/s. What decides is the work's *intensity*
# $I$, its operations for each byte that must be moved. No work is faster than
#
# $$\min(P, \; B \cdot I)$$
#
# A sum `x + y` of float32 does one operation for 12 bytes, $I = 1/12$, on any machine. A product of
# matrices does $2n^3$ for $3 \cdot 4n^2$ bytes, $I = n/6$: large ones live under the flat part of
# the roof. Let us measure yours. First $B$, by a copy and by a sum, then $P$, by the best of some
# products; the shortest times count here, since a roof is what the machine can do undisturbed.

# %% tags=["demo", "nbval-ignore-output"]
roof = models.measure_roof(device)
works = models.measure_work(device)
print(f"memory {roof.bandwidth:.3g} GB/s, arithmetic {roof.peak:.3g} GFLOP/s")
print(f"work of more than {roof.ridge:.1f} FLOP/byte is limited by arithmetic, less by memory\n")
for work in works:
    share = work.rate / roof.allows(work.intensity)
    print(f"{work.name:16} {work.intensity:8.2f} FLOP/byte {work.rate:8.3g} GFLOP/s {share:6.0%}")

# %% [markdown]
# Step through it: what do you expect of the next piece of work, before you press Next?

# %% tags=["demo", "nbval-ignore-output"]
watch_roofline(roof, works)

# %% tags=["demo", "nbval-ignore-output"]
last = len(works) + 1
fig = draw_roofline(roof, works, last)
fig.axes[0].set_title("The roofline of this machine")
show(fig, describe_roofline(roof, works, last))
assert roof.allows(works[0].intensity) < roof.peak  # x + y waits for memory

# %% [markdown]
# A point *above* the slope did not need the main memory: small matrices stay in a cache close to
# the cores. A point far below the roof is worth a question: too small a piece, a poor layout, a
# number type that is too long? Where a net is slow, find out first under which part of the roof it
# lives. Faster arithmetic does nothing for `x + y`.

# %% [markdown]
# ## 4. A step that runs anywhere
#
# Half the bytes for each number: that moves the slope and the ceiling at once. bfloat16 keeps the
# range of float32 and 8 of its 24 bits of precision. That is too little to add small steps to a
# weight, but enough for the products inside the net. *Autocast* (Micikevicius et al., 2018) does
# just that: within `with torch.autocast(device_type, dtype=torch.bfloat16):` products and
# convolutions are computed in bfloat16, the rest and the weights stay float32. The forward pass and
# the loss go inside; `backward` and the optimiser's step need not.
#
# ### Exercise 4 · `train_step` (4 points)
#
# One step of training. The batch is a pair `(x, labels)`, the loss the mean cross-entropy of
# `model(x)`. With `autocast` True, the forward pass runs under autocast in bfloat16, *on the device
# where the model is*: `next(model.parameters()).device.type` names it. Gradients that lie in `.grad`
# from before must not count. Return the loss before the step, as a float: the tensor would keep its
# whole graph in memory.


# %% nbgrader={"grade": false, "grade_id": "devices-train_step-solution", "locked": false, "schema_version": 3, "solution": true, "task": false}
def train_step(model, batch, optimizer, autocast):
    """One step of the optimizer on the mean cross-entropy; returns the loss before it, a float.

    batch: (x, labels), x (N, ...) floats, labels (N,) class numbers; autocast: True or False.
    """
    ### BEGIN SOLUTION
    x, labels = batch
    where = next(model.parameters()).device
    optimizer.zero_grad()
    with torch.autocast(where.type, dtype=torch.bfloat16, enabled=autocast):
        loss = F.cross_entropy(model(x.to(where)), labels.to(where))
    loss.backward()
    optimizer.step()
    return loss.item()
    ### END SOLUTION


check("devices.train_step", train_step)

# %% nbgrader={"grade": true, "grade_id": "devices-train_step", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
check("devices.train_step", train_step, points=4, seed=4)
### BEGIN HIDDEN TESTS
check("devices.train_step", train_step, points=4, seed=9904)
### END HIDDEN TESTS

# %% [markdown]
# How large should a batch be? For the *clock*, look at the seconds for each image. The overhead of
# a step is paid once, however many images share it.


# %% tags=["demo", "nbval-ignore-output"]
def seconds_per_image(model, size, shape, autocast=False):
    """The median time of a step over the images of its batch."""
    batch = torch.randn(size, *shape, device=device), torch.randint(10, (size,), device=device)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    step = partial(train_step, model, batch, optimizer, autocast)
    return models.seconds_of(step, device, repeats=5) / size


sizes = [1, 4, 16, 64, 256]
lenet = models.LeNet5().to(device)
each = [seconds_per_image(lenet, size, (1, 28, 28)) for size in sizes]

fig, ax = plt.subplots(figsize=(6.4, 3.2))
ax.loglog(sizes, 1e3 * np.array(each), "o-")
ax.set(title=f"A step of LeNet-5 on {device}", xlabel="batch size", ylabel="ms for each image")
show(fig, f"Batches of {sizes}: {', '.join(f'{1e3 * t:.2g}' for t in each)} ms for each image.")
assert each[-1] < each[0]

# %% [markdown]
# The curve gets flat: then the device is busy, and larger batches only take memory. (What they do
# to learning is another matter: fewer steps, and less noise in each.) Where memory ends, PyTorch
# raises `torch.OutOfMemoryError`. Halve the batch and try again; here a function that behaves like a
# GPU with room for 48 images:


# %% tags=["demo"]
def small_gpu(batch_size):
    """Fails as torch does where memory runs out."""
    if batch_size > 48:
        raise torch.OutOfMemoryError("CUDA out of memory.")
    return "a step is done"


print(models.halve_until_it_fits(small_gpu, 256))

# %% [markdown]
# Now to what your device offers for nothing. `channels_last` keeps the channels of a pixel side by
# side in memory, as (N, H, W, C), while shapes stay (N, C, H, W); many convolutions like that
# better. Each way takes the same step of a small ELU net (Clevert et al., 2016). Which ones help
# depends on the machine: bfloat16 is slow on a CPU that has no instructions for it. So measure.


# %% tags=["demo", "nbval-ignore-output"]
def try_way(autocast=False, memory_format=torch.contiguous_format, batch=64):
    """Images a second of the ELU net."""
    net = models.EluNet(widths=(16, 32)).to(device, memory_format=memory_format)
    return 1 / seconds_per_image(net, batch, (3, 32, 32), autocast)


pixels = torch.channels_last
speeds = {
    "as it is": try_way(),
    "channels_last": try_way(memory_format=pixels),
    "autocast": try_way(autocast=True),
    "both": try_way(autocast=True, memory_format=pixels),
}
for name, speed in speeds.items():
    print(f"{name:14} {speed:8.0f} images/s {speed / speeds['as it is']:6.2f} times")

# %% [markdown]
# And `torch.compile`, from notebook 08: it joins operations, so that what lies between two of them
# need not go through memory. It asks for a compiler and a minute, so only the full profile tries.


# %% tags=["demo", "nbval-ignore-output"]
def try_compiled():
    """Images a second of the compiled net, or why there are none."""
    net = models.EluNet(widths=(16, 32)).to(device)
    try:
        speed = 1 / seconds_per_image(torch.compile(net), 64, (3, 32, 32))
        return f"compiled: {speed / speeds['as it is']:.2f} times as fast as it is"
    except Exception as error:  # no C++ compiler, an unknown platform: not ours to mend
        return f"torch.compile finds no compiler that works here ({type(error).__name__})"


print(try_compiled() if profile == "full" else "Set profile to 'full' to compile.")

# %% [markdown]
# ## 5. The fast path on a GPU
#
# On a GPU the naive loop is often the slowest part: for each small operation Python writes a note,
# and the GPU waits for the next one. The fast path (in `pytools/models/fast_path.py`, a page to
# read) does five things: autocast; channels_last; batches in *pinned* memory, which the GPU fetches
# by itself while it computes (`non_blocking=True`); no `.item()` in the loop; and a *CUDA graph*,
# which records a step once and plays it without Python (Ng et al., 2021). This cell measures both
# where there is a CUDA GPU, and compares with the CPU.


# %% tags=["demo"]
def gpu_table():
    """Rows (work, on the CPU, naive on the GPU, fast on the GPU): images/s, or GFLOP/s."""
    a = torch.randn(2, 8192, 8192, device="cuda", dtype=torch.bfloat16)
    fast = gflops(8192, models.seconds_of(lambda: a[0] @ a[1], "cuda"))
    naive, slow = (gflops(n, time_matmul(n, where)) for n, where in [(8192, "cuda"), (2048, "cpu")])
    rows = [("matmul, GFLOP/s", slow, naive, fast)]
    for make, shape in [(models.LeNet5, (1, 28, 28)), (models.EluNet, (3, 32, 32))]:
        stream = [(torch.randn(128, *shape), torch.randint(10, (128,))) for _ in range(20)]
        ways = [("cpu", False), ("cuda", False), ("cuda", True)]
        speeds = [models.images_per_second(make(), stream, where, fast) for where, fast in ways]
        rows.append((f"{make.__name__}, images/s", *speeds))
    return rows


def print_table(rows):
    print(f"{'':20}{'CPU':>12}{'GPU, naive':>12}{'GPU, fast':>12}")
    for name, *values in rows:
        print(f"{name:20}" + "".join(f"{value:12.4g}" for value in values))


# %% tags=["demo", "nbval-ignore-output"]
if device.type == "cuda" and profile == "full":
    rows, name = gpu_table(), torch.cuda.get_device_name()
    print(name)
    print_table(rows)
    assert all(fast >= 4 * naive for _, _, naive, fast in rows[1:])
    if peak := models.published_peak(name):
        print(f"matmul: {rows[0][3] / peak:.0%} of the published {peak:.0f} GFLOP/s")
        assert rows[0][3] >= 0.6 * peak
elif stored := models.stored_table():
    print(f"Measured on {stored['device']}, {stored['date']}:")
    print_table(stored["rows"])
else:
    print("A CUDA GPU and the full profile would give a table here: matmul, LeNet-5 and the ELU")
    print("net, on the CPU, on the GPU naively, and on its fast path, at least 4 times as fast.")
    print("No GPU has been measured for this course yet, so there is no stored table either.")

# %% [markdown]
# For scale, what NVIDIA publishes for dense bfloat16 products: 989 TFLOP/s for the H100 and the
# H200 (SXM), 312 TFLOP/s for the A100 (its data sheets). Large products reach well over half.

# %% [markdown]
# ## 6. Many machines, one step
#
# Two machines can share a batch. Each holds a *replica* of the net, sees half of the images, and
# computes the gradient of the mean loss over its half. The gradient of the whole batch is the mean
# of the two, since all halves have one size:
#
# $$\frac{\partial}{\partial w} \frac1N \sum_{n=1}^{N} \ell_n = \frac12 \Big(
# \frac{\partial}{\partial w} \frac{2}{N} \sum_{n \in A} \ell_n + \frac{\partial}{\partial w}
# \frac{2}{N} \sum_{n \in B} \ell_n \Big)$$
#
# with $A$ and $B$ the halves of the batch. Then each replica takes the step by itself, and since all
# took the same one, they stay equal. This is *data parallel* training.
#
# ### Exercise 5 · `average_gradients` (4 points)
#
# First without a network: all replicas are in one list. Afterwards `.grad` of every parameter holds,
# in every replica, the mean over all of them. A parameter whose `.grad` is None everywhere (a frozen
# layer) keeps None. Where only some replicas have a gradient, None counts as zero, and all get the
# mean. Each replica gets a tensor of its own, as on machines that share no memory. Weights stay as
# they are: the step is not yours to take.


# %% nbgrader={"grade": false, "grade_id": "devices-average_gradients-solution", "locked": false, "schema_version": 3, "solution": true, "task": false}
def average_gradients(models):
    """Give every replica the mean of all replicas' gradients.

    models: a list of replicas of one net, after backward.
    """
    ### BEGIN SOLUTION
    for same in zip(*(model.parameters() for model in models), strict=True):
        grads = [parameter.grad for parameter in same if parameter.grad is not None]
        if grads:
            mean = sum(grads) / len(models)
            for parameter in same:
                parameter.grad = mean.clone()
    ### END SOLUTION


check("devices.average_gradients", average_gradients)

# %% nbgrader={"grade": true, "grade_id": "devices-average_gradients", "locked": true, "points": 4, "schema_version": 3, "solution": false, "task": false}
check("devices.average_gradients", average_gradients, points=4, seed=5)
### BEGIN HIDDEN TESTS
check("devices.average_gradients", average_gradients, points=4, seed=9905)
### END HIDDEN TESTS

# %% [markdown]
# Two replicas, one batch of digits: is the mean of the halves the gradient of the whole? `new_net`
# makes a small net for digits, the same one for the same seed; `batches` draws images and labels.


# %% tags=["demo"]
def gradient(model):
    return torch.cat([parameter.grad.flatten() for parameter in model.parameters()])


whole, *halves = (new_net(seed) for _ in range(3))
[(x, labels)] = batches(1, 64, seed)
F.cross_entropy(whole(x), labels).backward()
for rank, half in enumerate(halves):
    F.cross_entropy(half(x[rank::2]), labels[rank::2]).backward()

before = (gradient(halves[0]) - gradient(whole)).abs().max()
average_gradients(halves)
after = max((gradient(half) - gradient(whole)).abs().max() for half in halves)
print("a half's own gradient is off by more than 0.001:", bool(before > 1e-3))
print("their mean is off by less than 1e-6:", bool(after < 1e-6))
assert before > 1e-3 and after < 1e-6

# %% [markdown]
# Now for real. `torchrun` starts a program several times and tells each process its number, its
# *rank*. They meet in a *process group*, which speaks gloo between CPUs and nccl between GPUs. Its
# main word is `all_reduce`: every process hands in a tensor, and every one gets the sum. The program
# is `pytools/models/data_parallel.py`. Its heart is your exercise, with the list of replicas
# replaced by the network, and `dist` for `torch.distributed`:
#
#     for parameter in model.parameters():
#         if parameter.grad is not None:
#             dist.all_reduce(parameter.grad)
#             parameter.grad /= dist.get_world_size()
#
# In a terminal you would type
#
#     torchrun --standalone --nproc-per-node=2 -m pytools.models.data_parallel \
#         by_hand ddp costs --out run.npz
#
# and that is what this cell does. Both processes start from random weights of their own; rank 0
# sends its own to all before the first step. It trains twice, by hand and with PyTorch's
# `DistributedDataParallel`, *DDP* (Li et al., 2020): a module around yours that does the same, but
# sends gradients in large pieces, and while `backward` still computes the others. Then it takes the
# time of `all_reduce`. `--cpu` keeps it off the GPUs, so that below only the number of processes
# differs. Starting takes most of the seconds here.

# %% tags=["demo"]
with tempfile.TemporaryDirectory() as folder:
    out = str(Path(folder) / "run.npz")
    models.torchrun("by_hand", "ddp", "costs", "--cpu", "--seed", str(seed), "--out", out)
    run = dict(np.load(out))
print(len([name for name in run if name.startswith("ddp")]), "tensors of weights came back")

# %% [markdown]
# One process, the whole batches, the same 20 steps: do all three end on the same weights?

# %% tags=["demo"]
net = new_net(seed)
optimizer = torch.optim.SGD(net.parameters(), lr=LR)
losses = [train_step(net, batch, optimizer, autocast=False) for batch in batches(20, 64, seed)]


def farthest(task):
    """The largest distance of any weight to that of the one process."""
    weights = {name: p.detach().numpy() for name, p in net.named_parameters()}
    return max(np.abs(run[f"{task}.{name}"] - w).max() for name, w in weights.items())


for task in ("by_hand", "ddp"):
    print(f"{task:8} two processes against one, within 1e-6:", bool(farthest(task) < 1e-6))
    assert farthest(task) < 1e-6
assert losses[-1] < losses[0] - 0.1  # and they did learn meanwhile

# %% [markdown]
# What does it cost? Every process sends and gets all gradients at every step, however large the
# batch is: a ring of $p$ processes moves $2 (p-1)/p$ times the size of the net through each of them
# (Patarasuk & Yuan, 2009). The net here has 34,346 parameters, 137 kB.

# %% tags=["demo", "nbval-ignore-output"]
compute, reduce = 1e3 * run["seconds"].T
fig, ax = plt.subplots(figsize=(6.4, 3.4))
names = [str(size) for size in run["sizes"]]
ax.bar(names, compute, label="forward and backward")
ax.bar(names, reduce, bottom=compute, label="all_reduce")
ax.set(title="A step of two processes", xlabel="images for each process", ylabel="ms")
ax.set_ylim(top=1.25 * (compute + reduce).max())  # room for the legend
ax.legend(loc="upper left", ncols=2)
share = reduce / (compute + reduce)
words = ", ".join(f"{size}: {part:.0%}" for size, part in zip(names, share, strict=True))
show(fig, f"Share of all_reduce in a step, by images for each process: {words}.")

# %% [markdown]
# With few images for each process nearly all of the step is talk. Three ways out: larger batches,
# sending while computing (DDP), and a faster wire (nccl between GPUs of one box).
#
# And when a process dies? The others would wait for its gradient for ever. So a process group has
# a time limit, and torchrun stops all when one is gone. Let rank 1 be killed at half time:

# %% tags=["demo"]
try:
    models.torchrun("by_hand", "--cpu", "--kill-rank", "1")
except Exception as error:
    print(error)
else:
    raise AssertionError("rank 1 should have died")

# %% [markdown]
# **On many machines** the same file runs unchanged. Type this line on each of two, where HOST is the
# name of the first one; torchrun does the rest:
#
#     torchrun --nnodes=2 --nproc-per-node=1 --rdzv-backend=c10d --rdzv-endpoint=HOST:29500 \
#         --rdzv-id=course -m pytools.models.data_parallel by_hand --out run.npz
#
# With `--nproc-per-node=8` on a box of eight GPUs, each process takes the GPU of its local rank,
# and the group speaks nccl.
#
# ## What you can do now
#
# - write code that runs on a CPU and on a GPU without a changed line, and say when which one waits;
# - take a time that means something: warmed up, synchronised, a median;
# - say from a roofline whether memory or arithmetic limits a piece of work, and what would help;
# - choose a batch size by the clock, and compute in bfloat16 where it pays;
# - train one net in several processes, by hand and with DDP, and know what the talk costs.
#
# Next: **10 · Training**, the loop around the step.
#
# **Sources.** Williams, Waterman & Patterson (2009), *Roofline: an insightful visual performance
# model for multicore architectures*. Micikevicius et al. (2018), *Mixed precision training*. Clevert,
# Unterthiner & Hochreiter (2016), *Fast and accurate deep network learning by exponential linear
# units*. Ng et al. (2021), *Accelerating PyTorch with CUDA graphs*. Patarasuk & Yuan (2009),
# *Bandwidth optimal all-reduce algorithms for clusters of workstations*. Li et al. (2020), *PyTorch
# distributed: experiences on accelerating data parallel training*. NVIDIA's data sheets of the A100
# (2021), H100 (2023) and H200 (2024).
