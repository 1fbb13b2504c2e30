"""A chain of one block a second waits for its clock, and not until its primary is replaced."""

from sim.driving import drive_network


def test_a_primary_that_ran_ahead_of_the_clock_waits_less_than_the_patience_of_the_rest() -> None:
    net = drive_network(validators=4, load=20, chain={"timestamp_rule": "strict"})
    net.run_until("20s")
    net.expect(min_height=20, max_height=30)
    assert net.world.view == 0
    net.finish()
