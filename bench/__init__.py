"""Speed and memory of likewise, each figure beside its floor from the same run.

Read in this order: `measure.py` (how two things are compared), `floors.py` (the bare libraries),
`material.py` (what is measured on), then one file per figure, as `__main__.py` names them;
`naive.py` is the script that we are compared with. All other modules that have a `main` are run by
their names, as `python -m bench.digits`, and say in their first lines what they measure.
"""
