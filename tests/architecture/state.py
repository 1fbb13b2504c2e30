"""No state outside of machines: nothing at module level may change, nothing may depend on identity.

A second run in the same process must not be able to tell that there was a first one.
"""

import ast
from collections.abc import Iterator

from tests.architecture.edges import dotted
from tests.architecture.source import Finding, Source

MUTABLE_MAKERS = frozenset(
    {"Counter", "OrderedDict", "bytearray", "defaultdict", "deque", "dict", "list", "set"}
)
MUTATORS = frozenset(
    {
        "add", "append", "appendleft", "clear", "discard", "extend", "insert", "move_to_end",
        "pop", "popitem", "popleft", "remove", "reverse", "setdefault", "sort", "update",
    }
)  # fmt: skip
IDENTITY_CALLS = frozenset({"hash", "id"})


def is_mutable(node: ast.expr | None) -> bool:
    """Tell whether an expression makes something that can change."""
    if isinstance(node, ast.Call):
        return dotted(node.func).rsplit(".", 1)[-1] in MUTABLE_MAKERS
    displays = ast.Dict | ast.List | ast.Set | ast.DictComp | ast.ListComp | ast.SetComp
    return isinstance(node, displays)


def module_bindings(tree: ast.Module) -> Iterator[tuple[str, ast.Assign | ast.AnnAssign]]:
    """Yield (name, statement) for what a module binds at its top level."""
    for node in tree.body:
        if isinstance(node, ast.Assign):
            yield from ((t.id, node) for t in node.targets if isinstance(t, ast.Name))
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            yield node.target.id, node


def module_state(file: Source) -> list[Finding]:
    """Find module-level variables: `global`, mutable non-constants, constants that are changed."""
    names = dict(module_bindings(file.tree))
    findings = []
    for name, node in names.items():
        final = isinstance(node, ast.AnnAssign) and "Final" in ast.unparse(node.annotation)
        constant = name.isupper() or name == "__all__" or final
        if is_mutable(node.value) and not constant:
            text = f"module-level `{name}` can change; make it a constant or a field"
            findings.append(Finding(file.path, node.lineno, text))
    for function in ast.walk(file.tree):
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
            findings += _changes(file, function, frozenset(names))
    return findings


def _changes(
    file: Source, function: ast.FunctionDef | ast.AsyncFunctionDef, names: frozenset[str]
) -> list[Finding]:
    """Find the statements of a function that change a name of its module."""
    own = {node.id for node in ast.walk(function) if _binds(node) and isinstance(node, ast.Name)}
    own |= {node.arg for node in ast.walk(function) if isinstance(node, ast.arg)}
    shared = names - own
    findings = []
    for node in ast.walk(function):
        if isinstance(node, ast.Global):
            findings.append(Finding(file.path, node.lineno, "uses `global`"))
        elif (name := _changed(node)) in shared:
            text = f"`{function.name}` changes module-level `{name}`"
            findings.append(Finding(file.path, getattr(node, "lineno", 0), text))
    return findings


def _binds(node: ast.AST) -> bool:
    return isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)


def _changed(node: ast.AST) -> str:
    """Return the name whose object a node changes in place, or ""."""
    if isinstance(node, ast.Subscript) and isinstance(node.ctx, ast.Store | ast.Del):
        return dotted(node.value)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        return dotted(node.func.value) if node.func.attr in MUTATORS else ""
    return ""


def unbounded_caches(file: Source) -> list[Finding]:
    """Find functions with a process-wide cache that parameters can fill without a bound."""
    findings = []
    for node in ast.walk(file.tree):
        if not isinstance(node, ast.FunctionDef) or not ast.unparse(node.args):
            continue
        for item in node.decorator_list:
            name = dotted(item.func if isinstance(item, ast.Call) else item).rsplit(".", 1)[-1]
            bounds = [*item.args, *item.keywords] if isinstance(item, ast.Call) else []
            unlimited = [ast.unparse(bound) for bound in bounds]
            if name == "cache" or unlimited in (["None"], ["maxsize=None"]):
                findings.append(Finding(file.path, item.lineno, "a cache without a bound"))
    return findings


def identity_calls(file: Source) -> list[Finding]:
    """Find calls of `id` and `hash`, whose results differ from process to process."""
    return [
        Finding(file.path, node.lineno, f"calls {dotted(node.func)}()")
        for node in ast.walk(file.tree)
        if isinstance(node, ast.Call) and dotted(node.func) in IDENTITY_CALLS
    ]
