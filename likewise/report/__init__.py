"""An evaluation as report.json and as one page."""
