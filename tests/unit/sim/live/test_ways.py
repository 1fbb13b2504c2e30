"""What nodes are told of their links, against the links of the virtual world."""

from hypothesis import given, strategies as st

from network.conditions import Conditions
from network.delays import JitterLaw
from sim.links.disturbances import Lose, Ways
from sim.links.links import Links, LinkSpec
from sim.live.cuts import TOGETHER
from sim.live.orders import questions, told
from sim.live.ways import LiveLinks

MS = 1_000_000
COUNT = 4
SPEC = LinkSpec(
    region_of=(0, 1, 1, 2),
    latency_ns=((1, 20, 30), (21, 2, 40), (31, 41, 3)),
    uplink_bps=(0,) * COUNT,
    downlink_bps=(0,) * COUNT,
    loss=(0.0,) * COUNT,
)
ENDS = st.lists(st.integers(0, COUNT - 1), min_size=1, max_size=COUNT, unique=True).map(tuple)


def conditions(links: LiveLinks, sender: int, node: int) -> Conditions:
    found = [each for nodes, each in links.orders(sender) if node in nodes]
    return found[0] if found else Conditions()


@given(st.lists(st.tuples(ENDS, st.integers(0, 99)), max_size=4))
def test_latencies_are_those_of_the_virtual_links(added):
    virtual = Links(SPEC, lambda group, sender: (), 1)
    here = LiveLinks(COUNT, SPEC)
    for nodes, extra in added:
        virtual.set_extra_latency(nodes, extra)
        here.delay(nodes, extra)
    for sender in range(COUNT):
        for node in set(range(COUNT)) - {sender}:
            (arrival,) = virtual.send(1000, sender, node, 10)
            assert conditions(here, sender, node).latency_ns == arrival - 1000


def test_the_worse_of_two_losses_counts():
    spec = LinkSpec((0,) * 3, ((5,),), (0,) * 3, (0,) * 3, (0.5, 0.0, 0.125), JitterLaw.NORMAL, 0.2)
    links = LiveLinks(3, spec)
    links.disturb(Lose(Ways((1,), (0, 2)), 0.25))
    assert [conditions(links, 1, node).loss for node in (0, 2)] == [0.5, 0.25]
    assert conditions(links, 2, 0).loss == 0.5
    assert conditions(links, 0, 1).jitter is JitterLaw.NORMAL
    assert conditions(links, 0, 1).jitter_size == 0.2


def test_nothing_is_said_of_links_that_nothing_is_done_to():
    links = LiveLinks(3)
    assert links.orders(0) == ()
    ways = Ways((0,), (2,), one_way=True)
    links.clog(ways)
    assert links.orders(0) == (((2,), Conditions(clogged=True)),)
    assert links.orders(2) == ()
    assert told(ways) == "0 to 2"
    links.unclog(ways)
    assert questions(TOGETHER, links.orders(0))[-1] == ("orrery_setLinks", ([],))
