"""What a scenario may say about load. Durations in ns, amounts in wei, rates per second."""

from collections.abc import Mapping
from typing import Literal, TypeVar

import msgspec

from primitives.errors import InvalidInput
from primitives.ids import Duration, Gas, Instant, Wei
from sim.workload.pace import Burst, Ramp
from sim.workload.tables import decode_table

ETHER = 10**18
GWEI = 10**9

TRANSFER_GAS = Gas(21_000)
"""What a plain transfer without data costs."""

VALUE_MAX = 2**63 - 1
"""Largest amount that the generator draws in one piece: a little over 9 ether."""

MAX_FEE_MAX = Wei(10**12 * GWEI)
"""No client offers more for one gas, whatever the base fee."""


class LoopOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What all load of accounts has, in an open loop (`rate`) or a closed one (`clients`)."""

    accounts: int = 1_000
    """How many accounts there are, each funded in genesis."""
    balance: int = 1_000_000 * ETHER
    """What genesis gives to each, in wei."""
    rate: float | None = None
    """Open loop: transactions per second of the whole network."""
    clients: int | None = None
    """Closed loop: how many clients wait for their commit before they send again."""
    think_time: Duration = Duration(0)
    """Closed loop: pause between a commit and the client's next transaction; a mean if Poisson."""
    spacing: Literal["poisson", "fixed"] = "poisson"
    """Whether gaps (and think times) are exponential or all alike."""
    skew: float = 0.0
    """Zipf exponent of senders; 0 is uniform. A closed loop has no sender to choose."""
    tip_min: int = GWEI
    """Smallest priority fee, in wei per gas."""
    tip_max: int = 2 * GWEI
    """Largest priority fee, in wei per gas."""
    fee_headroom: float = 10.0
    """Max fee per gas is the tip and this many times the base fee of the moment."""
    start: Instant = Instant(0)
    """First instant of the load."""
    stop: Instant | None = None
    """Instant after the load; the end of the run when absent."""
    ramp: Ramp | None = None
    """Open loop: the rate moves from `rate` to `ramp.to`."""
    bursts: tuple[Burst, ...] = ()
    """Open loop: windows in which the rate is multiplied."""
    in_flight_max: int = 64
    """Uncommitted transactions of one account, beyond which another account sends instead."""
    resend_after: Duration = Duration(5_000_000_000)
    """Patience of a client before it repeats a transaction at another node; 0 is endless."""


class TransferOptions(LoopOptions, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Transfers between the accounts."""

    receiver_skew: float | None = None
    """Zipf exponent of receivers; as `skew` when absent."""
    value_min: int = 1
    """Smallest amount of one transfer, in wei."""
    value_max: int = ETHER // 1_000
    """Largest amount of one transfer, in wei."""


class ReplayOptions(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Raw signed transactions from a file, in file order."""

    replay: str
    """File name, relative to the scenario's directory: one transaction in hex a line."""
    rate: float = 100.0
    """Transactions per second."""
    spacing: Literal["poisson", "fixed"] = "fixed"
    """Whether the gaps are exponential or all alike."""
    balance: int = 1_000_000 * ETHER
    """What genesis gives to each sender that the file shows, in wei."""
    start: Instant = Instant(0)
    """First instant of the load."""
    resend_after: Duration = Duration(5_000_000_000)
    """As for transfers."""


Options = TypeVar("Options", bound=LoopOptions | ReplayOptions)


def decode_options(kind: type[Options], options: Mapping[str, object]) -> Options:
    """Decode a `[workload]` table strictly and check its ranges.

    Raises:
        InvalidInput: names the key and the rule.
    """
    decoded = decode_table(kind, options)
    if isinstance(decoded, LoopOptions):
        _check_loop(decoded)
    if isinstance(decoded, TransferOptions):
        check_range(decoded, "value")
        check_skew(decoded, "receiver_skew")
    rate: float | None = decoded.rate
    require(rate is None or 0 < rate < 1e9, "rate", "above 0 and below 10**9", rate)
    require(decoded.balance > 0, "balance", "above 0 wei", decoded.balance)
    require(decoded.start >= 0, "start", "0 or later", decoded.start)
    require(decoded.resend_after >= 0, "resend_after", "0 or longer", decoded.resend_after)
    return decoded


def _check_loop(options: LoopOptions) -> None:
    loops = (options.rate is not None) + (options.clients is not None)
    require(loops == 1, "rate", "either rate (open loop) or clients (closed loop)", f"{loops}")
    require(options.accounts >= 1, "accounts", "at least 1", options.accounts)
    require(
        options.clients is None or options.clients >= 1, "clients", "at least 1", options.clients
    )
    require(options.think_time >= 0, "think_time", "0 or longer", options.think_time)
    check_range(options, "tip")
    check_skew(options, "skew")
    require(options.fee_headroom >= 1, "fee_headroom", "at least 1", options.fee_headroom)
    require(options.in_flight_max >= 1, "in_flight_max", "at least 1", options.in_flight_max)
    _check_times(options)


def check_range(options: LoopOptions, name: str) -> None:
    """Check an amount that is drawn between two others.

    Raises:
        InvalidInput: they are out of order, or too large to be drawn.
    """
    low, high = getattr(options, f"{name}_min"), getattr(options, f"{name}_max")
    rule = f"0 <= {name}_min <= {name}_max <= {VALUE_MAX} wei"
    require(0 <= low <= high <= VALUE_MAX, f"{name}_min", rule, f"{low} and {high}")


def check_skew(options: LoopOptions, key: str) -> None:
    """Check a Zipf exponent, if it is given.

    Raises:
        InvalidInput: it is out of range.
    """
    exponent = getattr(options, key)
    require(exponent is None or 0 <= exponent <= 10, key, "from 0 to 10", exponent)


def _check_times(options: LoopOptions) -> None:
    shaped = options.ramp is not None or bool(options.bursts)
    require(
        options.rate is not None or not shaped, "ramp", "rate beside ramp and bursts", "clients"
    )
    if options.stop is not None:
        require(options.stop > options.start, "stop", "a later instant than start", options.stop)
    if options.ramp is not None:
        ramp = options.ramp
        require(0 <= ramp.to < 1e9, "ramp.to", "0 or more per second", ramp.to)
        require(0 <= ramp.start <= ramp.end, "ramp.end", "no earlier than its start", ramp.end)
    for index, burst in enumerate(options.bursts):
        require(0 <= burst.factor < 1e6, f"bursts[{index}].factor", "0 or more", burst.factor)
        require(burst.start >= 0, f"bursts[{index}].start", "0 or later", burst.start)
        require(burst.length > 0, f"bursts[{index}].length", "above 0", burst.length)


def require(holds: bool, key: str, expected: str, actual: object) -> None:
    """Check a rule of an option.

    Raises:
        InvalidInput: it does not hold.
    """
    if not holds:
        raise InvalidInput(f"workload.{key}", expected, actual)


def fee_ceiling(options: LoopOptions, gas_limit: int = TRANSFER_GAS) -> Wei:
    """Return the most that one client may offer for one gas, in wei.

    All transactions that an account may have in flight together must be affordable at that
    price from a quarter of its first balance, or the node would refuse them.

    Args:
        options: of the load.
        gas_limit: the largest of its transactions'.
    """
    affordable = options.balance // (4 * gas_limit * options.in_flight_max)
    return Wei(min(affordable, MAX_FEE_MAX))
