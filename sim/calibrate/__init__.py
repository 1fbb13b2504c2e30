"""`orrery calibrate`: measure what each kind of work costs on this machine.

Start at `calibration`, which is the command; `sampling` says how a kind is measured, and the
`probes_*` modules say what exactly is timed for each.
"""

from sim.calibrate.calibration import command as command
