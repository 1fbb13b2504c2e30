"""The genesis file of a live chain: all that its nodes have to agree on, as JSON.

Ethereum's own form (`primitives.genesis_json`) has no place for a committee, nor for the rules
that are Orrery's. So the file has four parts: `params`, the parameters by their names; `committee`;
`alloc`, accounts in Ethereum's form; and `timestamp`. It also says the `hash` of block 0. A node
whose copy was altered, or was read by another version of the rules, then stops at the start and
does not sit in a network that refuses to talk to it.

What the contracts of the protocol are follows from the fork; they need not be listed.
"""

import json
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from primitives.address import format_address, parse_address
from primitives.blob_schedule import BlobSchedule
from primitives.committee import Committee, Member
from primitives.errors import InvalidInput
from primitives.fork import Fork
from primitives.genesis import Genesis, genesis_hash
from primitives.genesis_json import read_alloc, read_number
from primitives.ids import NodeId
from primitives.params import ChainParams, Upgrade

FORMAT = "orrery genesis 1"
_PARTS = ("format", "hash", "timestamp", "params", "committee", "alloc")
_PARAMS = tuple(each.name for each in fields(ChainParams))
_TEXTS = tuple(each.name for each in fields(ChainParams) if isinstance(each.default, str))
"""Parameters that are the name of a rule."""
_MEMBER = ("node", "public_key", "aggregate_key", "possession")
_BLOBS = ("target", "max", "update_fraction")
_UPGRADE = ("timestamp", "fork", "blobs")


def write_genesis(genesis: Genesis) -> str:
    """Return the text of a genesis file; `read_genesis` gives a genesis of the same hash."""
    return json.dumps(
        {
            "format": FORMAT,
            "hash": "0x" + genesis_hash(genesis).hex(),
            "timestamp": genesis.timestamp,
            "params": _plain_params(genesis.params),
            "committee": [_plain_member(member) for member in genesis.committee.members],
            "alloc": _plain_alloc(genesis),
        },
        indent=1,
    )


def read_genesis(text: str, where: str = "genesis.json") -> Genesis:
    """Return what a genesis file says.

    Args:
        text: JSON.
        where: the file's name, for errors.

    Raises:
        InvalidInput: the path of the field that is wrong or missing; or the file says another hash
            than follows from it.
    """
    try:
        found = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise InvalidInput(where, "JSON", error) from error
    file = _object(found, where, _PARTS)
    if file.get("format") != FORMAT:
        expected = f'"{FORMAT}", as python -m node.runtime.create makes it, also from another form'
        raise InvalidInput(f"{where}: format", expected, repr(file.get("format"))[:60])
    alloc, contracts = read_alloc(_required(file, "alloc", where), f"{where}: alloc")
    params = _read_params(_required(file, "params", where), f"{where}: params")
    members = _list(_required(file, "committee", where), f"{where}: committee")
    committee = Committee(
        tuple([_read_member(each, f"{where}: committee[{at}]") for at, each in enumerate(members)])
    )
    timestamp = read_number(file.get("timestamp", 0), f"{where}: timestamp", 64)
    genesis = Genesis(params, alloc, committee, timestamp, contracts)
    actual = "0x" + genesis_hash(genesis).hex()
    if file.get("hash", actual) != actual:
        expected = f"{actual}, which follows from the rest, or no such field"
        raise InvalidInput(f"{where}: hash", expected, file["hash"])
    return genesis


def _plain_params(params: ChainParams) -> dict[str, object]:
    plain: dict[str, object] = {name: getattr(params, name) for name in _PARAMS}
    plain["fork"] = params.fork.name
    plain["governance"] = format_address(params.governance)
    plain["blobs"] = _plain_blobs(params.blobs)
    plain["upgrades"] = [
        {
            "timestamp": each.timestamp,
            "fork": each.fork.name,
            "blobs": _plain_blobs(each.blobs),
        }
        for each in params.upgrades
    ]
    return plain


def _plain_blobs(blobs: BlobSchedule | None) -> dict[str, int] | None:
    if blobs is None:
        return None
    return {
        "target": blobs.target,
        "max": blobs.most,
        "update_fraction": blobs.update_fraction,
    }


def _plain_member(member: Member) -> dict[str, object]:
    plain: dict[str, object] = {"node": member.node, "public_key": "0x" + member.public_key.hex()}
    if member.aggregate_key:
        plain["aggregate_key"] = "0x" + member.aggregate_key.hex()
        plain["possession"] = "0x" + member.possession.hex()
    return plain


def _plain_alloc(genesis: Genesis) -> dict[str, dict[str, object]]:
    alloc: dict[str, dict[str, object]] = {
        format_address(address): {"balance": str(balance)} for address, balance in genesis.alloc
    }
    for contract in genesis.contracts:
        account = alloc.setdefault(format_address(contract.address), {"balance": "0"})
        account["nonce"] = contract.nonce
        account["code"] = "0x" + contract.code.hex()
        if contract.storage:
            account["storage"] = {hex(slot): hex(value) for slot, value in contract.storage}
    return alloc


def _read_params(found: object, where: str) -> ChainParams:
    given = dict(_object(found, where, _PARAMS))
    for name, value in given.items():
        path = f"{where}.{name}"
        if name == "fork":
            given[name] = _read_fork(value, path)
        elif name == "blobs":
            given[name] = _read_blobs(value, path)
        elif name == "upgrades":
            given[name] = tuple(
                [
                    _read_upgrade(each, f"{path}[{position}]")
                    for position, each in enumerate(_list(value, path))
                ]
            )
        elif name == "governance":
            given[name] = parse_address(_text(value, path))
        elif name == "block_access_list":
            if not isinstance(value, bool):
                raise InvalidInput(path, "true or false", repr(value)[:60])
        elif name in _TEXTS:
            given[name] = _text(value, path)
        else:
            given[name] = read_number(value, path, 128)
    return ChainParams(**given)


def _read_upgrade(found: object, where: str) -> Upgrade:
    given = _object(found, where, _UPGRADE)
    return Upgrade(
        read_number(_required(given, "timestamp", where), f"{where}.timestamp", 64),
        _read_fork(_required(given, "fork", where), f"{where}.fork"),
        _read_blobs(given.get("blobs"), f"{where}.blobs"),
    )


def _read_fork(found: object, where: str) -> Fork:
    if not isinstance(found, str) or found not in Fork.__members__:
        raise InvalidInput(where, f"one of {', '.join(Fork.__members__)}", repr(found)[:60])
    return Fork[found]


def _read_blobs(found: object, where: str) -> BlobSchedule | None:
    if found is None:
        return None
    given = _object(found, where, _BLOBS)
    numbers = [read_number(_required(given, name, where), f"{where}.{name}", 63) for name in _BLOBS]
    return BlobSchedule(*numbers)


def _read_member(found: object, where: str) -> Member:
    given = _object(found, where, _MEMBER)
    return Member(
        NodeId(read_number(_required(given, "node", where), f"{where}.node", 32)),
        _read_bytes(_required(given, "public_key", where), f"{where}.public_key"),
        _read_bytes(given.get("aggregate_key", "0x"), f"{where}.aggregate_key"),
        _read_bytes(given.get("possession", "0x"), f"{where}.possession"),
    )


def _read_bytes(found: object, where: str) -> bytes:
    text = _text(found, where)
    try:
        if text[:2] in ("0x", "0X"):
            return bytes.fromhex(text[2:])
    except ValueError:
        pass
    raise InvalidInput(where, "bytes in hexadecimal with 0x", repr(text)[:60])


def _object(found: object, where: str, known: tuple[str, ...]) -> Mapping[str, Any]:
    if not isinstance(found, dict):
        raise InvalidInput(where, "a JSON object", repr(found)[:60])
    for name in found:
        if name not in known:
            raise InvalidInput(f"{where}.{name}", f"one of {', '.join(known)}", "this name")
    return found


def _list(found: object, where: str) -> list[Any]:
    if not isinstance(found, list):
        raise InvalidInput(where, "a list", repr(found)[:60])
    return found


def _text(found: object, where: str) -> str:
    if not isinstance(found, str):
        raise InvalidInput(where, "text", repr(found)[:60])
    return found


def _required(given: Mapping[str, Any], name: str, where: str) -> Any:
    if given.get(name) is None:
        raise InvalidInput(f"{where}.{name}", "a value", "none")
    return given[name]
