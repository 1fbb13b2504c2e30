"""Benchmarks: the simulator measured side by side with its limits, in one run."""
