"""The nouns that all packages share: Ethereum's formats, keys, units, machines, errors."""
