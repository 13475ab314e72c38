"""Which pictures of a folder or an archive are read, and what their labels are."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from embedder.data.label_rule import LabelRule, folder_at
from embedder.data.labels import as_label, reader_of
from embedder.data.levels import Folders, shortened
from embedder.data.passed_over import PassedOver
from embedder.errors import DatasetError
from embedder.text import counted


@dataclass(frozen=True, slots=True)
class Choice:
    """The pictures of a source that are read, and the level of their labels.

    Attributes:
        source: Its name.
        rule: Where labels stand, as the caller says.
        folders: Those that are read.
        level: The level of the labels; None where there are none, or a pattern finds them.
        split: The level of the splits and the names there that are read; None for all.
        left_out: Number of pictures in other splits.
        read: Spells a label.
    """

    source: str
    rule: LabelRule
    folders: Folders
    level: int | None
    split: tuple[int, frozenset[str]] | None
    left_out: int
    read: Callable[[object], str | None]

    @classmethod
    def of(cls, source: str, folders: Folders, split: str | None, rule: LabelRule) -> Choice:
        """Choose pictures and the level of their labels.

        Args:
            source: Its name, for messages.
            folders: Folders of all its pictures.
            split: The part to be read, None for all.
            rule: Where labels stand.

        Raises:
            DatasetError: If there is no such split; if there are splits and none is named; or if
                two levels divide the pictures and the rule names none.

        Example:
            >>> folders = Folders.of(["digits/3/a.png", "digits/4/b.png"])
            >>> choice = Choice.of("digits", folders, None, LabelRule())
            >>> choice.level, choice.label_of("digits/3/a.png")
            (2, '3')
        """
        part, read = None, folders
        if split is not None:
            part = folders.within(split)
            if part is None:
                raise DatasetError(
                    f"{source} has no splits, because it has no folder {split!r}: leave "
                    "out the split."
                )
            read = folders.at(*part)
        level = rule.level
        if rule.wanted and not rule.is_explicit:
            _refuse_splits(source, read)
            level = read.label_level(source, part[0] if part else None)
        names = sorted(read.names_at(level)) if level else []
        left_out = folders.pictures - read.pictures
        return cls(source, rule, read, level, part, left_out, reader_of(names))

    @property
    def count(self) -> int:
        """Number of pictures that are read."""
        return self.folders.pictures

    def holds(self, path: str) -> bool:
        """Whether a picture is in the part that is read, by its path with forward slashes."""
        return self.split is None or folder_at(self.split[0], path) in self.split[1]

    def label_of(self, path: str) -> str | None:
        """The label of a picture, by its path with forward slashes."""
        if self.level is not None:
            folder = folder_at(self.level, path)
            return None if folder is None else self._spelled(folder)
        return as_label(self.rule.label_in(path)) if self.rule.wanted else None

    def _spelled(self, folder: str) -> str | None:
        """The label that a folder's name is; `none` beside numbers is a group, not a gap."""
        return self.read(folder) or as_label(folder)

    def notes(self, passed_over: PassedOver) -> list[str]:
        """Report where labels were found, and what was passed over, a sentence each.

        Args:
            passed_over: What the source holds beside pictures.
        """
        lines = []
        if self.level is not None and self.rule.wanted:
            names = self.folders.names_at(self.level)
            spelled = {name: label for name in names if (label := self._spelled(name))}
            labels = sorted(set(spelled.values()))
            labelled = sum(names[name] for name in spelled)
            groups, pictures = counted(len(labels), "group"), counted(labelled, "picture")
            lines.append(
                f"Labels in {self.source}: {groups} of {pictures} ({shortened(labels)}), "
                f"by the folders at level {self.level}."
            )
        if self.left_out:
            pictures = counted(self.left_out, "picture")
            lines.append(f"Passed over in {self.source}: {pictures} of other splits.")
        if sentence := passed_over.sentence(self.source):
            lines.append(sentence)
        return lines


def _refuse_splits(source: str, folders: Folders) -> None:
    """Refuse to take `train` and `test` for labels, or to mix them."""
    level = folders.split_level()
    if level is not None:
        names = sorted(folders.names_at(level))
        raise DatasetError(
            f"{source} holds the splits {', '.join(names)}, not labels: name one of them, such as "
            f"--split {names[0]}."
        )
