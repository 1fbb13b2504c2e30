"""Public RLP vectors: what encodes to what, and what must be refused."""

from pathlib import Path
from typing import Any

from primitives import rlp
from primitives.errors import InvalidEncoding
from tests.conformance.material import from_hex, read_files, report


def test_rlp_vectors(vectors: Path) -> None:
    failures: list[str] = []
    cases = 0
    for path, content in read_files(vectors / "ethereum" / "rlp"):
        for name, case in content.items():
            cases += 1
            if set(case) != {"in", "out"}:
                failures.append(f"{path.name} {name}: unknown keys {sorted(case)}")
                continue
            problem = _problem(case["in"], from_hex(case["out"]))
            if problem:
                failures.append(f"{path.name} {name}: {problem}")
    report(failures, cases)


def _problem(value: Any, encoded: bytes) -> str | None:
    try:
        item = rlp.decode(encoded)
    except InvalidEncoding as error:
        return None if value == "INVALID" else f"refused: {error}"
    if value == "INVALID":
        return f"accepted as {item!r}"
    if rlp.encode(item) != encoded:
        return "what was decoded encodes to other bytes"
    if value == "VALID":
        return None
    expected = _to_item(value)
    if item != expected:
        return f"decoded to {item!r}"
    return None if rlp.encode(expected) == encoded else "encodes to other bytes"


def _to_item(value: Any) -> rlp.Decoded:
    """Read a value: lists, numbers, text, and numbers too wide for JSON as "#123"."""
    if isinstance(value, list):
        return [_to_item(element) for element in value]
    if isinstance(value, int):
        return rlp.int_bytes(value)
    if value.startswith("#"):
        return rlp.int_bytes(int(value[1:]))
    return bytes(value, "utf-8")
