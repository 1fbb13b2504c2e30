"""What a live node is told: its configuration file, with flags and environment over it."""
