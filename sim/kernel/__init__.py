"""The virtual-time kernel: events, turns, timers, and what effects do when they leave."""
