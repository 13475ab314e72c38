"""t-SNE, exact, in NumPy.

Van der Maaten and Hinton, Visualizing Data using t-SNE, JMLR 9 (2008), 2579-2605; begun at the two
largest principal components, so that groups lie about as they do in the whole (Kobak and Berens,
The art of using t-SNE, Nature Communications 10 (2019), 5416). scikit-learn's needs SciPy and more
time.

Does not approximate: time and memory grow with n², and 2,000 vectors are about the most.
"""

from __future__ import annotations

import numpy as np

from likewise.arrays import Doubles, Floats, Indices

PERPLEXITY = 30.0  # about the number of neighbours that pull at each vector
_PULLED = 3  # times the perplexity: the pull of neighbours beyond is negligible
_GATHERING, _SPREADING = 75, 175  # steps, the first ones with the pull exaggerated
_EXAGGERATION = 12.0
_START = 1e-4  # wide, so that the pull and not the start decides what lies where
_HALVINGS = 40
_FEWEST = 4  # fewer have no neighbourhoods to keep
_PAIRS_AT_ONCE = 65_536  # few enough for the cache, and for BLAS to start no threads


def tsne(vectors: Floats) -> Doubles:
    """Give each vector its place.

    Args:
        vectors: `(n, dim)`, finite.

    Returns:
        `(n, 2)`, around 0, in no unit; the same each time.

    Example:
        >>> places = tsne(np.repeat(np.eye(3, dtype=np.float32), 10, axis=0))
        >>> within, between = np.ptp(places[:10], axis=0), places[0] - places[10]
        >>> bool(np.linalg.norm(within) < np.linalg.norm(between) / 10)
        True
    """
    start = _plane(vectors)
    if len(vectors) < _FEWEST:
        return start
    start *= _START / (start[:, 0].std() or 1)
    return _settled(start.astype(np.float32), _pulls(vectors)).astype(np.float64)


def _plane(vectors: Floats) -> Doubles:
    """Principal components 1 and 2 (Pearson 1901), `(n, 2)`; 0 where there is no second."""
    centred = _centred(vectors)
    _, directions = np.linalg.eigh(centred.T @ centred)  # the largest come last
    plane: Doubles = centred @ directions[:, :-3:-1]
    return np.pad(plane, ((0, 0), (0, 2 - plane.shape[1])))


def _centred(vectors: Floats) -> Doubles:
    doubles: Doubles = vectors.astype(np.float64)
    return doubles - doubles.mean(axis=0) if len(doubles) else doubles


def _pulls(vectors: Floats) -> tuple[Indices, Indices, Floats]:
    """How much each vector and its neighbours belong together: p of equation 1, made symmetric.

    Returns:
        Indices of the pairs with a share above 0, ascending by the first, and the shares, 1 in all.
    """
    count = len(vectors)
    perplexity = min(PERPLEXITY, (count - 1) / _PULLED)
    centred = _centred(vectors)
    norms = np.einsum("nd,nd->n", centred, centred)
    squared = np.maximum(norms[:, None] + norms - 2 * centred @ centred.T, 0)
    np.fill_diagonal(squared, np.inf)
    depth = int(_PULLED * perplexity)
    near = np.argpartition(squared, depth - 1, axis=1)[:, :depth]
    shares = np.zeros((count, count))
    np.put_along_axis(
        shares, near, _conditional(np.take_along_axis(squared, near, axis=1), perplexity), axis=1
    )
    shares = (shares + shares.T) / (2 * count)
    first, second = np.nonzero(shares)
    return first, second, shares[first, second].astype(np.float32)


def _conditional(squared: Doubles, perplexity: float) -> Doubles:
    """Shares exp(-β d²), each row with the β whose perplexity is wanted, found by bisection."""
    gaps = squared - squared.min(axis=1, keepdims=True)
    gaps /= np.maximum(gaps.mean(axis=1, keepdims=True), 1e-300)  # so that β is of the order of 1
    low, high = np.full((len(gaps), 1), -20.0), np.full((len(gaps), 1), 20.0)
    for _ in range(_HALVINGS):
        middle = (low + high) / 2  # the logarithm of β
        shares = np.exp(-gaps * np.exp(middle))
        total = shares.sum(axis=1, keepdims=True)
        mean_gap = (gaps * shares).sum(axis=1, keepdims=True) / total
        wide = np.log(total) + np.exp(middle) * mean_gap > np.log(perplexity)
        low, high = np.where(wide, middle, low), np.where(wide, high, middle)
    conditional: Doubles = shares / total
    return conditional


def _settled(places: Floats, pulls: tuple[Indices, Indices, Floats]) -> Floats:
    """Descend the gradient 4 Σ (p − q)(y − y')w, equation 5, with Jacobs's adaptive gains."""
    first, second, shares = pulls
    starts = np.searchsorted(first, np.arange(len(places)))
    rate = np.float32(max(len(places) / _EXAGGERATION, 1))  # Belkina et al. 2019
    speed, gains = np.zeros_like(places), np.ones_like(places)
    for step in range(_GATHERING + _SPREADING):
        early = step < _GATHERING
        gaps = places.take(first, axis=0) - places.take(second, axis=0)  # [] takes ten times longer
        weights = shares / (1 + np.einsum("pd,pd->p", gaps, gaps))
        pull = np.add.reduceat(gaps * weights[:, None], starts)
        slope = 4 * (np.float32(_EXAGGERATION if early else 1) * pull - _push(places))
        too_far = np.sign(slope) == np.sign(speed)  # uphill by now
        gains = np.where(too_far, gains * np.float32(0.8), gains + np.float32(0.2))
        speed = np.float32(0.5 if early else 0.8) * speed - rate * gains * slope
        places = places + speed
    return places


def _push(places: Floats) -> Floats:
    """Σ q w (y − y') over all others: what keeps any two apart; w = 1 / (1 + |y − y'|²)."""
    count = len(places)
    squares, ones = (places**2).sum(axis=1, keepdims=True), np.ones((count, 1), np.float32)
    left, right = np.hstack([-2 * places, squares + 1, ones]), np.hstack([places, ones, squares]).T
    summed = np.empty((count, 3), np.float32)
    total = -float(count)  # no vector pushes itself
    step = max(1, _PAIRS_AT_ONCE // count)
    for start in range(0, count, step):
        weights = 1 / (left[start : start + step] @ right)
        total += float(weights.sum())
        summed[start : start + step] = (weights * weights) @ right[:3].T
    pushed: Floats = (summed[:, 2:] * places - summed[:, :2]) / np.float32(total)
    return pushed
