"""docs/guides/metrics.md says what the code does."""

from node.observe.confirmation import WAITING_MAX
from node.observe.health import DEFAULT_PATIENCE
from node.runtime.observatory import ACTIONS
from tests.unit.node.observe.guide_table import GUIDE, with_table


def test_the_table_of_families_is_that_of_the_code() -> None:
    text = GUIDE.read_text("utf-8")
    expected = "run `python -m tests.unit.node.observe.guide_table` and read what it changes"
    assert text == with_table(text), expected


def test_numbers_and_words_are_those_of_the_code() -> None:
    text = GUIDE.read_text("utf-8")
    assert f"{WAITING_MAX:,} that wait" in text
    assert f"waiting for {DEFAULT_PATIENCE.standstill_ns_max // 10**9} s in which" in text.replace(
        "\n  ", " "
    )
    for action in ACTIONS:
        assert f'`"{action}"`' in text
