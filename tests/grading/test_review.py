"""Flags: each way to borrow the reference is seen, and honest code that looks like it is not."""

import nbformat
import pytest
from classroom import REPOSITORY, fill, mini_notebook, plan_of, right
from nbformat.v4 import new_code_cell

from pytools import build, exercises
from pytools.grading import review
from pytools.grading.preflight import Submission
from pytools.grading.review import flags, from_scratch

ANSWERS = right(mini_notebook())


@pytest.fixture
def flagged(mini):
    """The flags of a class member whose matmul_backward is this cell; top: a cell of the release.

    stub is the released cell, where the text of the exercise matters.
    """
    plan = plan_of(mini)

    def run(source, top="", stub=None):
        if stub:
            last = next(
                c for c in plan.released.cells if c.id == "backprop-matmul_backward-solution"
            )
            last.source = stub
        plan.released.cells.insert(2, new_code_cell(top))
        notebook = fill(plan.released, ANSWERS | {"matmul_backward": source})
        return flags(Submission(notebook), plan)

    return run


BORROWED = {
    "import": ("import pytools.scratch\n", "pytools.scratch (line 1)"),
    "from": ("from pytools import scratch\n", "pytools.scratch (line 1)"),
    "name": (
        "from pytools.scratch import matmul_backward",
        "uses the reference: pytools.scratch.matmul_backward (line 1)",
    ),
    "other name": (
        "from pytools.scratch.backprop import matmul_backward as mine",
        "pytools.scratch.backprop.matmul_backward",
    ),
    "star": ("from pytools.scratch import *", "pytools.scratch"),
    "answers": ("import pytools.exercises.answers.backprop as b", "pytools.exercises.answers"),
    "by the package": (
        "import pytools\ndef f(g, a, b):\n    return pytools.scratch.matmul_backward(g, a, b)",
        "pytools.scratch.matmul_backward (line 3)",
    ),
    "in a function": ("def f(g):\n    from pytools import scratch as s\n    s.x()", "scratch.x"),
    "getattr": (
        "import pytools\nm = getattr(getattr(pytools, 'scratch'), 'matmul_backward')",
        "pytools.scratch.matmul_backward (line 2)",
    ),
    "vars": ("import pytools\nvars(pytools)['scratch']", "pytools.scratch"),
    "dict": ("import pytools\npytools.__dict__['scratch'].f()", "pytools.scratch.f"),
    "another name for it": (
        "import pytools as p\nq = p\nr = q.scratch\ndef f(x):\n    return r.g(x)",
        "pytools.scratch.g (line 5)",
    ),
    "__import__": ("m = __import__('pytools.scratch').scratch", "pytools.scratch"),
    "from list": ("m = __import__('pytools.scratch', fromlist=['x']).x", "pytools.scratch.x"),
    "importlib": (
        "from importlib import import_module as im\nm = im('pytools.scratch').f",
        "pytools.scratch.f",
    ),
    "sys.modules": ("import sys\nsys.modules['pytools.scratch'].f", "pytools.scratch.f"),
    "the class": ("class A:\n    from pytools.scratch import unbroadcast", "scratch.unbroadcast"),
    "a default": ("import pytools\ndef f(x, g=pytools.scratch.f): ...", "scratch.f (line 2)"),
    "a lambda": ("import pytools\nf = lambda x: pytools.scratch.f(x)", "pytools.scratch.f"),
    "a list": ("import pytools\n[pytools.scratch.f(x) for x in ()]", "pytools.scratch.f"),
    "a name of its own elsewhere": (
        "import pytools.scratch as s\ndef f(x):\n    def g(s): ...\n    return s.f(x)",
        "pytools.scratch.f",
    ),
    "a name that it never gets": (
        "from pytools import scratch\nif 0:\n    scratch = 1\ndef f(): return scratch.g()",
        "pytools.scratch.g",
    ),
    "time": ("%time from pytools.scratch import unbroadcast", "pytools.scratch.unbroadcast"),
    "a prompt": (">>> from pytools.scratch import unbroadcast", "pytools.scratch.unbroadcast"),
    "indented": ("   import pytools.scratch", "pytools.scratch"),
}

HIDDEN = {
    "exec": ("exec('import x')", "may hide what it calls: exec (line 1)"),
    "eval": ("y = eval(text)", "eval"),
    "builtins": ("import builtins as b\nb.exec(text)", "exec"),
    "from builtins": ("from builtins import exec as e\ne(text)", "exec"),
    "computed import": ("m = __import__('pyt' + 'ools')", "__import__"),
    "computed module": ("import importlib\nimportlib.import_module(name)", "import_module"),
    "computed name": ("import pytools\ngetattr(pytools, 'scr' + 'atch')", "getattr(pytools, …)"),
    "modules": ("import sys\nfor m in sys.modules.values(): print(m)", "sys.modules.values"),
    "source": ("import inspect\ninspect.getsource(check)", "inspect.getsource"),
    "source by name": ("from inspect import getsource as g\ng(check)", "inspect.getsource"),
    "file": ("import numpy as np\nopen(np.__file__)", "….__file__"),
    "site-packages": ("open('/usr/lib/python3/site-packages/x.py')", "site-packages"),
    "path": ("print(open('pytools/scratch/backprop.py').read())", "pytools/scratch"),
    "globals": ("check.__globals__['x']", "….__globals__"),
    "subclasses": ("().__class__.__base__.__subclasses__()", "….__subclasses__"),
    "frames": ("import sys\nsys._getframe(1).f_globals", "sys._getframe"),
    "shell": ("!cat notes.txt", "!cat notes.txt (line 1)"),
    "shell into a name": ("import numpy\ntext = !cat notes.txt", "!cat notes.txt (line 2)"),
    "run": ("%run other.py", "%run other.py"),
    "bash": ("%%bash\ncat notes.txt", "%%bash"),
    "ipython": ("get_ipython().system('cat x')", "get_ipython"),
    "process": ("import subprocess\nsubprocess.run(['cat'])", "subprocess.run"),
    "deep": ("x = " + "-" * 5000 + "1", "nested too deeply"),
    "long": ("#" * 200_000, "200,000 characters, too many to be looked at"),
}

LIBRARY = {
    "torch": ("import torch\ntorch.matmul(a, b)", "from scratch, and uses torch.matmul (line 2)"),
    "functional": ("import torch.nn.functional as F\nF.relu(x)", "torch.nn.functional.relu"),
    "from": ("from scipy.special import expit as s\ns(x)", "scipy.special.expit (line 1)"),
    "sklearn": ("from sklearn.metrics import pairwise_distances", "sklearn.metrics"),
    "networkx": ("import networkx as nx\nnx.topological_sort(g)", "networkx.topological_sort"),
    "a computed name": ("from torch import nn\ngetattr(nn, kind)", "getattr(torch.nn, …)"),
    "grader": (
        "import pytools.scoring as s\ns.score = 1",
        "reaches for the grader: pytools.scoring",
    ),
}


@pytest.mark.parametrize(
    ("source", "said"),
    [*BORROWED.values(), *HIDDEN.values(), *LIBRARY.values()],
    ids=[*BORROWED, *HIDDEN, *LIBRARY],
)
def test_what_is_flagged(flagged, source, said):
    (flag,) = flagged(source)
    assert flag.startswith("matmul_backward: it ") and flag.endswith(".") and said in flag


HONEST = {
    "the course's own": ANSWERS["matmul_backward"],
    "numpy": "import numpy as np\nfrom numpy.linalg import norm\nx = np.linalg.solve(a, b)",
    "a docstring": 'def f(x):\n  """torch.nn.functional.relu, pytools.scratch.f"""\n  return x',
    "a comment": "# not with eval, torch or pytools.scratch\nx = 1",
    "text that is printed": "print('torch would say', 'scratch', 'import torch')",
    "attributes": "net.eval()\nx.compile()\nself.modules()\ngrad.torch.scipy()",
    "names": "def evaluate(compiled, scratch_pad): return compiled\nscratchpad = 1",
    "regular expressions": "import re\nre.compile('x')",
    "the course": "from pytools import check, data\ncheck('backprop.matmul_backward', f)",
    "inspect": "import inspect\ninspect.signature(f)",
    "sys": "import sys, os\nsys.float_info.eps\nos.path.join('a', 'b')",
    "a ufunc by name": "import numpy as np\ngetattr(np, {'relu': 'maximum'}[kind])(0, x)",
    "own attributes": "self.__dict__.update(a=1)\nx.__class__.__name__\ngetattr(self, name)",
    "no Python": "def matmul_backward(grad, a, b) return torch",
    "harmless commands": "%matplotlib inline\n%timeit -n 3 f(x)\nf?",
    "nothing": "",
}


@pytest.mark.parametrize("source", HONEST.values(), ids=HONEST.keys())
def test_what_is_not_flagged(flagged, source):
    assert flagged(source) == []


GIVEN = "import torch\nfrom scipy import ndimage\nfrom pytools import check, data, scratch"


def test_what_the_release_imports_may_be_there_but_not_be_used(flagged):
    assert flagged("x = 1", GIVEN) == []
    assert "pytools.scratch.f" in flagged("scratch.f(x)", GIVEN)[0]


def test_a_name_of_the_release_that_means_something_else(flagged):
    own = "scratch = np.zeros(3)\ndef f(torch):\n    scratch[0] = 1\n    return torch.T"
    assert flagged(own, GIVEN) == []
    local = "def f(x):\n    scratch = x.copy()\n    return scratch.sum()"
    assert flagged(local, GIVEN) == []
    assert flagged("[torch.T for torch in arrays]", GIVEN) == []


def test_a_library_of_the_release_s_imports(flagged):
    assert "scipy.ndimage.zoom (line 1)" in flagged("ndimage.zoom(x)", GIVEN)[0]


def test_a_function_that_the_release_imports_is_given(flagged):
    top = "from scipy.special import expit\nimport torch"
    used = "def f(x):\n    return expit(x)"
    assert flagged(used, top) == []
    assert "scipy.special.logit" in flagged("from scipy.special import logit\nlogit(x)", top)[0]
    assert "torch.relu (line 1)" in flagged("torch.relu(x)", top)[0]
    assert "scratch.f" in flagged("f(x)", "from pytools.scratch import f")[0]


STUB = """\
def matmul_backward(grad, a, b):
    {}
    # write your solution here
    raise NotImplementedError"""


def test_the_exercise_s_own_text_decides(flagged):
    allowing = STUB.format('"""a: dense or scipy.sparse."""')
    used = "import scipy\nfrom scipy import sparse\ndef f(a):\n    return sparse.issparse(a)"
    assert flagged(used, stub=allowing) == []
    assert (
        "scipy.special.expit" in flagged("import scipy\nscipy.special.expit(1)", stub=allowing)[0]
    )


def test_a_text_that_forbids_does_not_allow(flagged):
    assert flagged("import scipy.signal", stub=STUB.format('"""Not with scipy.signal."""'))


def test_what_the_stub_has_is_not_flagged(flagged):
    stub = STUB.format("import torch\n    net = exec('1')")
    assert flagged("import torch\nexec('2')\ndef f(x):\n    return torch.relu(x)", stub=stub) == []


def test_only_from_scratch_exercises_are_strict(flagged, monkeypatch):
    monkeypatch.setattr(review, "from_scratch", lambda exercise: False)
    assert flagged("import torch\ntorch.matmul(a, b)") == []
    assert flagged("from torch import nn\ngetattr(nn, kind)()") == []
    assert "getattr(pytools, …)" in flagged("import pytools\ngetattr(pytools, 'a' + 'b')")[0]
    assert "getattr(torch, …)" in flagged("import torch\ngetattr(torch, 's' + 'ys')")[0]
    assert "torch.sys" in flagged("import torch\ntorch.sys.modules['pytools.models']")[0]


def test_the_reference_may_lie_in_another_room(flagged, monkeypatch):
    monkeypatch.setattr(review, "from_scratch", lambda exercise: False)
    assert flagged("from pytools.models import resnet18") == []
    assert (
        "pytools.models.nets.matmul_backward"
        in (flagged("from pytools.models.nets import matmul_backward")[0])
    )


def test_each_cell_has_one_flag_and_long_ones_are_cut(flagged):
    lines = ["import pytools.scratch", *(f"import torch.m{k}" for k in range(9)), "exec('1')"]
    (flag,) = flagged("\n".join(lines))
    assert "pytools.scratch" in flag and "torch.m0 (line 2)" in flag and "and 4 more" in flag
    assert "exec (line 11)" in flag and flag.count("matmul_backward:") == 1


def test_a_name_goes_on_into_the_next_cell(mini):
    plan = plan_of(mini)
    first = f"from pytools import scratch as s\n{ANSWERS['graph_gradients']}"
    second = "def matmul_backward(grad, a, b):\n    return s.matmul_backward(grad, a, b)"
    notebook = fill(plan.released, {"graph_gradients": first, "matmul_backward": second})
    said = flags(Submission(notebook), plan)
    assert [flag.split(":")[0] for flag in said] == ["graph_gradients", "matmul_backward"]


def test_which_exercises_are_from_scratch():
    assert from_scratch(exercises.get("backprop.matmul_backward"))
    assert not from_scratch(exercises.get("start.scale"))


NAMES = [name for name in build.notebook_names(REPOSITORY) if name != "00_start_here"]  # no tests


@pytest.mark.parametrize("name", NAMES)
def test_the_course_s_own_solutions_have_no_flag(name):
    plan = plan_of(REPOSITORY, name)
    answers = right(nbformat.read(build.Paths(REPOSITORY, name).pair, as_version=4))
    assert flags(Submission(fill(plan.released, answers)), plan) == []
