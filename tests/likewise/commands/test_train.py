"""`likewise train`, without training."""

from __future__ import annotations

import sys
from pathlib import Path

from tests.likewise.commands.running import (
    done,
    failure,
    run,
)


def test_training_without_tensorflow_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "embedder.training.train", None)
    import likewise.training

    def missing(*_: object, **__: object) -> None:
        raise ModuleNotFoundError("No module named 'tensorflow'", name="tensorflow")

    monkeypatch.setattr(likewise.training, "train", missing)
    assert "pip install 'likewise[train]'" in failure("train", "--out", "model")


def test_train_replaces_nothing_but_a_model(tmp_path, folder, monkeypatch):
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / "link").symlink_to(folder)
    for out in (folder, tmp_path / "notes.txt", tmp_path / "link"):
        assert "something else is there" in failure("train", folder, "--out", out)
    assert len(list(folder.glob("*/*.png"))) == 30
    assert (tmp_path / "notes.txt").read_text() == "mine"
    monkeypatch.chdir(tmp_path)
    assert "a name of its own" in failure("train", folder, "--out", ".")
    (tmp_path / "model.json").touch()  # an earlier model, with the pictures put into it
    assert "from which it is made" in failure("train", folder, "--out", tmp_path)


def test_train_passes_on_what_was_asked_for(monkeypatch, fake):
    import likewise.training

    asked: dict[str, object] = {}

    def train(data: str, out: Path, recipe: str, **settings: object) -> object:
        asked.update(settings, data=data, out=out, recipe=recipe)
        return fake

    monkeypatch.setattr(likewise.training, "train", train)
    done("train", "--out", "m", "--recipe", "tutorial", "--epochs", 3, "--resume")
    assert (asked["data"], asked["out"], asked["recipe"]) == ("mnist/train", Path("m"), "tutorial")
    assert (asked["epochs"], asked["resume"], asked["margin"]) == (3, True, None)


def test_too_few_pictures_are_refused_before_tensorflow_is_imported(tmp_path, folder, monkeypatch):
    monkeypatch.setitem(sys.modules, "embedder.training.train", None)  # to import it fails
    for group in folder.iterdir():
        for picture in sorted(group.iterdir())[1:]:
            picture.unlink()
    result = run("train", folder, "--out", tmp_path / "model")
    assert result.exit_code == 1
    assert "at least 4 different pictures of each of 2 labels" in result.stderr.splitlines()[-1]


def test_the_next_command_names_the_model_and_the_data(monkeypatch, fake, tmp_path):
    import likewise.training

    figures = {"queries": 7, "eer": 0.125, "pair_accuracy": 0.9, "nearest_neighbour_error": 0.5}
    fake.metadata["figures"] = {"test": figures}
    monkeypatch.setattr(likewise.training, "train", lambda *_, **__: fake)
    output = done("train", "my shoes", "--split", "train", "--out", "m").stderr
    assert f"Next: likewise build GALLERY 'my shoes' --split train --model {fake.path}" in output
    assert "On 7 test pictures: EER 12.50 %, 90.00 % of pairs are told apart, 50.00 % of" in output


def held_out(rank1: float) -> dict[str, object]:
    of_raw_pixels = {"rank1": 0.75}
    return {"images": 40, "rank1": rank1, "eer": 0.05, "of_raw_pixels": of_raw_pixels}


def test_a_training_says_what_it_gained_over_raw_pixels(monkeypatch, fake):
    import likewise.training

    fake.metadata["figures"] = {"validation": held_out(0.95)}
    monkeypatch.setattr(likewise.training, "train", lambda *_, **__: fake)
    shown = done("train", "shoes", "--out", "m").stderr
    assert (
        "On 40 held-out pictures: 95.0 % of the nearest references are of the right group (raw "
        "pixels 75.0 %); EER 5.0 %." in shown
    )
    assert "gained nothing" not in shown


def test_a_training_that_is_no_better_than_raw_pixels_says_so_and_what_to_do(monkeypatch, fake):
    import likewise.training

    fake.metadata["figures"] = {"validation": held_out(0.75)}
    monkeypatch.setattr(likewise.training, "train", lambda *_, **__: fake)
    shown = done("train", "shoes", "--out", "m").stderr
    assert "gained nothing: raw pixels are as good. Train for more steps (--steps), or" in shown


def test_from_passes_on_the_model_and_what_is_kept(monkeypatch, fake):
    import likewise.training

    asked: dict[str, object] = {}

    def train(data: str, out: Path, recipe: str | None, **settings: object) -> object:
        asked.update(settings, recipe=recipe)
        return fake

    monkeypatch.setattr(likewise.training, "train", train)
    done("train", "mine", "--out", "m", "--from", "digits", "--keep", "mnist/test", "--epochs", 2)
    assert (asked["start"], asked["keep"]) == (fake, "mnist/test")
    assert (asked["recipe"], asked["epochs"]) == (None, 2)


def test_from_refuses_what_its_model_decides_and_keep_needs_it():
    for option in (["--recipe", "default"], ["--network", "conv"], ["--size", 40], ["--flip"]):
        refused = run("train", "mine", "--out", "m", "--from", "digits", *option)
        assert refused.exit_code == 2
        assert f"leave {option[0]} out" in refused.stderr
    alone = run("train", "mine", "--out", "m", "--keep", "mnist/train")
    assert alone.exit_code == 2
    assert "--keep goes with --from MODEL" in alone.stderr


def test_a_number_of_pairs_means_the_recipe_that_draws_pairs_and_no_other(monkeypatch, fake):
    import likewise.training

    asked: list[str | None] = []

    def train(data: str, out: Path, recipe: str | None, **settings: object) -> object:
        asked.append(recipe)
        return fake

    monkeypatch.setattr(likewise.training, "train", train)
    refused = run("train", "--out", "m", "--recipe", "default", "--pairs-per-image", 2)
    assert refused.exit_code == 2
    assert "The recipe default has no --pairs-per-image: leave it out." in refused.stderr
    done("train", "--out", "m", "--pairs-per-image", 2)
    assert asked == ["tutorial"]


def test_a_training_that_goes_on_says_what_was_right_before_and_after(monkeypatch, fake):
    import likewise.training

    before = {"pictures": 80, "right": 0.5, "nearest_right": 0.75}
    after = {"pictures": 80, "right": 0.9, "nearest_right": 0.95}
    further = {"before": {"mine": before}, "after": {"mine": after}}
    fake.metadata["figures"] = {"further": further}
    monkeypatch.setattr(likewise.training, "train", lambda *_, **__: fake)
    assert (
        "Of 80 held-out pictures of mine: 90.0 % are matched rightly (before 50.0 %), 95.0 % of "
        "the nearest references are right (before 75.0 %)."
    ) in done("train", "mine", "--out", "m", "--from", "digits").stderr
