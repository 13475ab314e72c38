"""What `likewise train` says of a finished model."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from embedder.text import counted
from index.operating_point import MOST_MISSED


def gains(held_out: Mapping[str, Any]) -> list[str]:
    """What a training gained on held-out pictures, and on groups left out of a trial."""
    raw, backbone = held_out["of_raw_pixels"], held_out.get("of_backbone")
    alone, eer = "", ""
    if backbone:
        alone = f"the backbone alone {_share(backbone['rank1'])}, "
        eer = f" (the backbone alone {_share(backbone['eer'])})"
    lines = [
        f"On {held_out['images']} held-out pictures: {_share(held_out['rank1'])} of the nearest "
        f"references are of the right group ({alone}raw pixels "
        f"{_share(raw['rank1'])}); EER {_share(held_out['eer'])}{eer}."
    ]
    unseen = held_out.get("unseen_groups")
    if unseen:
        lines.append(
            f"On all {unseen['groups']} groups, each left out of a trial training: "
            f"{_share(unseen['rank1'])} of the nearest are right (the backbone alone "
            f"{_share(unseen['rank1_of_backbone'])})."
        )
    if backbone and held_out["rank1"] <= backbone["rank1"] and held_out["eer"] >= backbone["eer"]:
        lines.append(
            f"The training gained nothing: the backbone alone is {_as_good(held_out, backbone)}. "
            "Use that (build without --model chooses photos), or give more groups, or more "
            "pictures of each."
        )
    elif not backbone and held_out["rank1"] <= raw["rank1"]:
        lines.append(
            "The training gained nothing: raw pixels are as good. Train for more steps (--steps), "
            "or fit a model that has seen millions of pictures: --recipe transfer"
        )
    return lines


def changes(further: Mapping[str, Any] | None) -> list[str]:
    """What a training that went on changed, of one's own pictures and of the kept ones."""
    if further is None:
        return []
    return [
        f"Of {now['pictures']} held-out pictures of {name}: {_share(now['right'])} are matched "
        f"rightly (before {_share(then['right'])}), {_share(now['nearest_right'])} of the nearest "
        f"references are right (before {_share(then['nearest_right'])})."
        for (name, then), now in zip(
            further["before"].items(), further["after"].values(), strict=True
        )
    ]


def _as_good(held_out: Mapping[str, Any], backbone: Mapping[str, Any]) -> str:
    same = all(held_out[name] == backbone[name] for name in ("rank1", "eer"))
    return "as good" if same else "better"


def threshold(point: Mapping[str, Any]) -> str:
    """The threshold that galleries take, and what it costs."""
    sentence = (
        f"Threshold {point['threshold']:.4f}: {point['false']} of {point['unknown']} unknown "
        f"pictures match (FPIR {_share(point['fpir'])}), {point['missed']} of {point['known']} "
        f"known ones are missed (FNIR {_share(point['fnir'])})."
    )
    if point["fnir"] < MOST_MISSED:
        return sentence
    return (
        f"{sentence} Most are missed: more groups and more pictures of each tell known from "
        "unknown better, or choose a higher rate with likewise calibrate."
    )


def _share(value: float) -> str:
    return f"{100 * value:.1f} %"


def on_test(test: dict[str, Any] | None) -> list[str]:
    """What a model was measured to do on the test pictures, in a line."""
    if test is None:
        return []
    error = test["nearest_neighbour_error"]
    nearest = "" if error is None else f", {100 * error:.2f} % of nearest neighbours are wrong"
    return [
        f"On {counted(test['queries'], 'test picture')}: EER {100 * test['eer']:.2f} %, "
        f"{100 * test['pair_accuracy']:.2f} % of pairs are told apart{nearest}."
    ]
