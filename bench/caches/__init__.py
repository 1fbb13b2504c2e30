"""Replay of cache traces, and what an optimal cache would have made of them."""
