"""Virtual time: the kernel and the world it runs, scenarios, checkers, reports."""
