"""What a report shows of a network: nodes, regions, links with their latency, a caption."""

import pytest

from sim.pictures import network_picture
from sim.report import LinkPicture, NetworkPicture, NodePicture
from sim.scenario import decode_scenario

SQUARE = ((1, 3), (0, 2), (1, 3), (0, 2))


def picture(network: str) -> NetworkPicture:
    text = f'name = "small"\nduration = "30s"\n[network]\nvalidators = 3\nfollowers = 1\n{network}'
    return network_picture(decode_scenario(text), SQUARE)


def test_nodes_have_their_region_role_and_classes() -> None:
    classes = """
regions = ["London", "Tokyo"]
[[network.classes]]
name = "weak"
nodes = [1, 2]
[[network.classes]]
name = "far"
nodes = [2]
region = "Sydney"
"""
    assert picture(classes).nodes == (
        NodePicture("London", True),
        NodePicture("Tokyo", True, "weak"),
        NodePicture("Sydney", True, "weak, far"),
        NodePicture("Tokyo", False),
    )


def test_each_link_is_shown_once_with_its_latency() -> None:
    shown = picture('latency = "simblock-6-2019"\nregions = ["Japan", "Europe", "Australia"]\n')
    assert shown.links == (
        LinkPicture(0, 1, 252_000_000),
        LinkPicture(0, 3, 12_000_000),
        LinkPicture(1, 2, 294_000_000),
        LinkPicture(2, 3, 126_000_000),
    )


def test_where_the_ways_differ_a_link_shows_that_from_its_lower_end() -> None:
    there, back = (
        picture(f"regions = {names}\n") for names in (["Tokyo", "Seoul"], ["Seoul", "Tokyo"])
    )
    assert there.links[0].latency_ns == 16_000_000
    assert back.links[0].latency_ns == 17_000_000


def test_a_uniform_network_shows_its_one_latency_and_no_regions() -> None:
    shown = picture('latency = "uniform"\nlatency_value = "30ms"\n')
    assert [node.region for node in shown.nodes] == [""] * 4
    assert [link.latency_ns for link in shown.links] == [30_000_000] * 4


def test_regions_that_are_only_names_are_shown_all_the_same() -> None:
    shown = picture('latency = "uniform"\nlatency_value = "30ms"\nregions = ["here", "there"]\n')
    assert [node.region for node in shown.nodes] == ["here", "there", "here", "there"]


@pytest.mark.parametrize(
    ("network", "words"),
    [
        ("", "full"),
        ('topology = "random-regular"\ndegree = 2\n', "random-regular, degree 2"),
        ('topology = "small-world"\ndegree = 2\nrewire = 0.1\n', "small-world, degree 2"),
    ],
)
def test_the_caption_names_the_topology(network: str, words: str) -> None:
    assert picture(network).topology == words
