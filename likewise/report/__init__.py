"""An evaluation as report.json and as one page.

May import: embedder, index, likewise.evaluation, likewise.maps, likewise.matcher.
"""
