"""A scenario in real time: node processes on this machine, struck by the scenario's faults.

`orrery up` writes a configuration for each node, starts `python -m node.runtime` for each, and
steers them from outside as an operator would: with signals, and over JSON-RPC with the owner's
token. Nothing of a node runs in this process, so what it shows of the network is what any client
would see.

    refusals    what cannot be done for real, refused before anything starts
    layout      the directory of a network, which a later `up` continues
    configs     from a scenario to configurations and keys
    ports       where nodes listen
    process     one node's process, which never outlives its parent
    client      questions to one node
    timeline    when which event happens, and what its end takes back
    cuts        a partition as orders to each node
    faults      events made to happen: signals and drop rules
    watch       what each node says of itself, over and over
    witness     what was confirmed, to be asked for again at the end
    judge       what is expected, and what came of it
"""
