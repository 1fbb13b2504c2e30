"""Files that ship with the simulator: the default calibration profile."""
