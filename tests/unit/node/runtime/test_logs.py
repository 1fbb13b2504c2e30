"""The log: lines for people and for programs, levels, rates, a reader that is gone."""

import errno
import io
import json
import sys
from pathlib import Path

import pytest

from network.handshake_messages import PeerRole
from network.transport import DropReason, PeerClosed, PeerOpened
from node.runtime.logs import (
    BURST,
    SECOND_NS,
    Allowance,
    Field,
    Form,
    Level,
    Line,
    Log,
    format_line,
)
from node.runtime.reporting import LEVELS, SUMMARY_NS, Reporter
from node.settings import LogSettings
from node.trace import BlockCommitted, BlockRefused, TransactionSubmitted
from primitives.ids import Duration, Instant, NodeId

AT = 1_700_000_000_123_456_789


class Stalled(io.StringIO):
    """A pipe whose reader is gone."""

    def write(self, _text: str) -> int:
        raise BrokenPipeError


def lines(path: Path) -> list[str]:
    return path.read_text().splitlines()


def log_to(path: Path, **settings: object) -> Log:
    return Log(LogSettings(**settings), path, clock=lambda: AT)  # type: ignore[arg-type]


def committed(height: int, transactions: int = 2) -> BlockCommitted:
    return BlockCommitted(height, b"d" * 32, b"p" * 32, 1, transactions, 42_000, 500)


CONSOLE = (
    "2023-11-14T22:13:20.123Z warning peer.scored                  "
    'peer=3 why="a lie" hash=0x64646464… gone=True list=[1,2] empty=""\n'
)
JSON = (
    '{"at":"2023-11-14T22:13:20.123Z","level":"warning","event":"peer.scored","peer":3,'
    f'"why":"a lie","hash":"0x{"64" * 32}","gone":true,"list":[1,2],"empty":""}}\n'
)
FIELDS: dict[str, Field] = {
    "peer": 3,
    "why": "a lie",
    "hash": b"d" * 32,
    "gone": True,
    "list": [1, 2],
    "empty": "",
}


@pytest.mark.parametrize(("form", "text"), [("console", CONSOLE), ("json", JSON)])
def test_a_line_is_for_people_or_for_programs(form: Form, text: str) -> None:
    assert format_line(Line(AT, Level.WARNING, "peer.scored", FIELDS), form) == text


@pytest.mark.parametrize("form", ["console", "json"])
def test_what_a_peer_says_cannot_make_a_line_of_its_own(form: Form) -> None:
    hostile = 'x\n2023-11-14 error fake "\x1b[31m'
    text = format_line(Line(AT, Level.INFO, "n", {"detail": hostile}), form)
    assert text.count("\n") == 1
    assert "\x1b" not in text
    long = format_line(Line(AT, Level.INFO, "n", {"detail": "y" * 10_000}), form)
    assert len(long) < 700


@pytest.mark.parametrize("form", ["console", "json"])
@pytest.mark.parametrize(
    "text", ["a\x9b31mred", "a\u202eb", "a\x7fb", "a\u2028b", "a\ud800b", "a\U000e0001b"], ids=ascii
)
def test_what_a_peer_says_cannot_steer_a_terminal(form: Form, text: str) -> None:
    line = format_line(Line(AT, Level.INFO, "x", {"t": text}), form)
    assert line[:-1].isprintable()
    if form == "json":
        told = json.loads(line)["t"]
        assert told == text.encode("utf-8", "backslashreplace").decode()


def test_lines_below_the_level_are_left_out(tmp_path: Path) -> None:
    log = log_to(tmp_path / "log", level="warning")
    log.write(Level.INFO, "a")
    log.write(Level.WARNING, "b")
    log.close()
    assert [line.split()[2] for line in lines(tmp_path / "log")] == ["b"]


def test_a_kind_has_its_rate_and_says_what_was_left_out() -> None:
    allowance, now = Allowance(2), 10**18
    taken = [allowance.take("a", now)[0] for _ in range(2 * BURST + 3)]
    assert taken == [True] * (2 * BURST) + [False] * 3
    assert allowance.take("b", now) == (True, 0)
    assert allowance.take("a", now + SECOND_NS // 2) == (True, 3)
    assert allowance.take("a", now + SECOND_NS // 2) == (False, 0)


def test_a_clock_that_is_set_back_silences_nobody() -> None:
    allowance = Allowance(per_second=2)
    assert allowance.take("a", AT) == (True, 0)
    assert allowance.take("a", AT - 3_600 * SECOND_NS) == (True, 0)


def test_what_was_left_out_is_counted_in_a_line_before_the_next(tmp_path: Path) -> None:
    at = [AT]
    log = Log(LogSettings(form="json", lines_per_second=1), tmp_path / "log", lambda: at[0])
    for number in range(BURST + 4):
        log.write(Level.INFO, "a", number=number)
    at[0] += SECOND_NS
    log.write(Level.INFO, "a", number=99)
    log.close()
    told = [json.loads(line) for line in lines(tmp_path / "log")]
    assert [line.get("number") for line in told] == [*range(BURST), None, 99]
    assert told[-2]["left_out"] == 4


def test_an_end_is_explained_whatever_the_rate(tmp_path: Path) -> None:
    log = log_to(tmp_path / "log", form="json", lines_per_second=1)
    for number in range(20):
        log.insist(Level.ERROR, "process.trace", line=str(number))
    log.close()
    assert [json.loads(line)["line"] for line in lines(tmp_path / "log")] == [*map(str, range(20))]


def test_what_was_left_out_at_last_is_said_at_the_end(tmp_path: Path) -> None:
    log = log_to(tmp_path / "log", form="json", lines_per_second=1, level="error")
    for _ in range(BURST + 3):
        log.write(Level.ERROR, "a")
        log.write(Level.INFO, "b")
    log.close()
    told = [json.loads(line) for line in lines(tmp_path / "log")]
    assert len(told) == BURST + 1
    assert (told[-1]["event"], told[-1]["left_out"]) == ("a", 3)


def test_a_reader_that_is_gone_does_not_stop_the_node(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stderr", Stalled())
    log = Log(LogSettings())
    log.write(Level.INFO, "a")
    log.close()
    assert log.lost == 1


def test_a_moved_file_is_opened_anew(tmp_path: Path) -> None:
    log = log_to(tmp_path / "log")
    log.write(Level.INFO, "a")
    log.reopen()
    log.write(Level.INFO, "b")
    log.close()
    assert [line.split()[2] for line in lines(tmp_path / "log")] == ["a", "b"]
    log = log_to(tmp_path / "log")
    (tmp_path / "log").rename(tmp_path / "old")
    log.reopen()
    log.write(Level.INFO, "c")
    log.close()
    assert [line.split()[2] for line in lines(tmp_path / "log")] == ["c"]


class Full(io.StringIO):
    """A file on a disk that has no room for the last lines."""

    def close(self) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")


def test_a_disk_that_was_full_keeps_nobody_from_a_new_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    streams: list[io.StringIO] = [Full(), io.StringIO()]
    monkeypatch.setattr("node.runtime.logs._opened", lambda _file: streams.pop(0))
    kept = streams[1]
    log = log_to(tmp_path / "log", form="json")
    log.reopen()
    log.write(Level.INFO, "after")
    monkeypatch.setattr(kept, "close", lambda: None)
    log.close()
    assert json.loads(kept.getvalue())["event"] == "after"


def test_the_chain_is_summed_up_and_chatter_left_out(tmp_path: Path) -> None:
    log = log_to(tmp_path / "log", form="json")
    reporter = Reporter(log)
    start = Instant(10**18)
    reporter.event(start, TransactionSubmitted(b"t"))
    for height in range(1, 6):
        reporter.event(Instant(start + height), committed(height))
    reporter.event(Instant(start + SUMMARY_NS + 1), committed(6))
    reporter.event(start, BlockRefused(9, b"d" * 32, "gas used"))
    log.close()
    told = [json.loads(line) for line in lines(tmp_path / "log")]
    assert [line["event"] for line in told] == ["chain.grown", "chain.grown", "chain.block_refused"]
    assert (told[0]["blocks"], told[1]["blocks"], told[1]["transactions"]) == (1, 5, 10)
    assert told[1]["height"] == 6


def test_blocks_have_a_line_each_when_debugging(tmp_path: Path) -> None:
    log = log_to(tmp_path / "log", form="json", level="debug")
    Reporter(log).event(Instant(1), committed(1))
    log.close()
    assert json.loads(lines(tmp_path / "log")[-1])["digest"] == "0x" + "64" * 32
    assert LEVELS[BlockCommitted] is Level.DEBUG


def test_a_line_of_the_transport_has_words_and_units(tmp_path: Path) -> None:
    log = log_to(tmp_path / "log", form="json")
    reporter = Reporter(log)
    reporter.on_event(PeerOpened(NodeId(4), PeerRole.FOLLOWER, "127.0.0.1:1", dialled=False))
    reason = DropReason.SHUTDOWN
    reporter.on_event(PeerClosed(NodeId(4), "127.0.0.1:1", reason, "", Duration(7)))
    log.close()
    opened, closed = (json.loads(line) for line in lines(tmp_path / "log"))
    assert opened["role"] == "follower"
    assert closed["lasted_ns"] == 7
