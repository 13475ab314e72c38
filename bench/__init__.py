"""Speed and memory of likewise, each figure beside its floor from the same run.

Read in this order: `measure.py` (how two things are compared), `floors.py` (the bare libraries),
`material.py` (what is measured on), then one file per figure: `embed.py`, `build.py`, `check.py`,
`files.py`, `single.py`, `cold.py`, `memory.py`; `naive.py` is the script that we are compared with.
"""
