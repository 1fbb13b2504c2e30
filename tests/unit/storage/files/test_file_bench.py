"""The benchmark of files on small ones: all its rows, and what it checks by itself."""

from bench.file_row import run


def test_it_has_all_rows() -> None:
    report = run(file_bytes=1 << 22, pieces=200, archive_bytes=1 << 20, rounds=1)
    assert [row["case"] for row in report["rows"]] == [
        "one at a time, cold",
        "batched, cold",
        "batched, O_DIRECT, cold",
        "one at a time, warm",
        "batched, warm",
        "plain write",
        "archive append",
        "append, synced by 64",
        "append, zstandard",
        "plain read",
        "archive verify",
        "archive scan",
    ]
    assert all(row["wall_ms"] > 0 and row["pieces"] for row in report["rows"])
