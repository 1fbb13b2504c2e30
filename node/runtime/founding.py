"""The beginning of a chain: `python -m node.runtime.create` (`node.runtime.create`)."""

import argparse
import secrets
import sys
from collections.abc import Sequence
from pathlib import Path

from node.runtime.errors import ExitCode, read_text
from node.runtime.keys import write_secret
from node.settings import (
    ChainSettings,
    NetworkSettings,
    NodeSettings,
    OwnSettings,
    PeerSettings,
    RpcSettings,
    encode_settings,
    write_genesis,
)
from primitives.bls import BlsKey
from primitives.committee import Committee, Member
from primitives.errors import InvalidInput
from primitives.first_balance import parse_first_balance
from primitives.genesis import Genesis
from primitives.genesis_json import read_genesis
from primitives.ids import NodeId
from primitives.keys import SEED_BYTES, ValidatorKey
from primitives.params import ChainParams

NETWORK_PORT = 30_303
RPC_PORT = 8_545
"""Of node 0; the others have the ports after it."""
VALIDATORS_MAX = 10_000
"""As in scenarios."""
CHAIN_ID = 1_337


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the files; return the exit code."""
    given = _parser().parse_args(arguments)
    try:
        genesis_file = create(given)
    except InvalidInput as error:
        print(f"create: {error}", file=sys.stderr)  # noqa: T201
        return ExitCode.REFUSED
    print(f"{genesis_file}: a chain of {given.validators} validators; start each with")  # noqa: T201
    for node in range(given.validators):
        config = given.directory / f"node-{node}" / "config.toml"
        print(f"  python -m node.runtime {config}")  # noqa: T201
    return ExitCode.STOPPED


def create(given: argparse.Namespace) -> Path:
    """Write what the command line asks for, and return the genesis file.

    Raises:
        InvalidInput: what it says makes no chain, or there is one already.
    """
    directory: Path = given.directory
    target = directory / "genesis.json"
    if target.exists():
        raise InvalidInput(str(directory), "a directory without a chain", target.name)
    if not 1 <= given.validators <= VALIDATORS_MAX:
        raise InvalidInput("--validators", f"a number from 1 to {VALIDATORS_MAX}", given.validators)
    for home in (directory / f"node-{node}" for node in range(given.validators)):
        if home.exists():
            expected = "no such directory yet; remove what another founding has left"
            raise InvalidInput(str(home), expected, "one")
    bls = given.certificates == "bls"
    seeds = [secrets.token_bytes(SEED_BYTES) for _ in range(given.validators)]
    votes = [secrets.token_bytes(SEED_BYTES) for _ in range(given.validators if bls else 0)]
    genesis = _genesis(given, _committee(seeds, votes))
    try:
        directory.mkdir(parents=True, exist_ok=True)
        for node, seed in enumerate(seeds):
            home = directory / f"node-{node}"
            home.mkdir()
            write_secret(home / "node.key", seed.hex())
            if bls:
                write_secret(home / "vote.key", votes[node].hex())
            settings = _settings(given.host, node, given.validators, bls=bls)
            text = encode_settings(settings, defaults=False)
            (home / "config.toml").write_text(text, encoding="utf-8")
        target.write_text(write_genesis(genesis), encoding="utf-8")
    except OSError as error:
        expected = "a directory that can be written to"
        raise InvalidInput(str(directory), expected, error.strerror) from error
    return target


def _committee(seeds: Sequence[bytes], votes: Sequence[bytes]) -> Committee:
    keys = [ValidatorKey(seed).public_key for seed in seeds]
    if not votes:
        return Committee.of_keys(keys)
    pairs = [BlsKey(vote) for vote in votes]
    return Committee(
        tuple(
            [
                Member(NodeId(node), key, pairs[node].public_key, pairs[node].possession)
                for node, key in enumerate(keys)
            ]
        )
    )


def _genesis(given: argparse.Namespace, committee: Committee) -> Genesis:
    """Return the chain's beginning: from a file in go-ethereum's form, or from the accounts."""
    accounts = tuple([parse_first_balance(text) for text in given.account])
    if given.genesis is None:
        chain_id = CHAIN_ID if given.chain_id is None else given.chain_id
        params = ChainParams(chain_id=chain_id, certificates=given.certificates)
        return Genesis(params, accounts, committee)
    if accounts or given.chain_id is not None or given.certificates != "ed25519":
        expected = "no --account, --chain-id or --certificates beside it"
        raise InvalidInput("--genesis", expected, "one")
    return read_genesis(read_text(given.genesis, "--genesis"), committee, str(given.genesis))


def _settings(host: str, node: int, count: int, *, bls: bool) -> NodeSettings:
    peers = [
        PeerSettings(node=each, host=host, port=NETWORK_PORT + each)
        for each in range(count)
        if each != node
    ]
    return NodeSettings(
        node=OwnSettings(index=node, vote_key="vote.key" if bls else None),
        chain=ChainSettings(genesis="../genesis.json"),
        network=NetworkSettings(host=host, port=NETWORK_PORT + node, peers=tuple(peers)),
        rpc=RpcSettings(port=RPC_PORT + node),
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m node.runtime.create",
        description="Found a chain, and write what its nodes start from.",
        allow_abbrev=False,
    )
    parser.add_argument("directory", type=Path, metavar="DIR", help="where to; made if not there")
    parser.add_argument(
        "--validators", type=int, default=1, metavar="N", help="how many (default: 1)"
    )
    help_id = f"what wallets are told (default: {CHAIN_ID})"
    parser.add_argument("--chain-id", type=int, metavar="ID", help=help_id)
    parser.add_argument(
        "--certificates",
        choices=("ed25519", "bls"),
        default="ed25519",
        help="a signature of each signer, or one sum of all (default: ed25519)",
    )
    parser.add_argument(
        "--account",
        action="append",
        default=[],
        metavar="ADDRESS=AMOUNT",
        help='an account with its first balance, as in "0x12...=1000ether"; may be given again',
    )
    parser.add_argument(
        "--genesis",
        type=Path,
        metavar="FILE",
        help="parameters and accounts from a file in go-ethereum's form",
    )
    help_host = (
        "written into every configuration; edit those of nodes on other machines "
        "(default: 127.0.0.1)"
    )
    parser.add_argument("--host", default="127.0.0.1", help=help_host)
    return parser
