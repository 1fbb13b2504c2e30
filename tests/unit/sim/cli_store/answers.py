"""What `orrery store` answers, and files to ask it about."""

import json
from pathlib import Path
from typing import Any

import pytest

from sim.cli.entry import main

Answer = dict[str, Any]


def answer(capsys: pytest.CaptureFixture[str], *arguments: object, code: int = 0) -> Answer:
    assert main(["store", *map(str, arguments), "--json"]) == code
    printed = capsys.readouterr()
    assert printed.err == ""
    found: Answer = json.loads(printed.out)
    return found


def refusal(capsys: pytest.CaptureFixture[str], *arguments: object, code: int = 2) -> str:
    assert main(["store", *map(str, arguments)]) == code
    printed = capsys.readouterr()
    assert printed.err.startswith("orrery: ")
    assert "Traceback" not in printed.err
    return printed.err


def files(path: Path) -> dict[str, bytes]:
    return {each.name: each.read_bytes() for each in path.iterdir() if each.is_file()}


def damage(path: Path, suffix: str, *, share: float = 0.3) -> str:
    """Flip a bit in the largest file of a kind; return its name."""
    file = max(path.glob(f"*{suffix}"), key=lambda each: each.stat().st_size)
    content = bytearray(file.read_bytes())
    content[int(share * len(content))] ^= 4
    file.write_bytes(content)
    return file.name
