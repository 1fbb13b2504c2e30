"""A memo that several threads fill at once."""

from node.shared import Memo
from tests.unit.storage.threads import together

KEYS, ROUNDS = 64, 200


def test_a_memo_is_whole_however_threads_fill_it() -> None:
    memo: Memo[int, int] = Memo(8, 1_000, lambda key: 1)

    def fill(number: int) -> None:
        for turn in range(ROUNDS):
            for key in range(KEYS):
                memo.put(key, -key)
                found = memo.get((key + number + turn) % KEYS)
                assert found is None or found <= 0

    together(4, fill)
    assert 0 < len(memo) <= 8
    for key in range(KEYS):
        memo.put(-1 - key, key)
    assert [memo.get(-1 - key) for key in range(KEYS)] == [None] * (KEYS - 8) + [
        *range(KEYS - 8, KEYS)
    ]
    assert not any(memo.get(key) for key in range(1, KEYS)), "what is forgotten is forgotten"
