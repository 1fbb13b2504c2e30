"""Public transaction vectors: decoding, hash, sender, intrinsic gas and refusals, per fork."""

from pathlib import Path
from typing import Any

from primitives.transaction import encode_transaction, transaction_hash
from tests.conformance.material import FORKS, from_hex, number, read_files, report
from tests.conformance.transaction_cases import MAINNET, Accepted, judge, wrong_reason

CASE_KEYS = {"_info", "result", "txbytes"}
RESULT_KEYS = {"exception", "hash", "intrinsicGas", "sender"}


def test_transaction_vectors(vectors: Path) -> None:
    failures: list[str] = []
    cases = 0
    for path, content in read_files(vectors / "ethereum" / "transaction"):
        for name, case in content.items():
            if not CASE_KEYS.issuperset(case):
                failures.append(f"{path.name} {name}: unknown keys {sorted(case)}")
                continue
            for fork, expected in case["result"].items():
                cases += 1
                problem = _problem(from_hex(case["txbytes"]), fork, expected)
                if problem:
                    failures.append(f"{path.parent.name} {name} {fork}: {problem}")
    report(failures, cases)


def _problem(raw: bytes, fork: str, expected: dict[str, Any]) -> str | None:
    if fork not in FORKS:
        return "unknown fork"
    if not RESULT_KEYS.issuperset(expected):
        return f"unknown keys {sorted(expected)}"
    outcome = judge(raw, FORKS[fork])
    if "exception" in expected:
        return wrong_reason(expected["exception"], outcome, raw, FORKS[fork])
    if not isinstance(outcome, Accepted):
        return f"refused: {outcome}"
    tx, gas, sender = outcome
    found = (transaction_hash(raw), sender, int(gas.minimum), encode_transaction(tx))
    wanted = (
        from_hex(expected["hash"]),
        from_hex(expected["sender"]),
        number(expected["intrinsicGas"]),
        raw,
    )
    return None if found == wanted else f"found {found}, expected {wanted}"


def test_transactions_of_state_tests(vectors: Path) -> None:
    """State tests carry their transactions as bytes, of all five types and up to Osaka."""
    failures: list[str] = []
    cases = 0
    groups = ("cancun", "shanghai-berlin", "prague-osaka", "precompiles")
    for _, content in read_files(*[vectors / "ethereum" / group for group in groups]):
        for name, case in content.items():
            sender = from_hex(case["transaction"]["sender"])
            for fork, posts in case["post"].items():
                for post in posts:
                    cases += 1
                    problem = _state_problem(post, fork, sender)
                    if problem:
                        failures.append(f"{name} {fork}: {problem}")
    report(failures, cases)


def _state_problem(post: dict[str, Any], fork: str, sender: bytes) -> str | None:
    if fork not in FORKS:
        return "unknown fork"
    raw = from_hex(post["txbytes"])
    outcome = judge(raw, FORKS[fork], MAINNET)
    if "expectException" in post:
        return wrong_reason(post["expectException"], outcome, raw, FORKS[fork])
    if not isinstance(outcome, Accepted):
        return f"refused: {outcome}"
    tx, _, recovered = outcome
    if recovered != sender:
        return f"sender {recovered.hex()}, expected {sender.hex()}"
    return None if encode_transaction(tx) == raw else "encodes to other bytes"
