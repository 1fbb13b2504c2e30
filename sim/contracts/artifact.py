"""Compiled contracts, as `compile.js` leaves them."""

from functools import lru_cache
from importlib.resources import files
from typing import Any

import msgspec

from primitives.errors import InvalidInput

FOLDER = "artifacts"


class Variable(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where a state variable stands."""

    label: str
    slot: int
    offset: int
    """In bytes from the low end of the slot."""
    type: str
    """As the compiler names it."""


class Artifact(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A contract and what became of it."""

    name: str
    source: str
    """File in `sources`."""
    source_sha256: str
    """Of the text that was compiled, in hex."""
    compiler: str
    settings: dict[str, Any]
    """What the compiler was told: fork, optimizer, metadata."""
    abi: tuple[dict[str, Any], ...]
    storage: tuple[Variable, ...]
    creation: str
    """Hex of the code that a creation runs, without the constructor's arguments."""
    runtime: str
    """Hex of the code that the account then has."""

    @property
    def creation_code(self) -> bytes:
        """Code that a creation runs; the constructor's arguments follow it."""
        return bytes.fromhex(self.creation)

    @property
    def runtime_code(self) -> bytes:
        """Code of the account."""
        return bytes.fromhex(self.runtime)

    def slot(self, label: str) -> int:
        """Return the slot of a state variable.

        Raises:
            KeyError: there is none of that name.
        """
        return {variable.label: variable.slot for variable in self.storage}[label]


def decode_artifact(data: bytes, where: str) -> Artifact:
    """Read an artifact.

    Raises:
        InvalidInput: it is none.
    """
    try:
        return msgspec.json.decode(data, type=Artifact)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidInput(where, "an artifact written by compile.js", error) from error


@lru_cache(maxsize=64)
def load_artifact(name: str) -> Artifact:
    """Return a contract that ships, by its name.

    Raises:
        InvalidInput: there is none of that name.
    """
    folder = files("sim.contracts").joinpath(FOLDER)
    file = folder.joinpath(f"{name}.json")
    if not file.is_file():
        names = sorted(each.name.removesuffix(".json") for each in folder.iterdir())
        raise InvalidInput("contract", f"one of {', '.join(names)}", name)
    return decode_artifact(file.read_bytes(), f"{FOLDER}/{name}.json")
