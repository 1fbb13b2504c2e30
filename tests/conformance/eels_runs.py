"""Cases executed by EELS in a process of its own and by us here, and what differs."""

import json
import os
import subprocess
from collections.abc import Mapping
from types import TracebackType
from typing import Any

from bench.evm_peers import PEERS_PYTHON
from bench.peers.case import Case
from bench.peers.cases import ROOT
from bench.peers.orrery_row import layer_of
from contracts.context import BlockContext
from contracts.evm import Evm
from contracts.kzg import KzgVerifier
from contracts.transaction import execute_transaction
from node.execution_blob_gas import blob_base_fee, blob_gas_max
from primitives.fork import Fork
from primitives.ids import Address, Gas, Hash32, Wei
from primitives.kzg import CkzgVerifier
from primitives.params import ChainParams
from primitives.transaction import (
    InvalidTransaction,
    check_static,
    decode_transaction,
    recover_sender,
)
from storage.journal import Journal
from storage.state import StateOverlay
from tests.conformance.eels_worlds import block_hash


class Judge:
    """EELS, in its own environment; a context manager, because it is a process."""

    def __enter__(self) -> "Judge":
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        self._process = subprocess.Popen(
            [str(PEERS_PYTHON), "-P", "-m", "bench.peers.eels_judge"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=environment,
        )
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait(timeout=60)
        self._process.stdout.close()

    def __call__(self, case: Case) -> dict[str, Any]:
        """Return what EELS says of a case."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(case) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        assert line, "EELS has ended; its last words stand above"
        answer: dict[str, Any] = json.loads(line)
        return answer


class Ours:
    """Our machine, with code kept from case to case as a node keeps it."""

    def __init__(self) -> None:
        self._kzg = CkzgVerifier()
        self._machines: dict[tuple[Fork, int], Evm] = {}

    def __call__(self, case: Case, stepped_runs: int = 48) -> dict[str, Any]:
        """Return the same as the judge."""
        fork = Fork[case["fork"].upper()]
        evm = self._machines.setdefault((fork, stepped_runs), Evm(fork, stepped_runs=stepped_runs))
        params = ChainParams(chain_id=1, fork=fork)
        block = context_of(case, params, self._kzg)
        overlay = StateOverlay(layer_of(case))
        gas_left, blob_gas_left = int(block.gas_limit), int(blob_gas_max(params))
        results: list[dict[str, Any]] = []
        for each in case["transactions"]:
            journal = Journal(overlay)
            try:
                raw = bytes.fromhex(each["raw"])
                tx = decode_transaction(raw, fork)
                check_static(tx, 1, fork)
                sender = recover_sender(tx, raw, fork)
                result = execute_transaction(
                    evm, journal, tx, sender, block, gas_left, blob_gas_left
                )
            except InvalidTransaction as error:
                results.append({"refused": f"{type(error).__name__} {error}"})
                continue
            outcome = journal.finish()
            assert overlay.accepts(outcome), "an outcome is not accepted where it was made"
            overlay.apply(outcome)
            gas_left -= result.gas_used
            blob_gas_left -= result.blob_gas_used
            logs = [
                [x.address.hex(), [t.hex() for t in x.topics], x.data.hex()] for x in outcome.logs
            ]
            results.append(
                {
                    "refused": None,
                    "succeeded": result.succeeded,
                    "gas_used": result.gas_used,
                    "logs": logs,
                }
            )
        return {"results": results, "root": overlay.commit().root().hex()}


def context_of(case: Case, params: ChainParams, kzg: KzgVerifier | None) -> BlockContext:
    """Return the block of a case, as instructions see it."""
    header = case["header"]
    mixed = bytes.fromhex(header["mix_hash"])
    if params.fork < Fork.PARIS:
        mixed = header["difficulty"].to_bytes(32, "big")
    return BlockContext(
        fork=params.fork,
        chain_id=1,
        number=header["number"],
        timestamp=header["timestamp"],
        fee_recipient=Address(bytes.fromhex(header["coinbase"])),
        gas_limit=Gas(header["gas_limit"]),
        base_fee=Wei(header["base_fee"]),
        prev_randao=Hash32(mixed),
        blob_base_fee=blob_base_fee(header["excess_blob_gas"], params),
        block_hash=block_hash,
        kzg=kzg,
    )


def difference(ours: Mapping[str, Any], theirs: Mapping[str, Any]) -> str | None:
    """Return what differs first, None if nothing does. Reasons of refusals have other names."""
    for index, (mine, other) in enumerate(zip(ours["results"], theirs["results"], strict=True)):
        if (mine["refused"] is None) != (other["refused"] is None):
            return f"transaction {index}: refused {mine['refused']}, there {other['refused']}"
        if mine["refused"] is not None:
            continue
        for key in ("succeeded", "gas_used", "logs"):
            if mine[key] != other[key]:
                return f"transaction {index}: {key} {mine[key]}, there {other[key]}"
    if ours["root"] != theirs["root"]:
        return f"root {ours['root']}, there {theirs['root']}"
    return None
