# SPDX-License-Identifier: GPL-3.0-or-later
"""How much alike photos look, from a vocabulary of local features learned from these photos themselves.

Nothing here depends on the order of the photos: given in another order they get the same similarities.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from ...errors import PhotoError, ReconstructionError
from ...progress import Progress, silent, span

FEATURES_PER_PHOTO = 400
"""Descriptors of a photo that are enough to compare it by."""

LOOKING_SIDE = 400
"""Longer side, in pixels, of the images that ``image_similarity`` looks at."""

_LENGTH = 128  # numbers in a SIFT descriptor
_UNIT = 512.0  # length of a RootSIFT descriptor stored in bytes
_WORDS = 1024
_FEWEST_PER_WORD = 4
_LEARN_FROM = 20_000
_ROUNDS = 3
_CHUNK = 4096  # rows compared with all words at once: 16 MB


def image_similarity(
    images: Sequence[NDArray[np.uint8]], *, progress: Progress = silent
) -> NDArray[np.float64]:
    """Similarity of images of any size, (H, W) grey or (H, W, 3) RGB uint8. Stage 'matching'.

    By SIFT features of the images made small. On 61 photos of five scenes together, 214 of their 1830 pairs
    with 30 verified matches or more, the 8 most similar of each photo were 276 pairs with 96 % of those.

    Returns:
        (N, N) in [0, 1], symmetric: see ``descriptor_similarity``.

    Raises:
        PhotoError: fewer than two images.
        ReconstructionError: an array is not such an image.
    """
    extractor = cv2.SIFT.create(nfeatures=FEATURES_PER_PHOTO)
    found = []
    for number, image in enumerate(images):
        progress("matching", 0.7 * number / len(images), f"Looking at photo {number + 1} of {len(images)}")
        _, descriptors = extractor.detectAndCompute(_small_grey(image), None)
        found.append(_root_sift(descriptors))
    return descriptor_similarity(found, progress=span(progress, 0.7, 1.0))


def descriptor_similarity(
    descriptors: Sequence[NDArray[np.uint8]], *, progress: Progress = silent
) -> NDArray[np.float64]:
    """Similarity of photos by their RootSIFT descriptors. Stage 'matching'.

    The descriptors of all photos together are quantised into visual words; a photo is the list of how often
    it shows each word, damped by the square root and weighted by how few photos show that word (tf-idf).
    Its similarity to another is the cosine between the two lists.

    Args:
        descriptors: per photo (n, 128) uint8, RootSIFT times 512 as COLMAP stores it; a few hundred each,
            n may be 0.

    Returns:
        (N, N) in [0, 1], symmetric, 1 on the diagonal; 0 to all others for a photo without descriptors.

    Raises:
        PhotoError: fewer than two photos.
        ReconstructionError: an array is not of that shape and type.
    """
    _check(descriptors)
    words = _vocabulary(np.concatenate(descriptors), span(progress, 0.0, 0.8))
    counts = np.zeros((len(descriptors), len(words)))
    for number, found in enumerate(descriptors):
        progress("matching", 0.8 + 0.2 * number / len(descriptors), "Comparing how photos look")
        counts[number] = np.bincount(_nearest(found.astype(np.float32), words, silent), minlength=len(words))
    showing = np.count_nonzero(counts, axis=0)
    rarity = np.log(len(descriptors) / np.maximum(showing, 1))
    shown = np.sqrt(counts) * rarity
    shown /= np.maximum(np.linalg.norm(shown, axis=1, keepdims=True), 1e-12)
    # Rounded: sums in another order must not decide between photos that are equally alike.
    similarity = np.round(np.clip(shown @ shown.T, 0.0, 1.0), 9)
    np.fill_diagonal(similarity, 1.0)
    return similarity


def _vocabulary(descriptors: NDArray[np.uint8], progress: Progress) -> NDArray[np.float32]:
    """Visual words (k, 128): centres found by k-means, the same for the same descriptors in any order."""
    if len(descriptors) == 0:
        return np.zeros((1, _LENGTH), np.float32)
    ordered = np.sort(np.ascontiguousarray(descriptors).view(f"S{_LENGTH}").ravel())
    ordered = ordered.astype(f"S{_LENGTH}").view(np.uint8).reshape(-1, _LENGTH)
    sample = ordered[_evenly(len(ordered), _LEARN_FROM)].astype(np.float32)
    words = sample[_evenly(len(sample), max(min(_WORDS, len(sample) // _FEWEST_PER_WORD), 1))]
    for done in range(_ROUNDS):
        nearest = _nearest(sample, words, span(progress, done / _ROUNDS, (done + 1) / _ROUNDS))
        order = np.argsort(nearest, kind="stable")
        used, starts, members = np.unique(nearest[order], return_index=True, return_counts=True)
        words = words.copy()
        words[used] = np.add.reduceat(sample[order], starts) / members[:, None]
    return words


def _evenly(count: int, most: int) -> NDArray[np.int64]:
    """At most ``most`` indices below ``count``, evenly spread."""
    return np.arange(min(count, most)) * count // min(count, most)


def _nearest(
    descriptors: NDArray[np.float32], words: NDArray[np.float32], progress: Progress
) -> NDArray[np.int64]:
    """Index of the word nearest to each descriptor, (n,)."""
    half_squares = 0.5 * (words**2).sum(axis=1)
    nearest = np.zeros(len(descriptors), np.int64)
    for start in range(0, len(descriptors), _CHUNK):
        progress("matching", start / len(descriptors), "Comparing how photos look")
        chunk = slice(start, start + _CHUNK)
        nearest[chunk] = (descriptors[chunk] @ words.T - half_squares).argmax(axis=1)
    return nearest


def _small_grey(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    if image.dtype != np.uint8 or image.ndim not in (2, 3) or image.shape[2:] not in ((), (3,)):
        raise ReconstructionError(
            f"Images to compare must be grey or RGB bytes, not {image.dtype} of shape {image.shape}: convert "
            "them first."
        )
    grey = image if image.ndim == 2 else cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    scale = LOOKING_SIDE / max(grey.shape)
    if scale >= 1.0:
        return grey
    return cv2.resize(grey, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)


def _root_sift(descriptors: NDArray[np.float32] | None) -> NDArray[np.uint8]:
    """RootSIFT (Arandjelović and Zisserman 2012): the square root of SIFT normalised to sum 1, in bytes."""
    if descriptors is None:
        return np.zeros((0, _LENGTH), np.uint8)
    shares = descriptors / np.maximum(descriptors.sum(axis=1, keepdims=True), 1e-12)
    return np.clip(np.rint(_UNIT * np.sqrt(shares)), 0, 255).astype(np.uint8)


def _check(descriptors: Sequence[NDArray[np.uint8]]) -> None:
    if len(descriptors) < 2:
        raise PhotoError("There is nothing to compare: at least two photos of the scene are needed.")
    for number, found in enumerate(descriptors):
        if found.dtype != np.uint8 or found.ndim != 2 or found.shape[1] != _LENGTH:
            raise ReconstructionError(
                f"The features of photo {number} are {found.dtype} of shape {found.shape}, not rows of "
                f"{_LENGTH} bytes: find the features again."
            )
