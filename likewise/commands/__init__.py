"""The command `likewise`: one file per command.

May import: embedder, index, likewise, likewise.add_report, likewise.adoption, likewise.building,
likewise.bulk, likewise.calibration, likewise.comparison, likewise.conflicts, likewise.evaluation,
likewise.inputs, likewise.labelling, likewise.matcher, likewise.model_choice, likewise.output,
likewise.recipe_names, likewise.remarks, likewise.report, likewise.separation, likewise.server,
likewise.shadowing, likewise.spread, likewise.training, likewise.upgrading.
"""
