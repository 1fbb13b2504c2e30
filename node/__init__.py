"""One node: a mempool, a builder, an executor and the cores of consensus and network, composed.

Start with `node.node`, then `node.config`. Nothing is imported here: `python -m node.runtime` loads
this first, and has to listen to signals before it loads the rest.
"""
