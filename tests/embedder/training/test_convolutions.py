"""Which convolutions TensorFlow uses, decided before it is imported."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

SHOW = "import os, embedder.training; print(os.environ['TF_ENABLE_ONEDNN_OPTS'])"


@pytest.mark.parametrize(("chosen", "used"), [(None, "1"), ("0", "0")])
def test_those_of_onednn_are_used_unless_the_user_chose_otherwise(chosen, used):
    environment = {k: v for k, v in os.environ.items() if k != "TF_ENABLE_ONEDNN_OPTS"}
    if chosen is not None:
        environment["TF_ENABLE_ONEDNN_OPTS"] = chosen
    shown = subprocess.check_output([sys.executable, "-c", SHOW], env=environment, text=True)
    assert shown.strip() == used


def test_tensorflow_is_not_imported_before_they_are_chosen():
    show = "import sys, embedder.training; print('tensorflow' in sys.modules)"
    assert subprocess.check_output([sys.executable, "-c", show], text=True).strip() == "False"
