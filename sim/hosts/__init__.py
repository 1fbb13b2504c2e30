"""Machines under the nodes: cores and disks."""
