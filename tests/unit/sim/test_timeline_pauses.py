"""A process that is stopped and goes on: what virtual time makes of it."""

from sim.assembly import build_world
from sim.scenario import decode_table
from tests.unit.sim.test_timeline import MILLISECOND, SECOND, faults, play


def test_a_pause_keeps_a_node_and_says_how_long():
    event = {"kind": "pause", "at": "1s", "node": 2, "for": "3s"}
    seen, world = play(event)
    assert seen == [(1, 2, f"paused {3 * SECOND}")]
    assert world.is_live(2)


def test_nothing_is_paused_that_is_down():
    seen = faults(
        {"kind": "crash", "at": "1s", "node": 2},
        {"kind": "pause", "at": "2s", "node": 2, "for": "1s"},
    )
    assert seen == [(1, 2, "crashed")]


def test_a_paused_node_begins_no_turn_and_makes_up_for_it():
    pause = {"kind": "pause", "at": "1s", "node": 2, "for": "4s"}
    table: dict[str, object] = {"name": "t", "duration": "12s", "events": [pause]}
    table["network"] = {"validators": 4}
    world = build_world(decode_table(table, "t"), 1, with_clients=False)
    turns: list[int] = []
    step = world.kernel._step[2]

    def noted(now, event):
        turns.append(now)
        return step(now, event)

    world.kernel._step[2] = noted
    for number in range(10):
        world.submit(number * SECOND + MILLISECOND, 2, b"no transaction")
    world.run_until(12 * SECOND)
    assert not [at for at in turns if SECOND < at < 5 * SECOND]
    assert sum(5 * SECOND <= at < 5 * SECOND + MILLISECOND for at in turns) >= 4
