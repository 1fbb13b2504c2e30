"""Sets are for membership: whoever iterates one lets PYTHONHASHSEED into the run.

The order of a set of bytes or strings changes with the hash seed, and the order of a set of
anything else is an accident of its history. The rule knows an expression to be a set by what it
can see: literals, comprehensions, constructors, set operators and methods, and names, attributes
and functions that are annotated as sets. What orders a set or does not care is allowed.
"""

import ast
from collections.abc import Iterable, Iterator

from tests.architecture.edges import dotted
from tests.architecture.source import Finding, Source

SET_TYPES = frozenset({"set", "frozenset", "Set", "AbstractSet", "MutableSet", "FrozenSet"})
SET_METHODS = frozenset({"union", "intersection", "difference", "symmetric_difference", "copy"})
SET_OPERATORS = (ast.BitOr, ast.BitAnd, ast.Sub, ast.BitXor)
INDIFFERENT = frozenset(
    {"all", "any", "bool", "frozenset", "isinstance", "len", "max", "min", "set", "sorted", "sum"}
)
"""Functions whose result, without a key, does not depend on the order of what they are given."""
ORDERED_CALLS = frozenset(
    {"dict", "dict.fromkeys", "enumerate", "filter", "iter", "list", "map", "tuple", "zip"}
)
"""Functions whose result keeps the order of what they are given."""

Function = ast.FunctionDef | ast.AsyncFunctionDef


def is_set_annotation(node: ast.expr | None) -> bool:
    """Tell whether an annotation names a set, also as one arm of a union with None."""
    if isinstance(node, ast.Subscript):
        if dotted(node.value).rsplit(".", 1)[-1] in {"Final", "ClassVar", "Optional"}:
            return is_set_annotation(node.slice)
        return is_set_annotation(node.value)
    if isinstance(node, ast.BinOp):
        return is_set_annotation(node.left) or is_set_annotation(node.right)
    if isinstance(node, ast.Constant) and isinstance(node.value, str):
        return is_set_annotation(ast.parse(node.value, mode="eval").body)
    return node is not None and dotted(node).rsplit(".", 1)[-1] in SET_TYPES


def set_attributes(files: Iterable[Source]) -> frozenset[str]:
    """Return the attribute and method names that are sets wherever they are annotated.

    A name that is a set in one class and something else in another is left out.
    """
    sets: dict[str, bool] = {}
    for file in files:
        for name, annotation in _attribute_annotations(file.tree):
            sets[name] = sets.get(name, True) and is_set_annotation(annotation)
    return frozenset(name for name, always in sets.items() if always)


def _attribute_annotations(tree: ast.Module) -> Iterator[tuple[str, ast.expr | None]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Attribute):
            yield node.target.attr, node.annotation
        elif isinstance(node, ast.ClassDef):
            for field in node.body:
                if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name):
                    yield field.target.id, field.annotation
                elif isinstance(field, Function) and _is_property(field):
                    yield field.name, field.returns


def _is_property(function: Function) -> bool:
    return any(dotted(item).endswith("property") for item in function.decorator_list)


class SetIteration(ast.NodeVisitor):
    """Walk one file and collect the places where a set is iterated."""

    def __init__(self, file: Source, attributes: frozenset[str]) -> None:
        self.file = file
        self.attributes = attributes
        self.findings: list[Finding] = []
        self.scopes: list[dict[str, bool]] = [{}]
        self.functions = {
            node.name
            for node in ast.walk(file.tree)
            if isinstance(node, Function) and is_set_annotation(node.returns)
        }

    def is_set(self, node: ast.expr) -> bool:
        """Tell whether an expression is known to be a set."""
        if isinstance(node, ast.Set | ast.SetComp):
            return True
        if isinstance(node, ast.Name):
            return next((scope[node.id] for scope in self.scopes[::-1] if node.id in scope), False)
        if isinstance(node, ast.Attribute):
            return node.attr in self.attributes
        if isinstance(node, ast.BinOp) and isinstance(node.op, SET_OPERATORS):
            return self.is_set(node.left) or self.is_set(node.right)
        if isinstance(node, ast.IfExp):
            return self.is_set(node.body) or self.is_set(node.orelse)
        return isinstance(node, ast.Call) and self._makes_set(node)

    def _makes_set(self, call: ast.Call) -> bool:
        if isinstance(call.func, ast.Attribute) and call.func.attr in SET_METHODS:
            return self.is_set(call.func.value)
        name = dotted(call.func)
        return name in {"set", "frozenset"} or name.rsplit(".", 1)[-1] in self.functions

    def check(self, node: ast.expr) -> None:
        """Note `node` if it is a set, because something here takes its order."""
        if self.is_set(node):
            text = f"takes the order of the set `{ast.unparse(node)}`; use sorted(...) or a dict"
            self.findings.append(Finding(self.file.path, node.lineno, text))

    def visit_FunctionDef(self, node: Function) -> None:
        """Open a scope with the parameters."""
        arguments = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
        self.scopes.append({a.arg: is_set_annotation(a.annotation) for a in arguments})
        self.generic_visit(node)
        self.scopes.pop()

    visit_AsyncFunctionDef = visit_FunctionDef

    def visit_ClassDef(self, node: ast.ClassDef) -> None:
        """Open a scope, so that a field does not become a name of the module."""
        self.scopes.append({})
        self.generic_visit(node)
        self.scopes.pop()

    def visit_Assign(self, node: ast.Assign) -> None:
        """Learn names bound to sets; unpacking one takes its order."""
        for target in node.targets:
            if isinstance(target, ast.Name):
                self.scopes[-1][target.id] = self.is_set(node.value)
            elif isinstance(target, ast.Tuple | ast.List):
                self.check(node.value)
        self.generic_visit(node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> None:
        """Learn names annotated as sets."""
        if isinstance(node.target, ast.Name):
            self.scopes[-1][node.target.id] = is_set_annotation(node.annotation)
        self.generic_visit(node)

    def visit_For(self, node: ast.For | ast.AsyncFor) -> None:
        """A loop takes the order."""
        self.check(node.iter)
        self.generic_visit(node)

    def visit_ListComp(self, node: ast.ListComp | ast.DictComp | ast.GeneratorExp) -> None:
        """So does a comprehension that makes anything but a set."""
        for generator in node.generators:
            self.check(generator.iter)
        self.generic_visit(node)

    visit_DictComp = visit_ListComp
    visit_GeneratorExp = visit_ListComp

    def visit_Starred(self, node: ast.Starred) -> None:
        """Unpacking takes the order, unless the surroundings do not care."""
        self.check(node.value)
        self.generic_visit(node)

    def visit_Set(self, node: ast.Set) -> None:
        """Unpacking one set into another takes no order."""
        for item in node.elts:
            (self.generic_visit if isinstance(item, ast.Starred) else self.visit)(item)

    def visit_Call(self, node: ast.Call) -> None:
        """Ordered calls, join, pop and keys (by their ties) take the order; others forgive."""
        name = dotted(node.func)
        method = node.func.attr if isinstance(node.func, ast.Attribute) else ""
        if method == "pop" and not node.args and isinstance(node.func, ast.Attribute):
            self.check(node.func.value)
        keyed = any(keyword.arg == "key" for keyword in node.keywords)
        if keyed or name in ORDERED_CALLS or method in {"join", "extend", "writelines"}:
            for argument in node.args:
                self.check(argument)
        for child in ast.iter_child_nodes(node):
            comprehension = isinstance(child, ast.GeneratorExp | ast.ListComp)
            forgiven = comprehension and name in INDIFFERENT and not keyed
            (self.generic_visit if forgiven else self.visit)(child)


def set_iterations(file: Source, attributes: frozenset[str]) -> list[Finding]:
    """Find the places in one file where a set's order is taken."""
    visitor = SetIteration(file, attributes)
    visitor.visit(file.tree)
    return visitor.findings
