"""What the texts promise exists, and no file names a machine or a registry."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.architecture.source import ROOT, tracked_files

TEXTS = sorted(
    [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")], key=lambda path: path.as_posix()
)
# Spelt backwards, so that this file passes its own test.
REGISTRIES = "sjmpn|detsohnohtyp|ipyp"[::-1]
HOSTS = re.compile(
    rf"\b({REGISTRIES})\.(org|com|python)|//deb\.|--(extra-)?index[-]url|--find[-]links"
)
SLASH = "/"
MACHINE_PATHS = re.compile(r"(?<![\w.\-/])/(home|root|work|Users)/[\w.]")
BINARY = frozenset({".gif", ".gz", ".ico", ".jpg", ".png", ".woff2", ".zst"})


def test_the_needed_texts_exist() -> None:
    for name in ("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "LICENSE"):
        assert (ROOT / name).stat().st_size > 0
    assert {"ARCHITECTURE.md", "glossary.md"} <= {path.name for path in TEXTS}


@pytest.mark.parametrize("text", TEXTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_links_lead_somewhere(text: Path) -> None:
    targets = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", text.read_text(encoding="utf-8"))
    local = [target for target in targets if "://" not in target]
    missing = [target for target in local if not (text.parent / target).exists()]
    assert not missing


def prose_of(markdown: str) -> str:
    """Return a text without its fenced blocks."""
    return re.sub(r"^```[^\n]*\n.*?^```", "", markdown, flags=re.MULTILINE | re.DOTALL)


def headings(markdown: str) -> set[str]:
    """Return what links to the headings of a text have behind their `#`."""
    named = re.findall(r"^#{1,6} +(.+)$", prose_of(markdown), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", name.lower()).replace(" ", "-") for name in named}


@pytest.mark.parametrize("text", TEXTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_links_to_headings_lead_somewhere(text: Path) -> None:
    links = re.findall(r"\]\(([^)#\s]*\.md|)#([^)\s]+)\)", text.read_text(encoding="utf-8"))
    files = [(text.parent / name if name else text, heading) for name, heading in links]
    missing = [h for file, h in files if h not in headings(file.read_text(encoding="utf-8"))]
    assert not missing


@pytest.mark.parametrize("text", TEXTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_a_line_that_begins_with_a_number_sign_is_a_heading(text: Path) -> None:
    prose = prose_of(text.read_text(encoding="utf-8"))
    assert not re.findall(r"^#+[^# \n].*$", prose, re.MULTILINE)


def make_targets(makefile: str) -> set[str]:
    return set(re.findall(r"^([a-z]+):", makefile, re.MULTILINE))


def code_of(markdown: str) -> str:
    """Return the fenced blocks and the inline code of a text."""
    blocks = re.findall(r"^```[^\n]*\n(.*?)^```", markdown, re.MULTILINE | re.DOTALL)
    return "\n".join([*blocks, *re.findall(r"`([^`\n]+)`", prose_of(markdown))])


@pytest.mark.parametrize("text", TEXTS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_make_targets_exist(text: Path) -> None:
    named = re.findall(r"\bmake ([a-z]+)", code_of(text.read_text(encoding="utf-8")))
    missing = set(named) - make_targets((ROOT / "Makefile").read_text(encoding="utf-8"))
    assert not missing


def test_the_make_targets_of_the_design_exist() -> None:
    targets = make_targets((ROOT / "Makefile").read_text(encoding="utf-8"))
    assert targets >= {"setup", "run", "test", "check", "soak", "bench", "help"}


def test_ci_runs_the_test_command_of_the_readme() -> None:
    script = ROOT / ".ci" / "run"
    assert "make test" in code_of((ROOT / "README.md").read_text(encoding="utf-8"))
    assert script.read_text(encoding="utf-8").rstrip().endswith("\nmake test")
    assert "set -euo pipefail" in script.read_text(encoding="utf-8")
    assert script.stat().st_mode & 0o111


def readme_commands() -> list[str]:
    code = code_of((ROOT / "README.md").read_text(encoding="utf-8"))
    return sorted(set(re.findall(r"(?:^|[\s/])orrery ([a-z][a-z-]*)", code)))


def test_the_readme_names_commands() -> None:
    assert "run" in readme_commands()


@pytest.mark.parametrize("command", readme_commands())
def test_the_commands_of_the_readme_exist(command: str) -> None:
    call = f"import sys; from sim.cli import main; sys.exit(main(['{command}', '--help']))"
    done = subprocess.run(
        [sys.executable, "-c", call], cwd=ROOT, capture_output=True, check=False, text=True
    )
    assert done.returncode == 0, done.stderr
    assert f"orrery {command}" in done.stdout


def test_the_files_of_the_readme_exist() -> None:
    code = code_of((ROOT / "README.md").read_text(encoding="utf-8"))
    named = re.findall(r"\b(?:scenarios|docs|bench|examples)/[\w./-]+\.\w+", code)
    assert [name for name in named if not (ROOT / name).exists()] == []
    assert "scenarios/quickstart.toml" in code + (ROOT / "Makefile").read_text(encoding="utf-8")


def test_no_file_names_a_registry_or_a_machine() -> None:
    found = []
    for path in tracked_files():
        if path.suffix in BINARY:
            continue
        text = path.read_text(encoding="utf-8", errors="replace")
        for pattern in (HOSTS, MACHINE_PATHS):
            if match := pattern.search(text):
                found.append(f"{path.relative_to(ROOT)}: {match.group()}")
        if str(ROOT) in text and len(ROOT.parts) > 2:
            found.append(f"{path.relative_to(ROOT)}: the path of this checkout")
    assert not found


@pytest.mark.parametrize(
    "text",
    [
        f"see {SLASH}home/me/x",
        f"'{SLASH}root/.cache'",
        f"({SLASH}work/x)",
        f"https://{REGISTRIES[:4]}.org/simple",
        "--extra-index" + "-url",
    ],
)
def test_machines_and_registries_are_recognised(text: str) -> None:
    assert MACHINE_PATHS.search(text) or HOSTS.search(text)


@pytest.mark.parametrize("text", ["docs/home/x", "../work/x", "state_root/x", "/rooted"])
def test_other_paths_are_left_alone(text: str) -> None:
    assert not MACHINE_PATHS.search(text)
