"""Reading a JSON file strictly, and saying in our words what is wrong with it."""

from typing import TypeVar

import msgspec

from primitives.errors import InvalidEncoding

FILE_BYTES_MAX = 16 * 1024 * 1024
"""Longest file that is looked at; a certificate of 1,000 validators takes some 300 kB."""

FORM = "docs/guides/certificates.md"

HASH_PATTERN = "^0x[0-9a-f]{64}$"
SIGNATURE_PATTERN = "^0x[0-9a-f]{128}$"
BLS_KEY_PATTERN = "^0x[0-9a-f]{96}$"
BLS_SIGNATURE_PATTERN = "^0x[0-9a-f]{192}$"
BYTES_PATTERN = "^0x([0-9a-f]{2})*$"

WORDS = {
    HASH_PATTERN: "0x and 64 lower-case hexadecimal digits",
    SIGNATURE_PATTERN: "0x and 128 lower-case hexadecimal digits",
    BLS_KEY_PATTERN: "0x and 96 lower-case hexadecimal digits",
    BLS_SIGNATURE_PATTERN: "0x and 192 lower-case hexadecimal digits",
    BYTES_PATTERN: "0x and pairs of lower-case hexadecimal digits",
}
"""What the patterns ask for, in words."""
FAULTS = {
    "Object missing required field": f"all fields of {FORM}",
    "Object contains unknown field": f"only the fields of {FORM}",
    "Invalid enum value": f"a value that this version knows, see {FORM}",
}
"""Faults of another shape, as the start of msgspec's finding, and the rule that each breaks."""

T = TypeVar("T")


def read_file(data: bytes, expected: type[T], name: str) -> T:
    """Return the structure that a JSON file holds.

    Args:
        data: the file.
        expected: its structure.
        name: how the user calls it, for messages.

    Raises:
        InvalidEncoding: it holds none; where, and what was expected.
    """
    if len(data) > FILE_BYTES_MAX:
        raise InvalidEncoding(name, f"at most {FILE_BYTES_MAX} bytes", "more")
    try:
        return msgspec.json.decode(data, type=expected)
    except msgspec.ValidationError as error:
        raise _mistake(str(error), name) from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidEncoding(name, "JSON", str(error)) from error
    except RecursionError as error:
        raise InvalidEncoding(name, FORM, "deep nesting") from error


def _mistake(text: str, name: str) -> InvalidEncoding:
    """Say in our words what msgspec found: "Expected `int`, got `str` - at `$.chain.shard`"."""
    finding, _, path = text.partition(" - at `$")
    key = path.rstrip("`").lstrip(".")
    where = f"{name}: {key}" if key else name
    expected, _, actual = finding.removeprefix("Expected ").partition(", got ")
    for pattern, words in WORDS.items():
        if pattern in expected:
            return InvalidEncoding(where, words, "something else")
    for found, rule in FAULTS.items():
        if finding.startswith(found):
            return InvalidEncoding(where, rule, _fault(found, finding))
    return InvalidEncoding(where, expected, actual or "a value out of range")


def _fault(kind: str, finding: str) -> str:
    missing = "no field" if "missing" in kind else ""
    return f"{missing}{finding.removeprefix(kind)}".strip()
