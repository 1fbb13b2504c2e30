"""From trace events to metrics, the same in virtual and in real time."""
