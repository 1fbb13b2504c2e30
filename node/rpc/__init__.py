"""JSON-RPC over HTTP and WebSocket, by Ethereum's execution-apis specification."""
