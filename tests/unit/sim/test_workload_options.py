"""Options of workloads: every mistake is named with its key and the rule."""

import pytest

from primitives.errors import InvalidInput
from sim.scenario.load import Transfers
from sim.scenario.workload import Replay, workload_options
from sim.workload import ReplayOptions, TransferOptions, decode_options
from sim.workload.options import MAX_FEE_MAX, fee_ceiling

RATE = {"rate": 10.0}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, r"workload\.rate: expected either rate \(open loop\) or clients"),
        ({"rate": 1.0, "clients": 2}, r"workload\.rate: expected either rate"),
        ({"rate": 0.0}, r"workload\.rate: expected above 0 .* got 0\.0"),
        ({"rate": -3.0}, r"workload\.rate: expected above 0 .* got -3\.0"),
        ({"rate": float("nan")}, r"workload\.rate: expected above 0 .* got nan"),
        ({"clients": 0}, r"workload\.clients: expected at least 1, got 0"),
        ({**RATE, "accounts": 0}, r"workload\.accounts: expected at least 1, got 0"),
        ({**RATE, "balance": 0}, r"workload\.balance: expected above 0 wei, got 0"),
        ({**RATE, "value_min": 5, "value_max": 4}, r"workload\.value_min: .* got 5 and 4"),
        ({**RATE, "value_max": 2**63}, r"workload\.value_min: .* <= 9223372036854775807 wei"),
        ({**RATE, "tip_min": -1}, r"workload\.tip_min: expected 0 <= tip_min"),
        ({**RATE, "skew": -0.1}, r"workload\.skew: expected from 0 to 10, got -0\.1"),
        ({**RATE, "receiver_skew": 11.0}, r"workload\.receiver_skew: expected from 0 to 10"),
        ({**RATE, "fee_headroom": 0.5}, r"workload\.fee_headroom: expected at least 1"),
        ({**RATE, "in_flight_max": 0}, r"workload\.in_flight_max: expected at least 1"),
        ({**RATE, "start": -1}, r"workload\.start: expected 0 or later"),
        ({**RATE, "start": 5, "stop": 5}, r"workload\.stop: expected a later instant than start"),
        ({**RATE, "resend_after": -1}, r"workload\.resend_after: expected 0 or longer"),
        ({"clients": 1, "think_time": -1}, r"workload\.think_time: expected 0 or longer"),
        (
            {"clients": 1, "ramp": {"to": 1.0, "start": 0, "end": 1}},
            r"workload\.ramp: expected rate beside ramp and bursts",
        ),
        ({**RATE, "ramp": {"to": -1.0, "start": 0, "end": 1}}, r"workload\.ramp\.to"),
        ({**RATE, "ramp": {"to": 1.0, "start": 2, "end": 1}}, r"workload\.ramp\.end"),
        (
            {**RATE, "bursts": [{"factor": 2.0, "start": 0, "length": 0}]},
            r"workload\.bursts\[0\]\.length: expected above 0",
        ),
        (
            {**RATE, "bursts": [{"factor": -2.0, "start": 0, "length": 1}]},
            r"workload\.bursts\[0\]\.factor: expected 0 or more",
        ),
        (
            {**RATE, "spacing": "uniform"},
            r'workload\.spacing: expected one of "fixed", "poisson", got "uniform"',
        ),
        ({**RATE, "burst": []}, r'workload\.burst: .* unknown key; did you mean "bursts"\?'),
        ({"rate": "fast"}, r'workload\.rate: expected a number, got "fast"'),
    ],
)
def test_a_wrong_transfer_option_is_refused_by_name(options, message):
    with pytest.raises(InvalidInput, match=message):
        decode_options(TransferOptions, options)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({}, r"workload\.replay: expected text in quotes, got nothing"),
        ({"replay": "x", "rate": 0.0}, r"workload\.rate: expected above 0"),
        (
            {"replay": "x", "clients": 3},
            r"workload\.clients: expected one of replay, .*an unknown key",
        ),
    ],
)
def test_a_wrong_replay_option_is_refused_by_name(options, message):
    with pytest.raises(InvalidInput, match=message):
        decode_options(ReplayOptions, options)


def test_defaults_are_those_of_the_scenario_file():
    """Two places spell the defaults out: the file format, and the workload itself."""
    kind, table = workload_options(Transfers(rate=7.0))
    assert kind == "transfers"
    assert decode_options(TransferOptions, table) == TransferOptions(rate=7.0)
    kind, table = workload_options(Replay(replay="file"))
    assert kind == "replay"
    assert decode_options(ReplayOptions, table) == ReplayOptions(replay="file")


def test_amounts_beyond_64_bits_are_kept():
    assert decode_options(TransferOptions, {**RATE, "balance": 10**30}).balance == 10**30


def test_fee_ceiling_leaves_all_transactions_in_flight_affordable():
    options = TransferOptions(rate=1.0, balance=10**18, in_flight_max=10)
    assert 0 < fee_ceiling(options) * 21_000 * 10 <= 10**18
    assert fee_ceiling(TransferOptions(rate=1.0, balance=10**60)) == MAX_FEE_MAX
