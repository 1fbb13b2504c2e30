"""The network under the nodes: regions, jitter, queues, loss, partitions."""
