"""The page computes the same decisions and CSV as Python."""

from __future__ import annotations

import io

import numpy as np
import pytest

from index.decision import Rule, RunnerUp, decide
from index.neighbours import Neighbours
from likewise.metrics.limits import Limits
from likewise.output.columns import columns
from likewise.output.rows import decision_row
from likewise.output.writers import Csv

pytestmark = pytest.mark.slow

CASES = 400
K = 5


def neighbours(rng: np.random.Generator) -> Neighbours:
    """Random ones of three groups, some at equal distances, nearest first."""
    ids = np.array([[f"a/{n}, {k}" for k in range(K)] for n in range(CASES)], dtype=object)
    labels = rng.choice(np.array(["1", "7", 'say "x"'], dtype=object), (CASES, K))
    distances = np.sort(rng.integers(0, 40, (CASES, K)) / 40, axis=1).astype(np.float32)
    distances[:5] *= np.float32(1e-5)  # written with an exponent
    return Neighbours(ids, labels, distances)


def runners_up(result: Neighbours) -> list[RunnerUp]:
    """Where all neighbours are of one group: another, at 0.05 more than the farthest of them."""
    return [
        ("other", float(near[-1] + np.float32(0.05))) if len({*labels}) == 1 else (None, None)
        for labels, near in zip(result.labels, result.distances, strict=True)
    ]


@pytest.mark.parametrize(
    ("threshold", "margin", "groups"),
    [
        (0.5, None, {}),
        (float(np.float32(13 / 40)), None, {}),  # equality counts
        (0.5, 0.1, {}),
        (0.5, None, {"1": 0.2, "7": 0.8}),
        (0.5, 0.1, {"1": 0.2}),
        (0.0, None, {}),
    ],
)
def test_the_page_decides_as_python_does(page, threshold, margin, groups):
    result = neighbours(np.random.default_rng(0))
    beside = runners_up(result) if margin is not None else None
    answers = decide(result, Rule(Limits(threshold, groups), margin), runners_up=beside)
    expected = [decision_row(str(index), answer) for index, answer in enumerate(answers)]
    other = decide(result, Rule(Limits(1.0), 10.0), runners_up=runners_up(result))
    options = [decision_row(str(index), answer) for index, answer in enumerate(other)]
    rule = {"threshold": threshold, "groups": groups, "margin": margin, "point": None}
    decided = page.evaluate(
        """async ([rows, rule]) => {
          const { decideAgain } = await import("/page/decide.js");
          return rows.map((row) => decideAgain(row, rule));
        }""",
        [options, rule],
    )
    for reported, wanted in zip(decided, expected, strict=True):
        assert reported | {"threshold": None} == wanted | {"threshold": None}
        assert np.float32(reported["threshold"]) == np.float32(wanted["threshold"])


def test_the_page_writes_a_csv_as_python_does(page):
    result = neighbours(np.random.default_rng(1))
    rows = [
        decision_row(f"größe, {index}.png", item)
        for index, item in enumerate(decide(result, Rule(Limits(0.5))))
    ]
    stream = io.BytesIO()
    Csv(stream, columns(K, decided=True)).write(rows)
    written = page.evaluate(
        """async ([rows, k]) => (await import("/page/csv.js")).toCsv(rows, k)""", [rows, K]
    )
    assert written == stream.getvalue().decode()


def test_a_chosen_point_that_an_upgrade_has_taken_away_gives_way_to_the_default_one(page):
    """A panel that was started with other points before keeps no rule of them."""
    query = page.evaluate(
        """async () => {
          const { ThresholdPanel } = await import("/page/threshold.js");
          const place = document.createElement("div");
          const panel = new ThresholdPanel(place, () => {}, { search: true });
          const gallery = (names) => ({
            references: 1,
            unlabelled: 1,
            default_point: names[0] ?? null,
            operating_points: Object.fromEntries(names.map((name) => [name, { threshold: 0.5 }])),
          });
          const asked = [];
          for (const names of [["old", "chosen"], ["new"], []]) {
            await panel.start(gallery(names));
            panel.buttons.lastElementChild?.click();
            asked.push(panel.query.at ?? null);
          }
          return asked;
        }"""
    )
    assert query == ["chosen", "new", None]
