"""Right histories never offend a checker, and one bent step in any of them always offends one.

The right ones are drawn: who commits when, who crashes and how much of its chain it loses, who
stays behind and catches up. Then one commit of one node is bent.
"""

from hypothesis import given, strategies as st

from sim.checkers import safety_checkers
from tests.unit.sim.checker_histories import (
    LENGTH,
    NODES,
    History,
    build,
    certify,
    chain,
    check_context,
)

Steps = list[tuple[int, int, bool, int]]
steps = st.lists(
    st.tuples(
        st.integers(0, NODES - 1),  # which node moves
        st.integers(1, 3),  # how many blocks it commits
        st.booleans(),  # whether it crashes and restarts afterwards
        st.integers(0, 3),  # how many blocks the crash loses
    ),
    max_size=40,
)


def play(drawn: Steps) -> tuple[History, list[int]]:
    """Return the history of the drawn steps and every node's last height."""
    history, heights = History(), [0] * NODES
    for node, count, crash, lost in drawn:
        for _ in range(min(count, LENGTH - 1 - heights[node])):
            heights[node] += 1
            history.commit(node, heights[node])
        if crash:
            history.crash(node)
            history.restart(node)
            heights[node] = max(0, heights[node] - lost)
    return history, heights


@given(steps)
def test_right_histories_pass(drawn):
    history, _ = play(drawn)
    assert history.judge(*safety_checkers(check_context())) is None


@given(steps, st.integers(0, NODES - 1), st.sampled_from(["fork", "skip", "again", "unsigned"]))
def test_a_bent_step_is_found(drawn, node, bend):
    # The bent node has a height of its own, and another has the one that it forks from.
    history, heights = play([*drawn, (node, 1, False, 0), ((node + 1) % NODES, LENGTH, False, 0)])
    height = heights[node]
    if bend == "fork":
        history.commit((node + 1) % NODES, LENGTH)
        history.commit((node + 2) % NODES, LENGTH, build(chain()[LENGTH - 1], [], fork=1))
    elif bend == "skip":
        history.commit(node, height + 3, chain()[min(height + 3, LENGTH)])
    elif bend == "again":
        # Once may be the right of a node that has just restarted; twice never is.
        history.commit(node, height)
        history.commit(node, height)
    else:
        history.world.certificates[node, height + 1] = certify(chain()[height + 1], (0, 1))
        history.commit(node, height + 1)
    assert history.judge(*safety_checkers(check_context())) is not None
