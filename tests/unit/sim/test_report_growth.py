"""The plot of chain growth speaks of nodes that have a chain and whose word counts."""

from sim.report.page.growth import growth_card
from sim.report.page.throughput import throughput_card
from tests.unit.sim.report_runs import feed, shape


def test_the_node_that_is_behind_is_named() -> None:
    run = feed(shape(nodes=3))
    for node, height in ((0, 1), (1, 1), (2, 1), (0, 2), (1, 2)):
        run.commit(1.0, node, height)
    assert "At the end node 2 is 1 block behind." in str(growth_card(run.finish(2)))


def test_a_liar_is_not_called_late_for_what_nobody_took_down() -> None:
    run = feed(shape(nodes=3, liars=(0,)))
    for node in (1, 2):
        run.commit(1.0, node, 1)
    card = str(growth_card(run.finish(2)))
    assert "At the end every honest node has the same height." in card


def test_the_node_that_is_behind_is_named_by_its_number_among_all() -> None:
    run = feed(shape(nodes=4, liars=(0,)))
    for node, height in ((1, 1), (3, 1), (3, 2), (3, 3), (1, 2), (1, 3)):
        run.commit(1.0, node, height)
    assert "At the end node 2 is 3 blocks behind." in str(growth_card(run.finish(2)))


def test_gateways_have_no_chain_that_could_grow() -> None:
    run = feed(shape(nodes=4, validators=3, gateways=1))
    for node in range(3):
        run.commit(1.0, node, 1)
    card = str(growth_card(run.finish(2)))
    assert "At the end every node has the same height." in card


def test_what_a_liar_was_given_is_not_among_the_submitted_and_the_legend_says_so() -> None:
    run = feed(shape(nodes=3, liars=(0,)))
    run.submit(0.5, 1, 1)
    run.commit(1.0, 1, 1, 1, 2)
    assert "submitted to honest nodes" in str(throughput_card(run.finish(2)))
