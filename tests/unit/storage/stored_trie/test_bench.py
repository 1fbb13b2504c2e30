"""The row of `orrery bench stored-trie`."""

from bench import stored_trie_row


def test_a_stored_trie_is_timed_beside_one_in_memory() -> None:
    row = stored_trie_row.run(accounts=600, changed=20, rounds=1)
    assert (row["accounts"], row["changed"]) == (600, 20)
    assert row["written_rows"] > 40
    assert row["written_bytes"] > 100 * row["written_rows"]
    assert all(row[name] >= 0 for name in stored_trie_row.HEADINGS)
