"""The curve bn254: its groups and its pairing, in integers of Python."""
