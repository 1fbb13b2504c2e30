"""The house: root packages, their faces, their dependencies and the lock."""

import ast
import importlib
import re
from pathlib import Path

import pytest

from tests.architecture import edges
from tests.architecture.source import PACKAGES, ROOT, Source, parse, pyproject, sources

DISTRIBUTIONS = {
    "blake2b": "blake2b-py",
    "nacl": "pynacl",
    "prometheus_client": "prometheus-client",
    "py_arkworks_bls12381": "py-arkworks-bls12381",
    "sha3": "safe-pysha3",
    "tomli_w": "tomli-w",
}
"""Import names that differ from the name of the distribution."""
TEST_LIBRARIES = frozenset({"pytest"})
"""Libraries of the test extra that the product touches: the pytest plugin does."""

FACES = [file for file in sources(*PACKAGES) if file.path.endswith("__init__.py")]


def test_every_tool_knows_the_same_root_packages() -> None:
    tools = pyproject()["tool"]
    here = {path.parent.name for path in ROOT.glob("*/__init__.py")} - {"bench", "tests"}
    shipped = {
        name.removesuffix(".*") for name in tools["setuptools"]["packages"]["find"]["include"]
    }
    assert here == set(PACKAGES)
    assert shipped == here | {"bench"}
    assert set(tools["importlinter"]["root_packages"]) == here
    assert set(tools["mypy"]["packages"]) == here


def test_the_entry_points_lead_somewhere() -> None:
    project = pyproject()["project"]
    groups = project.get("entry-points", {})
    points = [
        *project["scripts"].values(),
        *(at for named in groups.values() for at in named.values()),
    ]
    for point in points:
        module, _, name = point.partition(":")
        assert hasattr(importlib.import_module(module), name or "__name__"), point


def test_every_source_folder_is_a_package() -> None:
    folders = {Path(file.path).parent for file in sources(*PACKAGES)}
    missing = sorted(
        str(folder) for folder in folders if not (ROOT / folder / "__init__.py").exists()
    )
    assert not missing


def face_faults(face: Source) -> list[str]:
    """Return what is wrong with the face of a package.

    A face imports what it passes on, from its own package, and says so for each name: in
    `__all__`, or by importing it `as` itself.
    """
    faults = [] if ast.get_docstring(face.tree) else ["has no docstring"]
    imported: set[str] = set()
    exported = set(_all_of(face.tree))
    for node in face.tree.body:
        if isinstance(node, ast.Import):
            faults.append(f"line {node.lineno}: a face imports names, not modules")
        elif isinstance(node, ast.ImportFrom):
            if not f"{node.module}.".startswith(f"{face.module}."):
                faults.append(f"line {node.lineno}: passes on names of {node.module}")
            imported |= {alias.asname or alias.name for alias in node.names}
            exported |= {alias.name for alias in node.names if alias.asname == alias.name}
    if "*" in imported:
        faults.append("imports *")
    if imported != exported:
        faults.append(f"imported but not exported, or the reverse: {sorted(imported ^ exported)}")
    return faults


def _all_of(tree: ast.Module) -> list[str]:
    for node in tree.body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            return list(ast.literal_eval(node.value))
    return []


@pytest.mark.parametrize("face", FACES, ids=lambda face: face.module)
def test_a_package_has_a_face(face: Source) -> None:
    assert not face_faults(face)
    module = importlib.import_module(face.module)
    assert all(hasattr(module, name) for name in _all_of(face.tree))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "'''Doc.'''\nimport consensus.replica",
        "'''Doc.'''\nfrom primitives.ids import View\n__all__ = ['View']",
        "'''Doc.'''\nfrom consensus.replica import Replica",
        "'''Doc.'''\nfrom consensus.replica import *\n__all__ = ['*']",
        "'''Doc.'''\nfrom consensus.replica import Replica as Copy",
        "'''Doc.'''\nfrom consensusual import Replica as Replica",
        "'''Doc.'''\n__all__ = ['Replica']",
    ],
)
def test_faults_of_a_face_are_found(text: str) -> None:
    assert face_faults(parse(text, "consensus/__init__.py"))


@pytest.mark.parametrize(
    "text",
    [
        "'''Doc.'''",
        "'''Doc.'''\nfrom consensus.replica import Replica\n__all__ = ['Replica']",
        "'''Doc.'''\nfrom consensus.replica import Replica as Replica",
    ],
)
def test_a_good_face_passes(text: str) -> None:
    assert not face_faults(parse(text, "consensus/__init__.py"))


def pins(requirements: list[str]) -> dict[str, str]:
    """Return the exact version of each requirement, by lower-case name."""
    return dict(
        requirement.lower().split("==") for requirement in requirements if "==" in requirement
    )


def test_declared_dependencies_are_those_imported() -> None:
    declared = set(pins(pyproject()["project"]["dependencies"]))
    outside = set().union(*edges.LIBRARIES.values())
    outside -= TEST_LIBRARIES
    imported = {
        name.split(".")[0]
        for file in sources(*PACKAGES)
        for _, name in edges.imported_names(file.tree)
    }
    used = {DISTRIBUTIONS.get(name, name) for name in imported & outside}
    assert used == declared


def wanted_of(lock: str) -> list[str]:
    """Return what a lock must pin at the least."""
    if lock == "peers":
        text = (ROOT / "requirements" / "peers.in").read_text(encoding="utf-8")
        return [line for line in text.splitlines() if not line.startswith("#")]
    project = pyproject()["project"]
    extras = project["optional-dependencies"]
    added = ("test", "dev") if lock == "dev" else ()
    return [*project["dependencies"], *[line for name in added for line in extras[name]]]


@pytest.mark.parametrize("lock", ["runtime", "dev", "peers"])
def test_the_lock_pins_everything_with_hashes(lock: str) -> None:
    text = (ROOT / "requirements" / f"{lock}.lock").read_text(encoding="utf-8")
    entries = re.split(r"\n(?=\S)", text.strip())
    assert all(re.match(r"[a-z0-9-]+==\S+", entry) for entry in entries)
    assert all("--hash=sha256:" in entry for entry in entries)
    assert "://" not in text
    assert "--index" not in text
    assert "--find" not in text

    wanted = wanted_of(lock)
    locked = {entry.split("==")[0]: entry.split("==")[1].split()[0] for entry in entries}
    stale = {name: at for name, at in pins(wanted).items() if locked.get(name) != at}
    assert not stale, f"run `make lock`: {stale}"


def test_both_locks_agree() -> None:
    runtime, dev = (
        set(
            re.findall(
                r"^[a-z0-9-]+==\S+", (ROOT / "requirements" / name).read_text(), re.MULTILINE
            )
        )
        for name in ("runtime.lock", "dev.lock")
    )
    assert runtime <= dev
