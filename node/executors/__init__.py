"""Executors: doing the independent parts of the work on a block at the same time.

Two kinds of work are shared out. *Batches* are many small tasks that know nothing of one another,
such as recovering senders (`batches`). A *block* is a sequence of transactions that may depend on
one another (`plan`, `versions`, and the plans by name): it is run speculatively in whatever order
a plan finds good, and then accepted in block order, where each result that does not fit the
state it meets is thrown away and made anew. So plans, hints and workers decide how long it takes
and never what comes out.

Plans and versions are pure. Who does the work stands behind two Protocols, `Pool` and `Backend`:
here, in turn (`inline`), in threads (`threads`) or in processes (`processes`, `worker`). The last
three touch the world and are edges; nothing in `node` imports them, whoever drives nodes hands
them in.
"""
