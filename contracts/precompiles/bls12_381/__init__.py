"""The precompiles over BLS12-381, with the arithmetic of arkworks."""
