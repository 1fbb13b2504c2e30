"""Calibration profiles: what each kind of work takes on a real machine.

A profile is measured by `orrery calibrate` and is part of what makes a run the same run: its
hash stands in the replay line. The one that ships is an ordinary profile, made by that command,
with the machine that it was measured on named in it.
"""

import hashlib
from importlib.resources import files
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from primitives.errors import InvalidInput
from sim.cost_kinds import KINDS
from sim.kernel.host import CostTable

DEFAULT = "profile-default.json"


class Measured(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What one unit of one kind takes."""

    kind: str
    unit: str
    """What one unit is, in words."""
    median_ps: Annotated[int, Meta(ge=0)]
    """Picoseconds for one unit: the median of the samples."""
    low_ps: Annotated[int, Meta(ge=0)]
    """The tenth percentile of the samples."""
    high_ps: Annotated[int, Meta(ge=0)]
    """The ninetieth percentile of the samples."""
    samples: Annotated[int, Meta(ge=1)]
    library: str
    """What did the work, with its version; "orrery" for code of our own."""


class MachineFacts(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where a profile was measured."""

    processor: str
    cores: int
    memory_bytes: int
    system: str
    python: str
    measured_on: str
    """Date, ISO 8601."""


class Profile(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Costs of every kind of work on one machine."""

    machine: MachineFacts
    costs: tuple[Measured, ...]

    def costs_ps(self) -> dict[str, int]:
        """Return picoseconds for one unit by kind."""
        return {m.kind: m.median_ps for m in self.costs}

    def table(self, speed: float = 1.0) -> CostTable:
        """Return the costs on a core that is `speed` times as fast as the measured one."""
        return CostTable({kind: round(ps / speed) for kind, ps in self.costs_ps().items()})

    def fingerprint(self) -> str:
        """Return a short hash of the costs: runs are only the same run under the same costs."""
        costs = sorted(self.costs_ps().items())
        return hashlib.blake2b(msgspec.json.encode(costs), digest_size=8).hexdigest()


def encode_profile(profile: Profile) -> bytes:
    """Return the profile as indented JSON."""
    return msgspec.json.format(msgspec.json.encode(profile), indent=1) + b"\n"


def decode_profile(data: bytes, where: str) -> Profile:
    """Read a profile.

    Raises:
        InvalidInput: the data is no profile; `where` says which file it came from.
    """
    try:
        return msgspec.json.decode(data, type=Profile)
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InvalidInput(where, "a profile written by `orrery calibrate`", error) from error


def check_kinds(profile: Profile, where: str) -> None:
    """Check that a profile prices every kind of work once, by the unit that the nodes count in.

    Prices of other kinds do no harm: the profile may be that of a later version.

    Raises:
        InvalidInput: it does not; the message names the kinds. `where` says whose profile it is.
    """
    units: dict[str, str] = {}
    for row in profile.costs:
        if row.kind in units:
            raise InvalidInput(where, "each kind of work once", f"{row.kind} twice")
        units[row.kind] = row.unit
    missing = [kind.name for kind in KINDS if kind.name not in units]
    if missing:
        expected = "a cost for every kind of work; `orrery calibrate` writes a profile with all"
        raise InvalidInput(where, expected, f"none for {', '.join(missing)}")
    for kind in KINDS:
        if units[kind.name] != kind.unit:
            raise InvalidInput(where, f"{kind.name} per {kind.unit}", f"per {units[kind.name]}")


def load_profile(path: Path | None = None) -> Profile:
    """Return the profile in `path`, or the one that ships.

    Raises:
        InvalidInput: the file cannot be read, is no profile, or lacks a kind of work.
    """
    if path is None:
        where = DEFAULT
        data = files("sim").joinpath("data", DEFAULT).read_bytes()
    else:
        where = str(path)
        try:
            data = path.read_bytes()
        except OSError as error:
            raise InvalidInput(where, "a readable profile", error.strerror) from error
    profile = decode_profile(data, where)
    check_kinds(profile, where)
    return profile
