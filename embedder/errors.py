"""Errors of reading, embedding and training.

Every message is one plain sentence: what was expected, what came, what to do.
Wrong arguments are `ValueError`s and are not listed here.
"""

from typing import Self

from likewise.errors import LikewiseError


class EmbedderError(LikewiseError):
    """Base of this package's errors."""


class ImageError(EmbedderError):
    """One picture cannot be read; the message is a short reason without its path."""

    def bare(self) -> Self:
        """A copy without a traceback, whose frames would keep the picture in memory."""
        return type(self)(*self.args)


class TooManyPixelsError(ImageError):
    """A picture exceeds the limit of pixels."""


class BoxError(ImageError):
    """The part of a picture that is meant is none, or reaches out of it; the picture is good."""


class FormatError(ImageError):
    """A picture is in a format that is not read, or not here; the message says what to do."""


class DecodingError(ImageError):
    """Decoding a picture took too long or ended its process; the message says which."""


class PreparationError(ImageError):
    """A picture would have to be prepared as version 0.1.0 did; the message says what to do."""


class EmbeddingError(ImageError):
    """The model gives no finite numbers for a picture; the message says for which."""


class DatasetError(EmbedderError):
    """A data set is missing, damaged or of unknown format; the message names file and row."""


class UnreadFormatError(DatasetError):
    """A file of a known format that holds no pictures, or that is not read."""


class ArchiveTooLargeError(DatasetError):
    """An archive is larger than the limit; the message has both sizes."""


class ModelError(EmbedderError):
    """A saved model is missing, altered or of an unexpected kind."""


class UnlabelledError(EmbedderError):
    """A picture that needs a label has none."""


class ImportOptionError(ModelError):
    """An option of an import is missing or cannot be; the message says which to give."""
