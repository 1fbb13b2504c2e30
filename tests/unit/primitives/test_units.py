import re
from collections.abc import Callable

import pytest
from hypothesis import given, strategies as st

from primitives import units
from primitives.errors import InvalidInput


@pytest.mark.parametrize(
    ("text", "nanoseconds"),
    [
        ("0s", 0),
        ("7ns", 7),
        ("250us", 250_000),
        ("250ms", 250_000_000),
        ("250 ms", 250_000_000),
        ("1.5s", 1_500_000_000),
        ("0.000000001s", 1),
        ("2min", 120_000_000_000),
        ("1h", 3_600_000_000_000),
    ],
)
def test_durations(text: str, nanoseconds: int) -> None:
    assert units.parse_duration(text) == nanoseconds


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("0B", 0),
        ("1kB", 1_000),
        ("1KiB", 1_024),
        ("1MiB", 2**20),
        ("1.5MB", 1_500_000),
        ("2GiB", 2**31),
    ],
)
def test_sizes(text: str, size: int) -> None:
    assert units.parse_bytes(text) == size


@pytest.mark.parametrize(
    ("text", "bits"),
    [("8bit", 8), ("56kbit", 56_000), ("10Mbit", 10**7), ("2.5Gbit", 2_500_000_000)],
)
def test_bandwidths_are_bits_a_second(text: str, bits: int) -> None:
    assert units.parse_bandwidth(text) == bits


@pytest.mark.parametrize(
    ("text", "wei"),
    [
        ("7 wei", 7),
        ("30 gwei", 30 * 10**9),
        ("1.5 ether", 1_500_000_000_000_000_000),
        ("0.000000000000000001 ether", 1),
        (f"{2**256 - 1} wei", 2**256 - 1),
    ],
)
def test_amounts(text: str, wei: int) -> None:
    assert units.parse_amount(text) == wei


@pytest.mark.parametrize(
    ("parse", "text", "message"),
    [
        (
            units.parse_duration,
            "250",
            "duration: expected a number and one of ns, us, ms, s, min, h",
        ),
        (units.parse_duration, "10 parsecs", 'one of ns, us, ms, s, min, h, as in "250ms", got'),
        (units.parse_duration, "-1s", "got '-1s'"),
        (units.parse_duration, "1e3s", "got '1e3s'"),
        (units.parse_duration, "1.s", "got '1.s'"),
        (units.parse_duration, " 1s", "got ' 1s'"),
        (units.parse_duration, "1  s", "got '1  s'"),
        (units.parse_duration, "\u0661s", "got '\u0661s'"),
        (units.parse_duration, "1MS", "got '1MS'"),
        (units.parse_duration, "0.5ns", "duration: expected a whole number of ns, got '0.5ns'"),
        (
            units.parse_bytes,
            "1Mb",
            "size: expected a number and one of B, kB, KiB, MB, MiB, GB, GiB",
        ),
        (units.parse_bytes, "0.5B", "size: expected a whole number of B, got '0.5B'"),
        (units.parse_bandwidth, "10MB", "bandwidth: expected a number and one of bit, kbit, Mbit"),
        (units.parse_amount, "1 eth", "one of wei, gwei, ether, as in \"1.5 ether\", got '1 eth'"),
        (units.parse_amount, "0.1 wei", "amount: expected a whole number of wei, got '0.1 wei'"),
        (units.parse_amount, "", "amount: expected a number and one of wei, gwei, ether"),
    ],
)
def test_bad_text_is_refused(parse: Callable[[str], int], text: str, message: str) -> None:
    with pytest.raises(InvalidInput, match=re.escape(message)):
        parse(text)


def test_long_text_is_refused_in_few_words() -> None:
    with pytest.raises(InvalidInput) as caught:
        units.parse_duration("9" * 100_000 + "s")
    assert len(str(caught.value)) < 250


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (units.format_duration(250_000_000), "250ms"),
        (units.format_duration(90_000_000_000), "90s"),
        (units.format_duration(0), "0ns"),
        (units.format_bytes(2**20), "1MiB"),
        (units.format_bytes(200_000), "200kB"),
        (units.format_bytes(1_025), "1025B"),
        (units.format_bandwidth(10**7), "10Mbit"),
        (units.format_amount(30 * 10**9), "30 gwei"),
        (units.format_amount(10**18), "1 ether"),
        (units.format_amount(10**18 + 1), "1000000000000000001 wei"),
    ],
)
def test_formats_use_the_largest_exact_unit(text: str, expected: str) -> None:
    assert text == expected


@given(st.integers(0, 2**256 - 1))
def test_what_is_formatted_parses_to_the_same(value: int) -> None:
    assert units.parse_duration(units.format_duration(value)) == value
    assert units.parse_bytes(units.format_bytes(value)) == value
    assert units.parse_bandwidth(units.format_bandwidth(value)) == value
    assert units.parse_amount(units.format_amount(value)) == value
