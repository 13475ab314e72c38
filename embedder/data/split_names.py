"""Names that folders of training and test pictures usually have."""

from __future__ import annotations

import re

_ROLES = {
    "train": r"train(?:ing|ed)?|trn|tr|learn(?:ing)?",
    "test": r"test(?:ing)?|tst|te|hold_?out|unseen",
    "validation": r"val(?:id(?:ation)?)?|dev(?:el(?:opment)?)?|eval(?:uation)?",
}
_OTHERS = r"extra|unlabell?ed|unsup(?:ervised)?|fold|query|gallery|probe"
_ROLE = "|".join(f"(?P<{role}>{names})" for role, names in _ROLES.items())
_WORDS = r"(?:data|set|dataset|images?|imgs?|pics|pictures|photos?|split|part|samples?|small|full)"
_SPLIT = re.compile(
    rf"(?:{_WORDS}[-_ ]*)*(?:{_ROLE}|(?P<other>{_OTHERS}))(?:[-_ ]*{_WORDS})*[-_ ]*\d*", re.I
)


def role_of(name: str) -> str | None:
    """Tell which part of a data set a folder holds by its name; None for any other name.

    Returns:
        `train`, `test`, `validation` or `other`.

    Example:
        >>> [role_of(name) for name in ("Training", "test_images", "val2017", "fold3", "alice")]
        ['train', 'test', 'validation', 'other', None]
    """
    match = _SPLIT.fullmatch(name)
    return match.lastgroup if match else None


def is_split(name: str, wanted: str) -> bool:
    """Whether a folder is the part that is wanted: by its very name, or by what the name means.

    Args:
        name: Name of the folder.
        wanted: `train`, `test`, or the name of a folder.

    Example:
        >>> is_split("Training", "train"), is_split("fold3", "fold3"), is_split("fold1", "fold3")
        (True, True, False)
    """
    meant = wanted.casefold() in ("train", "test", "val", "validation")
    return name == wanted or (meant and role_of(name) == role_of(wanted))
