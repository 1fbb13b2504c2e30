"""Other virtual machines in Python, measured on the same blocks as ours.

Each runs in a process that reads one file and prints one line. Peers have an environment of their
own (`make peers`), since they need other versions of our libraries: their modules import nothing of
Orrery but `bench.peers.case`, which needs the standard library only.
"""
