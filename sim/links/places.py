"""Where regions lie on the globe: for the geographic topology and for maps.

Positions are those of the data centres' cities, and of a populous point for SimBlock's wide
regions.
"""

from types import MappingProxyType

PLACES = MappingProxyType(
    {
        "N_Virginia": (39.0, -77.5),
        "Canada": (45.5, -73.6),
        "N_California": (37.4, -121.9),
        "London": (51.5, -0.1),
        "Oregon": (45.8, -119.7),
        "Ireland": (53.3, -6.3),
        "Frankfurt": (50.1, 8.7),
        "S_Paulo": (-23.6, -46.6),
        "Tokyo": (35.7, 139.7),
        "Mumbai": (19.1, 72.9),
        "Sydney": (-33.9, 151.2),
        "Seoul": (37.6, 127.0),
        "Singapore": (1.4, 103.8),
        "North_America": (39.0, -95.0),
        "Europe": (50.0, 10.0),
        "South_America": (-15.0, -55.0),
        "Asia_Pacific": (20.0, 105.0),
        "Japan": (36.0, 138.0),
        "Australia": (-28.0, 144.0),
    }
)
"""Region to (latitude, longitude) in degrees, north and east positive."""
