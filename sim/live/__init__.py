"""A scenario in real time: node processes on this machine, steered over JSON-RPC."""
