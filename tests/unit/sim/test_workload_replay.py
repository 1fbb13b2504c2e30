"""Replay: files signed by somebody else's library are sent as they are; a bad line is named."""

from itertools import pairwise
from pathlib import Path

import pytest
from eth_account import Account

from primitives.errors import InvalidInput
from primitives.ids import Instant, Wei
from primitives.transaction import decode_transaction, transaction_hash
from sim.workload import Replay, make_replay
from sim.workload.replay import read_replay
from tests.unit.sim.workload_worlds import SECOND, View, context, drive

KEYS = [bytes([number]) * 32 for number in (1, 2, 3)]


def signed(sender: int, nonce: int, kind: int = 2, chain_id: int | None = 1337) -> bytes:
    fields: dict[str, object] = {
        "nonce": nonce,
        "gas": 21_000,
        "to": "0x" + "11" * 20,
        "value": 5,
        "data": b"",
    }
    if chain_id is not None:
        fields["chainId"] = chain_id
    if kind == 2:
        fields |= {"maxFeePerGas": 10**10, "maxPriorityFeePerGas": 10**9, "type": 2}
    elif kind == 1:
        fields |= {"gasPrice": 10**10, "accessList": [], "type": 1}
    else:
        fields |= {"gasPrice": 10**10}
    return bytes(Account.sign_transaction(fields, KEYS[sender]).raw_transaction)


def write(path: Path, *lines: str) -> Path:
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def replay(tmp_path: Path, raws: list[bytes], **options: object) -> Replay:
    write(tmp_path / "t.hex", *(raw.hex() for raw in raws))
    return make_replay({"replay": "t.hex", **options}, context(directory=tmp_path))


RAWS = [signed(0, 0), signed(1, 0, kind=1), signed(0, 1, kind=0), signed(2, 0), signed(1, 1)]


def test_lines_are_sent_unchanged_in_file_order_at_the_rate(tmp_path):
    sent = drive(replay(tmp_path, RAWS, rate=2.0))
    assert [each.raw for each in sent] == RAWS
    assert [each.at_ns for each in sent] == [SECOND * k // 2 for k in range(1, 6)]


def test_a_sender_stays_with_its_node(tmp_path):
    assert [each.node for each in drive(replay(tmp_path, RAWS))] == [0, 1, 0, 2, 1]


def test_senders_are_funded_once_each(tmp_path):
    workload = replay(tmp_path, RAWS, balance=77)
    assert list(workload.alloc) == [
        (bytes.fromhex(Account.from_key(key).address[2:]), Wei(77)) for key in KEYS
    ]


def test_the_run_ends_a_file_that_is_too_long(tmp_path):
    workload = replay(tmp_path, RAWS, rate=0.25)
    assert len(drive(workload, until=60)) == 2


def test_a_lost_line_is_repeated_and_a_committed_one_is_not(tmp_path):
    workload = replay(tmp_path, RAWS[:2], rate=10.0, resend_after=SECOND)
    first = workload.due(Instant(SECOND // 2), View())
    assert [each.raw for each in first] == RAWS[:2]
    workload.on_committed(Instant(SECOND), [transaction_hash(RAWS[0])])
    again = workload.due(Instant(2 * SECOND), View())
    assert [(each.raw, each.node) for each in again] == [(RAWS[1], 2)]


def test_poisson_spacing_repeats_with_its_seed(tmp_path):
    first, second = (drive(replay(tmp_path, RAWS, spacing="poisson")) for _ in range(2))
    assert first == second
    assert len({b.at_ns - a.at_ns for a, b in pairwise(first)}) > 1


def test_prefix_comments_blank_lines_and_windows_ends_are_read(tmp_path):
    lines = ["# by hand", "", "0x" + RAWS[0].hex() + "\r", "  " + RAWS[1].hex() + "  "]
    found = read_replay(write(tmp_path / "t.hex", *lines), 1337)
    assert [each.raw for each in found] == RAWS[:2]
    assert found[0].digest == transaction_hash(RAWS[0])


def test_legacy_transaction_without_chain_id_fits_every_chain(tmp_path):
    raw = signed(0, 0, kind=0, chain_id=None)
    assert decode_transaction(raw).chain_id is None
    assert len(read_replay(write(tmp_path / "t.hex", raw.hex()), 99)) == 1


BAD_SIGNATURE = RAWS[0][:-32] + b"\xff" * 32


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("xyz", r"t\.hex:3: expected one transaction in hex, got 'xyz'"),
        ("0x123", r"t\.hex:3: expected one transaction in hex"),
        ("zz" * 80, r"t\.hex:3: .* got 'z{40}\.\.\.'"),
        ("02" + "ff" * 10, r"t\.hex:3: expected a signed transaction \("),
        (RAWS[0].hex()[:-2], r"t\.hex:3: expected a signed transaction \("),
        (RAWS[0].hex() + "00", r"t\.hex:3: expected a signed transaction \("),
        (BAD_SIGNATURE.hex(), r"t\.hex:3: expected a signed transaction \(.*signature|\.s"),
        (signed(0, 0, chain_id=5).hex(), r"t\.hex:3: expected chain id 1337, got 5"),
    ],
)
def test_a_bad_line_is_named(tmp_path, line, message):
    path = write(tmp_path / "t.hex", "# first", RAWS[0].hex(), line, RAWS[1].hex())
    with pytest.raises(InvalidInput, match=message):
        read_replay(path, 1337)


def test_missing_empty_and_binary_files_are_refused(tmp_path):
    with pytest.raises(InvalidInput, match=r"none\.hex: expected a readable text file"):
        read_replay(tmp_path / "none.hex", 1337)
    with pytest.raises(InvalidInput, match="expected at least one transaction, got none"):
        read_replay(write(tmp_path / "empty.hex", "# nothing"), 1337)
    (tmp_path / "binary.hex").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(InvalidInput, match="expected a readable text file"):
        read_replay(tmp_path / "binary.hex", 1337)
