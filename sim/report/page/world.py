"""A coarse world: where the regions lie, and the outline of the land behind them.

Positions are those of the data centres' cities, and of a populous point for SimBlock's wide
regions. The outlines are drawn by hand, accurate to a few degrees: enough for a map of dots.

Reference: region names as in `sim.links.regions`.
"""

from dataclasses import dataclass

REGION_POSITIONS: dict[str, tuple[float, float]] = {
    "N_Virginia": (-77.5, 39.0),
    "Canada": (-73.6, 45.5),
    "N_California": (-121.9, 37.4),
    "London": (-0.1, 51.5),
    "Oregon": (-119.7, 45.8),
    "Ireland": (-6.3, 53.3),
    "Frankfurt": (8.7, 50.1),
    "S_Paulo": (-46.6, -23.6),
    "Tokyo": (139.7, 35.7),
    "Mumbai": (72.9, 19.1),
    "Sydney": (151.2, -33.9),
    "Seoul": (127.0, 37.6),
    "Singapore": (103.8, 1.4),
    "North_America": (-95.0, 39.0),
    "Europe": (10.0, 50.0),
    "South_America": (-55.0, -15.0),
    "Asia_Pacific": (105.0, 20.0),
    "Japan": (138.0, 36.0),
    "Australia": (144.0, -28.0),
}
"""Region to (longitude, latitude) in degrees, east and north positive."""

_LAND: tuple[tuple[tuple[int, int], ...], ...] = (
    # North and Central America
    ((-166, 68), (-156, 71), (-140, 70), (-125, 70), (-110, 68), (-95, 68), (-94, 72), (-85, 70),
     (-81, 67), (-94, 61), (-92, 57), (-82, 55), (-79, 52), (-79, 56), (-77, 62), (-70, 61),
     (-65, 58), (-56, 52), (-66, 50), (-65, 47), (-61, 46), (-70, 43), (-74, 40), (-76, 35),
     (-81, 31), (-80, 25), (-83, 29), (-90, 29), (-97, 27), (-97, 21), (-91, 18), (-90, 21),
     (-87, 21), (-88, 16), (-83, 15), (-83, 10), (-77, 8), (-80, 7), (-86, 11), (-94, 16),
     (-105, 20), (-109, 26), (-113, 31), (-110, 23), (-117, 33), (-124, 40), (-124, 48),
     (-131, 54), (-140, 60), (-152, 59), (-164, 55), (-157, 59), (-166, 62)),
    # Arctic Canada, Greenland, Iceland, Caribbean
    ((-125, 72), (-115, 73), (-105, 73), (-105, 69), (-117, 69)),
    ((-90, 73), (-78, 73), (-68, 69), (-62, 66), (-66, 63), (-74, 65), (-80, 69)),
    ((-72, 78), (-60, 76), (-54, 70), (-53, 65), (-44, 60), (-40, 65), (-24, 70), (-18, 76)),
    ((-24, 65), (-18, 67), (-14, 65), (-19, 63)),
    ((-85, 22), (-80, 23), (-74, 20), (-68, 19), (-72, 18), (-78, 20)),
    # South America
    ((-77, 8), (-72, 12), (-62, 11), (-51, 5), (-50, 0), (-44, -3), (-35, -6), (-35, -9),
     (-39, -14), (-41, -22), (-48, -26), (-53, -33), (-58, -35), (-62, -39), (-65, -43),
     (-68, -50), (-66, -55), (-74, -52), (-74, -43), (-71, -30), (-70, -19), (-76, -14),
     (-81, -6), (-80, 0), (-77, 4)),
    # Africa, Madagascar
    ((-6, 36), (10, 37), (11, 33), (20, 31), (32, 31), (37, 22), (43, 12), (51, 12), (48, 5),
     (41, -2), (40, -11), (35, -20), (33, -27), (26, -34), (18, -34), (12, -18), (13, -6),
     (9, 0), (9, 4), (4, 6), (-4, 5), (-8, 4), (-13, 8), (-17, 14), (-17, 21), (-10, 29)),
    ((44, -17), (50, -15), (48, -25), (44, -24)),
    # Europe and Asia
    ((-9, 43), (-9, 37), (-5, 36), (0, 39), (4, 43), (9, 44), (13, 41), (16, 38), (18, 40),
     (13, 45), (19, 42), (22, 37), (24, 40), (28, 41), (27, 37), (36, 36), (35, 31), (39, 22),
     (43, 13), (52, 17), (59, 22), (56, 26), (50, 27), (48, 30), (57, 27), (67, 25), (73, 20),
     (77, 8), (80, 14), (87, 21), (92, 22), (95, 16), (98, 16), (99, 9), (103, 2), (104, 2),
     (100, 10), (101, 13), (105, 9), (109, 12), (107, 20), (114, 22), (121, 28), (120, 35),
     (122, 37), (118, 39), (122, 40), (125, 38), (127, 34), (129, 36), (128, 40), (132, 43),
     (140, 50), (137, 54), (143, 59), (155, 59), (156, 52), (162, 57), (171, 60), (178, 63),
     (179, 68), (160, 70), (140, 73), (112, 74), (104, 77), (80, 73), (68, 69), (54, 68),
     (44, 67), (40, 65), (35, 66), (41, 67), (28, 71), (15, 68), (5, 62), (6, 58), (10, 59),
     (13, 56), (17, 57), (18, 63), (24, 66), (22, 61), (29, 60), (22, 57), (19, 54), (9, 54),
     (9, 57), (8, 54), (2, 51), (-4, 48), (-1, 45)),
    # British Isles
    ((-5, 50), (1, 51), (1, 53), (-3, 56), (-3, 59), (-6, 58), (-4, 54), (-5, 52)),
    ((-10, 52), (-6, 52), (-6, 55), (-9, 54)),
    # Japan, Taiwan, Sri Lanka, South-East Asian islands, New Guinea
    ((130, 32), (135, 34), (140, 35), (142, 40), (145, 43), (142, 45), (140, 42), (137, 37),
     (131, 35)),
    ((120, 22), (122, 25), (121, 25)),
    ((80, 6), (82, 7), (80, 10)),
    ((95, 5), (104, -2), (106, -6), (101, -3)),
    ((105, -6), (114, -7), (114, -9), (106, -8)),
    ((109, 1), (117, 7), (119, 5), (116, -4), (110, -3)),
    ((119, -5), (120, 1), (125, 2), (122, -2), (122, -5)),
    ((120, 18), (122, 18), (126, 8), (123, 8), (120, 14)),
    ((131, -1), (141, -3), (150, -10), (143, -9), (138, -8)),
    # Australia, Tasmania, New Zealand
    ((114, -22), (122, -18), (129, -15), (136, -12), (136, -16), (140, -18), (142, -11),
     (146, -19), (153, -27), (150, -37), (144, -39), (136, -35), (131, -32), (124, -33),
     (115, -34)),
    ((145, -41), (148, -41), (147, -44)),
    ((173, -35), (178, -38), (175, -41), (173, -40)),
    ((172, -41), (174, -42), (168, -47), (167, -45)),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class LandRun:
    """A stretch of land along one parallel, from the first to the last dot."""

    latitude: float
    west: float
    east: float


def land_runs(step: float) -> list[LandRun]:
    """Return the land as rows of dots, `step` degrees apart both ways."""
    runs = []
    latitude = 75.0
    while latitude >= -56:
        row: list[float] = []
        longitude = -168.0
        while longitude <= 180:
            if is_land(longitude, latitude):
                row.append(longitude)
            elif row:
                runs.append(LandRun(latitude, row[0], row[-1]))
                row = []
            longitude += step
        if row:
            runs.append(LandRun(latitude, row[0], row[-1]))
        latitude -= step
    return runs


def is_land(longitude: float, latitude: float) -> bool:
    """Return whether a point lies inside an outline (even-odd rule)."""
    return any(_inside(longitude, latitude, outline) for outline in _LAND)


def _inside(x: float, y: float, outline: tuple[tuple[int, int], ...]) -> bool:
    if not min(lat for _, lat in outline) <= y <= max(lat for _, lat in outline):
        return False
    inside = False
    x1, y1 = outline[-1]
    for x2, y2 in outline:
        if (y1 > y) != (y2 > y) and x < (x2 - x1) * (y - y1) / (y2 - y1) + x1:
            inside = not inside
        x1, y1 = x2, y2
    return inside
