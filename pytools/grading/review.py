"""Review flags: what a person should know of a solution, read from its text and never run.

Where an exercise is to be written from scratch, a solution that takes the reference's or a
library's own function is flagged, and so is code that could hide that it does. A flag changes
neither mark nor status: a person reads it beside the status, and judges.

From scratch is what has its reference in `pytools.scratch`. What the released cell itself uses, or
allows in its text ("dense or scipy.sparse"), is not flagged, nor is a library's function that the
release imports by its name ("from scipy.special import expit").
"""

from __future__ import annotations

import ast
import re
import textwrap
import warnings
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from pytools import exercises
from pytools.exercise import Exercise
from pytools.grading.plan import Plan, grade_id, is_run
from pytools.grading.preflight import Submission

LONGEST = 100_000  # characters of a cell that are looked at
SHOWN = 5  # names in one flag

REFERENCE = ("pytools.scratch", "pytools.exercises")
GRADER = ("pytools.grading", "pytools.scoring", "pytools.checking", "pytools.exercise")
GRADER += ("pytools.transport",)
LIBRARIES = ("torch", "torchvision", "scipy", "sklearn", "skimage", "networkx", "graphlib")
LIBRARIES += ("tensorflow", "jax", "autograd", "cv2")
HIDING = ("__import__", "exec", "eval", "compile", "importlib", "runpy", "pkgutil", "ctypes")
HIDING += ("subprocess", "os.system", "os.popen", "gc.get_objects", "gc.get_referrers")
HIDING += ("sys.modules", "sys.meta_path", "sys.settrace", "sys._getframe", "get_ipython")
HIDING += ("inspect.getsource", "inspect.getsourcelines", "inspect.getsourcefile", "linecache")
HIDING += ("inspect.getfile", "inspect.getmodule", "inspect.currentframe", "inspect.stack")
HIDING += ("torch.os", "torch.sys", "scipy.os", "scipy.sys")
HIDING += ("__builtins__", "__loader__", "__spec__", "operator.attrgetter")
INSIDES = {"__builtins__", "__closure__", "__code__", "__file__", "__globals__", "__loader__"}
INSIDES |= {"__spec__", "__subclasses__", "f_back", "f_globals"}
OPEN = ("numpy", "math", "matplotlib")  # a computed name in one of these hides nothing
PATHS = re.compile(r"pytools[./](scratch|exercises|grading)|exercises[./]answers|site-packages")
COMMAND = re.compile(r"(\s*)((?:\w[\w, ]*=\s*)?)(%{1,2}|!{1,2}|[/,;?])\s*(\w*)(.*)")  # IPython's
PROMPT = re.compile(r"\s*(>>> |\.\.\. |In \[\d+\]: )")  # IPython drops it from what is pasted
HARMLESS = {"capture", "matplotlib", "precision", "time", "timeit", "who", "whos"}
FORBIDS = re.compile(r"\b(no|not|never|without|instead)\b", re.IGNORECASE)

USES = "it uses the reference: {}"
LIBRARY = "it is to be written from scratch, and uses {}"
REACHES = "it reaches for the grader: {}"
HIDES = "it may hide what it calls: {}"


def flags(submission: Submission, plan: Plan) -> list[str]:
    """What is odd about the solution cells of a rebuilt notebook: a sentence for each odd cell."""
    of_cell = {test.solution_id: exercises.get(test.exercise_id) for test in plan.tests}
    strict = any(from_scratch(exercise) for exercise in of_cell.values())
    stubs = {grade_id(cell): cell.source for cell in plan.released.cells if grade_id(cell)}
    names: dict[str, str] = {}
    offered: set[str] = set()
    found = []
    for cell in submission.notebook.cells:
        name = grade_id(cell)
        if cell.cell_type != "code":
            continue
        if name not in plan.solutions or cell.source == stubs[name]:
            _read(cell.source, names)
            if is_run(cell):
                offered.update(_read(cell.source, {}).names.values())
            continue
        exercise = of_cell.get(name)
        given = [*_read(stubs[name], dict(names)).found, *_allowed(stubs[name])]
        read = _read(cell.source, names)
        strictly = from_scratch(exercise) if exercise else strict
        text = read.unread or _odd(read, given, offered, exercise, strictly)
        if text:
            found.append(f"{exercise.function if exercise else name}: {text}.")
    return found


def from_scratch(exercise: Exercise) -> bool:
    """Whether the exercise's own reference is one of `pytools.scratch`."""
    reference = exercise.reference
    parts = reference if isinstance(reference, (tuple, list)) else (reference,)
    return any(getattr(p, "__module__", "").startswith("pytools.scratch") for p in parts)


def _odd(
    read: Names, given: Iterable[str], offered: set[str], exercise: Exercise | None, strict: bool
) -> str:
    """What is to be said of the names that a solution cell uses; '' for nothing.

    given are names that the exercise allows with all that they contain, offered those that the
    release imports: of a library, they may be used, but nothing in them.
    """
    kinds: dict[str, dict[str, int]] = {}
    for name, line in read.found.items():
        kind = _kind(name, exercise, strict)
        if kind == LIBRARY and name in offered:
            continue
        if kind and not any(_within(name, known) or _within(known, name) for known in given):
            kinds.setdefault(kind, {})[name] = line
    return "; ".join(kind.format(_listed(kinds[kind])) for kind in sorted(kinds))


def _kind(name: str, exercise: Exercise | None, strict: bool) -> str:
    """What is odd about a full name, '' where nothing is."""
    own = exercise and name.startswith("pytools.") and name.endswith(f".{exercise.function}")
    if own or any(_within(name, module) for module in REFERENCE):
        return USES
    if any(_within(name, module) for module in GRADER):
        return REACHES
    if any(_within(name, way) for way in HIDING) or re.match(r"getattr\(\w+,", name):
        return HIDES  # a computed name in a whole library may be its sys
    if re.split("[.,]", name.removeprefix("getattr("))[0] in LIBRARIES:
        return LIBRARY if strict else ""
    return "" if re.fullmatch(r"[\w.]+", name) else HIDES


def _allowed(stub: str) -> list[str]:
    """Libraries, and parts of them, that the released cell's own text allows."""
    lines = [line for line in stub.splitlines() if not FORBIDS.search(line)]
    return re.findall(rf"\b(?:{'|'.join(LIBRARIES)})\b(?:\.\w+)*", "\n".join(lines))


def _within(name: str, module: str) -> bool:
    return name == module or name.startswith(f"{module}.")


def _listed(names: dict[str, int]) -> str:
    """The names, each with its line; a module is not said again beside what is in it."""
    most = [name for name in names if not any(_within(n, name) and n != name for n in names)]
    shown = ", ".join(f"{name} (line {names[name]})" for name in most[:SHOWN])
    return shown if len(most) <= SHOWN else f"{shown} and {len(most) - SHOWN} more"


# --- reading ---------------------------------------------------------------------------------


@dataclass
class Names(ast.NodeVisitor):
    """Full names of what a cell imports and uses, such as torch.nn.functional.relu, by line.

    names says what a notebook's own names stand for, and goes on from cell to cell.
    """

    names: dict[str, str]
    found: dict[str, int] = field(default_factory=dict)
    unread: str = ""  # why the cell could not be read

    def note(self, name: str, line: int) -> None:
        if name:
            self.found.setdefault(name[:100], line)

    def full(self, node: ast.expr) -> str:
        """The full name of what an expression stands for; '' where it is nothing imported."""
        match node:
            case ast.Name(name):
                return self.names.get(name, name if name in HIDING else "")
            case ast.NamedExpr(_, value):
                return self.full(value)
            case ast.Call(ast.Name("__import__"), [ast.Constant(str(module)), *rest]):
                return module if rest or node.keywords else module.split(".")[0]
            case ast.Call(ast.Name("getattr"), [whole, ast.Constant(str(part)), *_]):
                return _join(self.full(whole), part)
            case ast.Call(function, [ast.Constant(str(module)), *_]):
                return module if self.full(function) == "importlib.import_module" else ""
            case ast.Subscript(ast.Call(ast.Name("globals" | "locals")), ast.Constant(str(name))):
                return self.names.get(name, "")
            case ast.Subscript(ast.Call(ast.Name("vars"), [whole]), ast.Constant(str(part))):
                return _join(self.full(whole), part)
            case ast.Subscript(ast.Attribute(whole, "__dict__"), ast.Constant(str(part))):
                return _join(self.full(whole), part)
            case ast.Subscript(modules, ast.Constant(str(module))):
                return module if self.full(modules) == "sys.modules" else ""
            case ast.Attribute(whole, part):
                return _join(self.full(whole), part)
        return ""

    def visit_Module(self, node: ast.Module) -> None:
        for statement in node.body:
            self.visit(statement)
            match statement:  # a name that the cell makes its own
                case ast.FunctionDef(name) | ast.ClassDef(name):
                    self.names.pop(name, None)
                case ast.Assign([ast.Name(name)], value) if not self.full(value):
                    self.names.pop(name, None)

    def visit_Import(self, node: ast.Import) -> None:
        for item in node.names:
            self.note(item.name, node.lineno)
            root = item.name.split(".")[0]
            self.names[item.asname or root] = item.name if item.asname else root

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        for item in node.names:
            module = node.module or ""
            full = module if item.name == "*" else _join(module, item.name)
            self.note(full, node.lineno)
            self.names[item.asname or item.name] = full

    def visit_Assign(self, node: ast.Assign) -> None:
        self.generic_visit(node)
        if name := self.full(node.value):
            for target in node.targets:
                if isinstance(target, ast.Name):
                    self.names[target.id] = name

    def visit_Expr(self, node: ast.Expr) -> None:
        if not _is_text(node.value):  # a docstring calls nothing
            self.visit(node.value)

    def visit_Constant(self, node: ast.Constant) -> None:
        if _is_text(node) and PATHS.search(node.value):
            self.note(repr(node.value[:60]), node.lineno)

    def visit_Name(self, node: ast.Name) -> None:
        if isinstance(node.ctx, ast.Load):
            self.note(self.full(node), node.lineno)

    def visit_Attribute(self, node: ast.Attribute) -> None:
        if node.attr in INSIDES:
            self.note(f"….{node.attr}", node.lineno)
        self._visit_chain(node)

    def visit_Call(self, node: ast.Call) -> None:
        match node:
            case ast.Call(ast.Name("getattr"), [whole, part, *_]) if not _is_text(part):
                name = self.full(whole)
                if name and name.split(".")[0] not in OPEN:
                    self.note(f"getattr({name}, …)", node.lineno)
        self._visit_chain(node)

    def _visit_chain(self, node: ast.expr) -> None:
        self.note(self.full(node), node.lineno)
        self.generic_visit(node)

    visit_Subscript = _visit_chain

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda) -> None:
        for part in [*getattr(node, "decorator_list", []), *node.args.defaults]:
            self.visit(part)
        for part in filter(None, node.args.kw_defaults):
            self.visit(part)
        self._scope(node, node.body if isinstance(node.body, list) else [node.body])

    visit_AsyncFunctionDef = visit_Lambda = visit_FunctionDef

    def visit_ListComp(self, node: ast.AST) -> None:
        self._scope(node, ast.iter_child_nodes(node))

    visit_SetComp = visit_DictComp = visit_GeneratorExp = visit_ListComp

    def _scope(self, node: ast.AST, body: Iterable[ast.AST]) -> None:
        """What a function assigns means something else in it than outside."""
        outside = self.names
        own = set(_bound(node))
        self.names = {name: full for name, full in outside.items() if name not in own}
        for part in body:
            self.visit(part)
        self.names = outside


def _join(whole: str, part: str) -> str:
    return f"{whole}.{part}".removeprefix("builtins.") if whole else ""


SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef, ast.Lambda)
SCOPES += (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)


def _bound(scope: ast.AST) -> Iterator[str]:
    """The names that a function's arguments and assignments make its own."""
    parts = list(ast.iter_child_nodes(scope))
    while parts:
        part = parts.pop()
        if isinstance(part, ast.arg):
            yield part.arg
        elif isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store):
            yield part.id
        if not isinstance(part, SCOPES):
            parts += ast.iter_child_nodes(part)


def _is_text(node: ast.expr) -> bool:
    return isinstance(node, ast.Constant) and isinstance(node.value, str)


def _read(source: str, names: dict[str, str]) -> Names:
    """The names of a cell; what its own names stand for from then on is kept in `names`."""
    read = Names(names)
    if len(source) > LONGEST:
        read.unread = f"it has {len(source):,} characters, too many to be looked at"
        return read
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Python's own, of the student's style
            read.visit(_parse(textwrap.dedent(source), read))
    except (SyntaxError, ValueError):
        pass  # it cannot run either
    except (RecursionError, MemoryError):
        read.unread = "it is nested too deeply to be looked at"
    return read


def _parse(source: str, read: Names) -> ast.Module:
    try:
        return ast.parse(source)
    except (SyntaxError, ValueError):
        return ast.parse(_without_commands(source, read))


def _without_commands(source: str, read: Names) -> str:
    """The cell without IPython's own commands; of `%time x = f()` the code remains."""
    lines = []
    for number, line in enumerate(source.splitlines(), start=1):
        prompt = PROMPT.match(line)
        line = line[prompt.end() :] if prompt else line
        command = COMMAND.match(line)
        if not command:
            lines.append(line.rstrip("?"))
            continue
        space, target, sign, word, rest = command.groups()
        code = re.sub(r"^(\s*-\w+(\s+\d+)?)*\s*", "", rest) if word.startswith("time") else ""
        if not sign.startswith("%") or word not in HARMLESS:
            read.note(f"{sign}{word}{rest}"[:60], number)
        lines.append(f"{space}{target}{code or None}")
    return "\n".join(lines)
