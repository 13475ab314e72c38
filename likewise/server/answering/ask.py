"""Ask about the pictures of one request: large ones are decoded first, many go in pieces."""

from __future__ import annotations

import asyncio

import numpy as np

from embedder.errors import ImageError
from likewise.arrays import Floats
from likewise.server.answering.answer import Answer, Options, Question
from likewise.server.answering.pictures import LargePictureError, Pictures, prepare
from likewise.server.state import ServerState

PIECE = 256  # pictures of one request that are answered in one turn


async def ask(state: ServerState, options: Options, pictures: Pictures) -> list[Answer]:
    """Ask about the pictures or vectors of one request.

    Args:
        state: Holds the batcher, and the model that prepares pictures.
        options: The same for all.
        pictures: n of them.

    Returns:
        The answers of its pieces, in order.

    Raises:
        ImageError: If its only picture cannot be read; among others it is a row that says so.
        ApiError: If the options do not fit.
        EmptyGalleryError: If there are no references to compare with.
    """
    if pictures.is_large():
        pictures = await _prepared(state, pictures)
    try:
        answers = await _ask(state, options, pictures)
    except LargePictureError:
        answers = await _ask(state, options, await _prepared(state, pictures))
    if len(pictures) == 1 and answers[0].reasons:
        raise answers[0].reasons[0].bare()
    for answer in answers:
        state.metrics.decided(answer.decisions)
    return answers


def joined(answers: list[Answer]) -> tuple[Floats, dict[int, ImageError]]:
    """The vectors of all pieces, and the reasons of all, by their places in the request."""
    reasons = {
        PIECE * piece + place: error
        for piece, answer in enumerate(answers)
        for place, error in answer.reasons.items()
    }
    return np.concatenate([answer.vectors for answer in answers]), reasons


async def _ask(state: ServerState, options: Options, pictures: Pictures) -> list[Answer]:
    batcher, count = state.batcher, len(pictures)
    if count <= PIECE:
        return [await batcher.ask(Question(options, pictures), count)]
    pieces = [pictures.cut(start, start + PIECE) for start in range(0, count, PIECE)]
    return await asyncio.gather(
        *(batcher.ask(Question(options, some), len(some), piece=True) for some in pieces)
    )


async def _prepared(state: ServerState, pictures: Pictures) -> Pictures:
    """Decode large pictures in other threads, few at a time: they take memory."""
    async with state.decoding:
        embedder, most = state.matcher.embedder, state.settings.max_pixels
        return await asyncio.to_thread(prepare, pictures, embedder, most)
