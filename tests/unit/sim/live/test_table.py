"""What a live network looks like."""

from io import StringIO

from rich.console import Console

from sim.live.events import Happening, sentence
from sim.live.table import NetworkFacts, line, live_table
from sim.live.watch import NodeFacts, NodeStatus

FOLLOWER = 3


def facts(node: int, state: str, *, pid: int | None = 100, answered: bool = True) -> NodeFacts:
    primary = None if node == FOLLOWER else 2
    status = NodeStatus(1_234, view=2, epoch=1, primary=primary, peers=3, pool=40)
    return NodeFacts(node, pid, state, status, answered, 12.0, 0.25, 100_000_000)


NETWORK = NetworkFacts(
    seconds=65.5,
    height=1_234,
    epoch=1,
    transactions=5_000,
    tps=80.0,
    nodes=(
        facts(0, "up"),
        facts(1, "stopped", answered=False),
        facts(2, "killed", pid=None, answered=False),
        facts(3, "up"),
    ),
)


def shown(what: object) -> str:
    console = Console(width=120, record=True, file=StringIO())
    console.print(what)
    return console.export_text()


def test_the_table_has_a_row_for_each_node():
    text = shown(live_table("dev", NETWORK))
    assert "height 1,234" in text
    rows = [row.split("│")[1:-1] for row in text.splitlines() if row.startswith("│")]
    cells = [[cell.strip() for cell in row] for row in rows]
    assert cells[0] == ["0", "100", "up", "1,234", "1/2", "3", "40", "12", "25%", "100 MB"]
    assert cells[1][3] == "(1,234)"  # What it said last, before it was stopped.
    assert cells[2] == ["2", "", "killed", *[""] * 7]
    assert cells[FOLLOWER][4] == "1/-"


def test_a_line_says_how_many_are_in_each_state_and_which():
    told = line(NETWORK)
    assert "height 1234, 5000 transactions, 80 tx/s" in told
    assert "2 up, 1 stopped (1), 1 killed (2)" in told
    assert told.endswith("1.00 cores, 400 MB")


def test_a_happening_is_a_sentence():
    assert sentence(Happening(1.5, 0.0, "crashed", 3, "SIGKILL")).strip() == (
        "1.50 s  node 3 crashed (SIGKILL)"
    )
    assert sentence(Happening(2.0, 0.0, "healed", None, "")).endswith("network healed")
    assert sentence(Happening(2.0, 0.0, "died", 1, "exit code 1;\n    why")).endswith(
        "node 1 died: exit code 1;\n    why"
    )
