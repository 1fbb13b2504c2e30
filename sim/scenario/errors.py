"""A scenario that cannot be run."""

from node.settings.mistakes import SettingsError


class ScenarioError(SettingsError):
    """A scenario that cannot be run. Carries every mistake that was found, in file order."""
