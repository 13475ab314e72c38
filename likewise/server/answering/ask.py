"""Asks about the pictures of one request: large ones are prepared before, many go in pieces."""

from __future__ import annotations

import asyncio

import numpy as np

from embedder.errors import ImageError
from likewise.arrays import Floats
from likewise.server.answering.answer import Answer, Options, Question
from likewise.server.answering.pictures import LargePictureError, Subject, prepare
from likewise.server.state import Context

PIECE = 256  # pictures of one request that are answered in one turn


async def ask(context: Context, options: Options, subject: Subject) -> list[Answer]:
    """Ask about a subject.

    Returns:
        The answers of its pieces, in order.

    Raises:
        ImageError: If its only picture cannot be read; among others it is a row that says so.
        ApiError: If the options do not fit.
        EmptyGalleryError: If there are no references to compare with.
    """
    if subject.is_large():
        subject = await _prepared(context, subject)
    try:
        answers = await _ask(context, options, subject)
    except LargePictureError:
        answers = await _ask(context, options, await _prepared(context, subject))
    if len(subject) == 1 and answers[0].reasons:
        raise answers[0].reasons[0].bare()
    for answer in answers:
        context.metrics.decided(answer.decisions)
    return answers


def joined(answers: list[Answer]) -> tuple[Floats, dict[int, ImageError]]:
    """The vectors of all pieces, and the reasons of all, by their places in the request."""
    reasons = {
        PIECE * piece + place: error
        for piece, answer in enumerate(answers)
        for place, error in answer.reasons.items()
    }
    return np.concatenate([answer.vectors for answer in answers]), reasons


async def _ask(context: Context, options: Options, subject: Subject) -> list[Answer]:
    batcher, count = context.batcher, len(subject)
    if count <= PIECE:
        return [await batcher.ask(Question(options, subject), count)]
    pieces = [subject.cut(start, start + PIECE) for start in range(0, count, PIECE)]
    return await asyncio.gather(
        *(batcher.ask(Question(options, some), len(some), piece=True) for some in pieces)
    )


async def _prepared(context: Context, subject: Subject) -> Subject:
    """Decode large pictures beside the thread that answers; few at a time, as they take memory."""
    async with context.decoding:
        embedder, most = context.matcher.embedder, context.settings.max_pixels
        return await asyncio.to_thread(prepare, subject, embedder, most)
