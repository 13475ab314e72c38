"""What can go wrong between a picture and its answer, beyond what embedder and index say."""


class ServiceError(Exception):
    """Base of every error of this package; its text is one sentence for a person."""


class EmptyGalleryError(ServiceError):
    """A gallery without references cannot answer."""


class UnlabelledError(ServiceError):
    """A picture that should become a reference has no label."""


class ResumeError(ServiceError):
    """What an interrupted job left cannot be gone on with."""


class OverlapError(ServiceError):
    """Pictures to evaluate with were trained on, or are references."""


class ReportError(ServiceError):
    """A report cannot be written where it should be."""
