"""Contract execution: an Ethereum virtual machine over a state that is handed in."""
