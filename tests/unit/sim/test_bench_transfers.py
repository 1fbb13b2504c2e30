"""The benchmark of payments validates real blocks and tells its parts."""

from bench import transfers_row


def test_payments_are_timed_whole_and_by_part() -> None:
    row = transfers_row.run(accounts=50, transactions=20, blocks=2)
    assert (row["accounts"], row["transactions"]) == (50, 20)
    assert row["known_per_second"] > row["recovered_per_second"] > 0  # type: ignore[operator]
    assert all(row[f"{part}_us"] > 0 for part in (*transfers_row.PARTS, "recovery"))  # type: ignore[operator]
