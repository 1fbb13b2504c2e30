"""Genesis in the JSON form of go-ethereum, as test networks and tools exchange it.

Three parts: `config` says which rules are in force from when, `alloc` which accounts there are,
and the rest stands in the header of block 0. What has no place in a chain of Orrery is refused, not
passed over, or a chain would run by other rules than its file says. So all forks up to London
must be in force from the start, the beginning must be after the merge, and what only proof of work
needs must be zero. The committee, which Ethereum has not, is handed in.

The first state is exactly what `alloc` says, so the contracts that blocks of the file's forks call
must stand in it.

Reference: go-ethereum, `core.Genesis` and `params.ChainConfig`; EIP-7840 for `blobSchedule`.
"""

import json
import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import msgspec

from primitives.address import format_address, parse_address
from primitives.blob_schedule import BlobSchedule
from primitives.committee import Committee
from primitives.errors import InvalidInput
from primitives.fork import Fork
from primitives.genesis import CODE_BYTES_MAX, Genesis, GenesisContract
from primitives.ids import Address, Gas, Wei
from primitives.params import INITIAL_BASE_FEE, ChainParams, Upgrade
from primitives.system_contracts import system_contracts

_BLOCKS = (
    "homesteadBlock",
    "eip150Block",
    "eip155Block",
    "eip158Block",
    "byzantiumBlock",
    "constantinopleBlock",
    "petersburgBlock",
    "istanbulBlock",
    "berlinBlock",
    "londonBlock",
)
"""Forks by height, all of which are in force from the start here."""
_OPTIONAL_BLOCKS = (
    "muirGlacierBlock",
    "arrowGlacierBlock",
    "grayGlacierBlock",
    "mergeNetsplitBlock",
)
"""Forks by height that change nothing after the merge."""
_TIMES: Mapping[str, Fork] = MappingProxyType(
    {
        "shanghai": Fork.SHANGHAI,
        "cancun": Fork.CANCUN,
        "prague": Fork.PRAGUE,
        "osaka": Fork.OSAKA,
        "bpo1": Fork.OSAKA,
        "bpo2": Fork.OSAKA,
        "bpo3": Fork.OSAKA,
        "bpo4": Fork.OSAKA,
        "bpo5": Fork.OSAKA,
    }
)
"""Forks by time, in order; `bpo` ones change the blobs only (EIP-7892)."""
_CONFIG = frozenset(
    {
        *_BLOCKS,
        *_OPTIONAL_BLOCKS,
        *[f"{name}Time" for name in _TIMES],
        "blobSchedule",
        "chainId",
        "depositContractAddress",
        "ethash",
        "terminalTotalDifficulty",
        "terminalTotalDifficultyPassed",
    }
)
_ABSENT_OR_ZERO = ("difficulty", "nonce", "mixHash", "coinbase", "number", "gasUsed", "parentHash")
_ABSENT_OR_ZERO_LATER = ("blobGasUsed", "excessBlobGas")
_FIELDS = frozenset(
    {
        *_ABSENT_OR_ZERO,
        *_ABSENT_OR_ZERO_LATER,
        "alloc",
        "baseFeePerGas",
        "config",
        "extraData",
        "gasLimit",
        "timestamp",
    }
)
_ACCOUNT = frozenset({"balance", "code", "nonce", "storage"})
_NUMBER = re.compile(r"0[xX][0-9a-fA-F]*|[0-9]+")
_HEX = re.compile(r"(0[xX])?([0-9a-fA-F]{2})*")
"""Python alone would read more than that: signs, blanks, underscores, digits of other scripts."""

Alloc = tuple[tuple[tuple[Address, Wei], ...], tuple[GenesisContract, ...]]
"""Balances, and accounts that have more than a balance."""


class GenesisForm(msgspec.Struct, frozen=True):
    """All that a text says: a genesis without a committee."""

    params: ChainParams
    """Those that the form knows; the others have their defaults."""
    timestamp: int
    """Of block 0, in seconds."""
    alloc: tuple[tuple[Address, Wei], ...]
    contracts: tuple[GenesisContract, ...]
    has_base_fee: bool
    """Whether the text names the first base fee, or leaves it to the default."""


def read_genesis(text: str, committee: Committee, where: str = "genesis") -> Genesis:
    """Return the genesis that a JSON text describes, with a committee; see `read_form`."""
    form = read_form(text, where)
    return Genesis(form.params, form.alloc, committee, form.timestamp, form.contracts)


def read_form(text: str, where: str = "genesis") -> GenesisForm:
    """Return what a JSON text says of a genesis.

    Args:
        text: in go-ethereum's form.
        where: the text's name, for errors.

    Raises:
        InvalidInput: the path of the field that is wrong, missing, or has no place here.
    """
    try:
        found = json.loads(text, object_pairs_hook=_each_once)
    except (ValueError, RecursionError) as error:
        raise InvalidInput(where, "JSON", error) from error
    fields = _object(found, where, _FIELDS)
    for name in (*_ABSENT_OR_ZERO, *_ABSENT_OR_ZERO_LATER):
        _require_zero(fields, name, where)
    if fields.get("extraData", "0x") not in ("", "0x"):
        expected = "none: the header commits to parameters and committee there"
        raise InvalidInput(f"{where}.extraData", expected, fields["extraData"])
    timestamp = read_number(fields.get("timestamp", 0), f"{where}.timestamp", 64)
    params = _read_params(fields, timestamp, where)
    balances, contracts = read_alloc(_required(fields, "alloc", where), f"{where}.alloc")
    _require_system(params, contracts, f"{where}.alloc")
    has_base_fee = fields.get("baseFeePerGas") is not None
    return GenesisForm(params, timestamp, balances, contracts, has_base_fee)


def read_alloc(found: object, where: str = "alloc") -> Alloc:
    """Return the accounts of an `alloc`: of a genesis, or the `pre` of public tests.

    Args:
        found: parsed JSON: an object of accounts by address, with or without 0x.
        where: its name, for errors.

    Raises:
        InvalidInput: the path of the field that is wrong.
    """
    balances: dict[Address, Wei] = {}
    contracts: list[GenesisContract] = []
    for name, value in _object(found, where, None).items():
        path = f"{where}.{name}"
        try:
            address = parse_address(name if name[:2] in ("0x", "0X") else "0x" + name)
        except InvalidInput as error:
            raise InvalidInput(path, error.expected, name) from error
        if address in balances:
            raise InvalidInput(path, "each address once", format_address(address))
        fields = _object(value, path, _ACCOUNT)
        balances[address] = Wei(read_number(fields.get("balance", 0), f"{path}.balance", 256))
        nonce = read_number(fields.get("nonce", 0), f"{path}.nonce", 64)
        code = _read_bytes(fields.get("code", "0x"), f"{path}.code")
        storage = _read_storage(fields.get("storage", {}), f"{path}.storage")
        if len(code) > CODE_BYTES_MAX:
            expected = f"at most {CODE_BYTES_MAX} bytes (EIP-170)"
            raise InvalidInput(f"{path}.code", expected, f"{len(code)} bytes")
        if storage and not (nonce or code or balances[address]):
            expected = "a nonce, code or a balance beside it, or the account is empty (EIP-161)"
            raise InvalidInput(f"{path}.storage", expected, "none of them")
        if nonce or code or storage:
            contracts.append(GenesisContract(address, code, nonce, storage))
    return tuple(balances.items()), tuple(contracts)


def read_number(found: object, where: str, bits: int) -> int:
    """Return a number that is a JSON integer, or text in decimal or in hexadecimal with 0x.

    Raises:
        InvalidInput: it is none, or has more bits.
    """
    value = found if isinstance(found, int) and not isinstance(found, bool) else None
    if isinstance(found, str) and len(found) <= 2 * bits and _NUMBER.fullmatch(found):
        is_hex = found[:2] in ("0x", "0X")
        value = int(found[2:] or "0", 16) if is_hex else int(found)
    if value is None or value < 0 or value.bit_length() > bits:
        raise InvalidInput(where, f"a number below 2**{bits}, decimal or with 0x", repr(found))
    return value


def _read_params(fields: Mapping[str, Any], timestamp: int, where: str) -> ChainParams:
    config = _object(_required(fields, "config", where), f"{where}.config", _CONFIG)
    where_config = f"{where}.config"
    for name in _BLOCKS:
        if _required(config, name, where_config) != 0:
            raise InvalidInput(f"{where_config}.{name}", "0: in force from the start", config[name])
    for name in _OPTIONAL_BLOCKS:
        if config.get(name, 0) not in (0, None):
            raise InvalidInput(f"{where_config}.{name}", "0, or nothing", config[name])
    _require_zero(config, "terminalTotalDifficulty", where_config)
    fork, blobs, upgrades = _read_times(config, timestamp, where_config)
    chain_id = read_number(
        _required(config, "chainId", where_config), f"{where_config}.chainId", 63
    )
    base_fee = fields.get("baseFeePerGas")
    base_fee = INITIAL_BASE_FEE if base_fee is None else base_fee
    gas_limit = read_number(_required(fields, "gasLimit", where), f"{where}.gasLimit", 63)
    return ChainParams(
        chain_id=chain_id,
        gas_limit=Gas(gas_limit),
        base_fee_initial=Wei(read_number(base_fee, f"{where}.baseFeePerGas", 127)),
        fork=fork,
        blobs=blobs,
        upgrades=upgrades,
    )


def _read_times(
    config: Mapping[str, Any], timestamp: int, where: str
) -> tuple[Fork, BlobSchedule | None, tuple[Upgrade, ...]]:
    """Return the fork in force at the start, its blobs, and the later changes."""
    schedules = _object(config.get("blobSchedule", {}), f"{where}.blobSchedule", frozenset(_TIMES))
    fork, blobs = Fork.PARIS, None
    upgrades: dict[int, Upgrade] = {}
    before = 0
    for name, next_fork in _TIMES.items():
        given = config.get(f"{name}Time")
        if given is None:
            continue
        path = f"{where}.{name}Time"
        at = read_number(given, path, 64)
        missing = [other for other in _before(name) if config.get(f"{other}Time") is None]
        if missing:
            raise InvalidInput(path, f"{missing[0]}Time before it", "nothing there")
        if at < before:
            raise InvalidInput(path, f"no time before {before}, of the fork before it", at)
        before = at
        schedule = _read_schedule(schedules.get(name), f"{where}.blobSchedule.{name}")
        if schedule is None and name.startswith("bpo"):
            raise InvalidInput(f"{where}.blobSchedule.{name}", "the blobs that it brings", "none")
        if at <= timestamp:
            fork, blobs = next_fork, schedule
        else:
            upgrades[at] = Upgrade(at, next_fork, schedule)
    return fork, blobs, tuple(upgrades.values())


def _before(name: str) -> list[str]:
    """Return the forks without which one cannot be; changes of blobs alone are left out."""
    names = list(_TIMES)
    return [other for other in names[: names.index(name)] if not other.startswith("bpo")]


def _read_schedule(found: object, where: str) -> BlobSchedule | None:
    if found is None:
        return None
    names = ("target", "max", "baseFeeUpdateFraction")
    fields = _object(found, where, frozenset(names))
    numbers = [read_number(_required(fields, name, where), f"{where}.{name}", 63) for name in names]
    try:
        return BlobSchedule(*numbers)
    except InvalidInput as error:
        raise InvalidInput(where, error.expected, error.actual) from error


def _read_storage(found: object, where: str) -> tuple[tuple[int, int], ...]:
    slots: dict[int, int] = {}
    for name, value in _object(found, where, None).items():
        slot = read_number(
            name if name[:2] in ("0x", "0X") else "0x" + name, f"{where}.{name}", 256
        )
        if slot in slots:
            raise InvalidInput(f"{where}.{name}", "each slot once", name)
        text = value if not isinstance(value, str) or value[:2] in ("0x", "0X") else "0x" + value
        slots[slot] = read_number(text, f"{where}.{name}", 256)
    return tuple([(slot, value) for slot, value in slots.items() if value])


def _read_bytes(found: object, where: str) -> bytes:
    if isinstance(found, str) and _HEX.fullmatch(found):
        return bytes.fromhex(found[2:] if found[:2] in ("0x", "0X") else found)
    raise InvalidInput(where, "bytes in hexadecimal", repr(found)[:60])


def _require_system(
    params: ChainParams, contracts: tuple[GenesisContract, ...], where: str
) -> None:
    """Refuse a state without the contracts that blocks call: no block could be valid."""
    fork = max([params.fork, *[upgrade.fork for upgrade in params.upgrades]])
    coded = {contract.address for contract in contracts if contract.code}
    for address in system_contracts(fork):
        if address not in coded:
            raise InvalidInput(
                where, f"the contract {format_address(address)} of {fork.name}", "none"
            )


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Refuse an object that has a name twice: which of both counts is up to whoever reads it."""
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"the name {twice!r} stands twice in an object")
    return found


def _object(found: object, where: str, known: frozenset[str] | None) -> Mapping[str, Any]:
    if not isinstance(found, dict):
        raise InvalidInput(where, "a JSON object", repr(found)[:60])
    for name in found:
        if known is not None and name not in known:
            raise InvalidInput(f"{where}.{name}", f"one of {', '.join(sorted(known))}", "this name")
    return found


def _required(fields: Mapping[str, Any], name: str, where: str) -> Any:
    if fields.get(name) is None:
        raise InvalidInput(f"{where}.{name}", "a value", "none")
    return fields[name]


def _require_zero(fields: Mapping[str, Any], name: str, where: str) -> None:
    if fields.get(name) is not None and read_number(fields[name], f"{where}.{name}", 256):
        raise InvalidInput(f"{where}.{name}", "0, or nothing", fields[name])
