"""A node in real time: the driver that performs its effects, and the process around it."""
