"""The report page: one HTML file without scripts and without a single request."""
