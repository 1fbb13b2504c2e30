"""What the meshes of these networks are about."""

BLOCKS = b"blocks"
TRANSACTIONS = b"transactions"
