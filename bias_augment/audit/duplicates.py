"""Texts that repeat one another: exactly, or nearly (MinHash with bands, then exact Jaccard).

Near: the sets of word 5-grams of two texts have a Jaccard similarity of at least 0.8.
Candidates come from MinHash signatures in bands (Broder 1997; Leskovec, Rajaraman and
Ullman, Mining of Massive Datasets, ch. 3) and are then compared exactly, so nothing is
reported that is not near; at a similarity of just 0.8 one pair in 60 is missed. A large
cluster of near copies is settled in one pass over each bucket, where an index that is asked
for every row's candidates (datasketch's `MinHashLSH`) lists every pair.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import blake2b
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_matrix

from bias_inherit.bias_augment.audit.words import words

Codes: TypeAlias = NDArray[np.uint64]
Rows: TypeAlias = NDArray[np.int64]

SHINGLE = 5
NEAR = 0.8
BANDS, WIDTH = 18, 7
"""A pair of similarity s meets in a band with probability 1 - (1 - s^7)^18: 0.986 at 0.8."""
_LOOK = 0.7
"""Texts whose signatures agree less than this are not compared exactly: 2.8 standard errors
below 0.8, so that one pair in 400 of just that similarity is lost here."""

_AT_ONCE = 64


@dataclass(frozen=True)
class Duplicates:
    """Rows of D_a that another row repeats, of n rows.

    Attributes:
        n: rows of D_a.
        exact: rows whose text (in lower case, without punctuation) another row has too.
        near: rows with a near copy among the others; exact ones are among them.
        clusters: (rows, clusters): sizes of the clusters of near copies, largest first.
        original_n: rows of D_o; None without D_o, as are the next two.
        copied: rows whose text stands in D_o.
        near_copied: rows with a near copy in D_o; exact ones are among them.
    """

    n: int
    exact: int
    near: int
    clusters: list[tuple[int, int]]
    original_n: int | None
    copied: int | None
    near_copied: int | None


def find_duplicates(texts: Sequence[str], originals: Sequence[str] | None = None) -> Duplicates:
    """Return how many texts repeat others; see `Duplicates`."""
    plain = [" ".join(words(text)) for text in texts]
    many = Counter(plain)
    cluster_of = dict(zip(many, _cluster(_Texts(list(many))), strict=True)) if many else {}
    sizes = Counter(cluster_of[text] for text in plain)
    repeated = sorted((size for size in sizes.values() if size > 1), reverse=True)

    copied = near_copied = None
    if originals is not None:
        there = dict.fromkeys(" ".join(words(text)) for text in originals)
        copied = sum(n for text, n in many.items() if text in there)
        near = _find_copies(_Texts([*many, *there]), len(many))
        near_copied = sum(n for n, is_copy in zip(many.values(), near, strict=True) if is_copy)

    return Duplicates(
        len(texts),
        sum(n for n in many.values() if n > 1),
        sum(repeated),
        list(Counter(repeated).items()),
        None if originals is None else len(originals),
        copied,
        near_copied,
    )


class _Texts:
    """Distinct normalised texts: their sets of shingles, as a matrix, and their signatures."""

    def __init__(self, texts: Sequence[str]) -> None:
        sets = [_shingles(text) for text in texts]
        self.sizes = np.array([len(one) for one in sets], np.int64)
        codes = np.fromiter((code for one in sets for code in one), np.uint64)
        starts = np.concatenate([[0], np.cumsum(self.sizes)])
        self.signatures = _sign(codes, starts[:-1])
        known, columns = np.unique(codes, return_inverse=True)
        ones = np.ones(len(codes), np.int32)
        self._matrix = csr_matrix((ones, columns, starts), (len(sets), len(known)))
        self._brief = self.signatures.astype(np.uint16)
        self._one = np.zeros(len(known), np.int32)

    def alike(self, one: int, among: Rows) -> Rows:
        """Return those whose signatures agree enough with the text's, the most alike first."""
        agree = (self._brief[among] == self._brief[one]).sum(axis=1)
        close = np.flatnonzero(agree >= _LOOK * BANDS * WIDTH)
        return among[close[np.argsort(-agree[close], kind="stable")]]

    def near(self, one: int, among: Rows) -> Rows:
        """Return those whose shingles have a Jaccard similarity of `NEAR` with the text's."""
        shingles = self._matrix.indices[slice(*self._matrix.indptr[one : one + 2])]
        self._one[shingles] = 1
        shared = self._matrix[among] @ self._one
        self._one[shingles] = 0
        either = self.sizes[one] + self.sizes[among] - shared
        near: Rows = among[shared >= NEAR * either - 1e-9]
        return near


def _shingles(text: str) -> frozenset[int]:
    """Return a 64-bit code for each run of five words; of a shorter text, for the whole."""
    parts = text.split()
    runs = {" ".join(parts[i : i + SHINGLE]) for i in range(max(1, len(parts) - SHINGLE + 1))}
    return frozenset(
        int.from_bytes(blake2b(run.encode(), digest_size=8).digest(), "big") for run in runs
    )


def _sign(codes: Codes, starts: Rows) -> Codes:
    """Return MinHash signatures, shape (texts, BANDS * WIDTH), of runs of codes."""
    size = BANDS * WIDTH
    signatures = np.empty((len(starts), size), np.uint64)
    generator = np.random.default_rng(0)
    factors = generator.integers(1 << 63, size=size, dtype=np.uint64) * np.uint64(2) + np.uint64(1)
    shifts = generator.integers(1 << 63, size=size, dtype=np.uint64)
    for i, (factor, shift) in enumerate(zip(factors, shifts, strict=True)):
        signatures[:, i] = np.minimum.reduceat(codes * factor + shift, starts)
    return signatures


def _buckets(signatures: Codes) -> Iterator[Rows]:
    """Yield the texts that share a band, two or more at a time."""
    for band in range(BANDS):
        part = np.ascontiguousarray(signatures[:, band * WIDTH : (band + 1) * WIDTH])
        keys = part.view(np.dtype((np.void, part.itemsize * WIDTH))).ravel()
        _, inverse, counts = np.unique(keys, return_inverse=True, return_counts=True)
        order = np.argsort(inverse, kind="stable")
        ends = np.cumsum(counts)
        for end, many in zip(ends[counts > 1], counts[counts > 1], strict=True):
            yield order[end - many : end]


def _cluster(texts: _Texts) -> Rows:
    """Return a cluster number for each text: chains of near copies have the same one."""
    root = np.arange(len(texts.sizes))
    for bucket in _buckets(texts.signatures):
        for one in bucket:
            others = bucket[root[bucket] != root[one]]
            if others.size:
                joined = texts.near(one, texts.alike(one, others))
                if joined.size:
                    root[np.isin(root, root[joined])] = root[one]
            else:  # the whole bucket is one cluster
                break
    return root


def _find_copies(texts: _Texts, n: int) -> NDArray[np.bool_]:
    """Return whether each of the first n texts has a near copy among the others, shape (n,)."""
    found = np.zeros(n, np.bool_)
    for bucket in _buckets(texts.signatures):
        there = bucket[bucket >= n]
        for one in bucket[bucket < n] if there.size else ():
            if not found[one]:
                alike = texts.alike(one, there)
                parts = (alike[i : i + _AT_ONCE] for i in range(0, len(alike), _AT_ONCE))
                found[one] = any(texts.near(one, part).size for part in parts)
    return found
