"""The nouns of the data: an example that a model is trained on, and the cell it belongs to."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple, cast

from typing_extensions import Required, TypedDict

Origin = Literal["original", "augmented"]
ORIGINAL: Origin = "original"
AUGMENTED: Origin = "augmented"
Learn = Literal["answer", "text", "both"]
"""What rows are to teach (`bias_augment/data/lessons.py`)."""
UNKNOWN = "unknown"
"""Bias type and generator of augmented rows that came from elsewhere, where nobody knows them."""


class Example(TypedDict, total=False):
    """A row that a model is trained on, in trl's prompt-completion form.

    A file of somebody else's may hold more columns: they are kept. A string that does not apply
    is "", never null, for `datasets` infers a column's type from the first rows of a file.
    """

    id: Required[str]
    prompt: Required[str]
    """What the model is asked."""
    completion: Required[str]
    """What it is trained to answer; begins with a blank."""
    axis: str
    group: dict[str, str]
    """By axis, the group of the person that the row is about."""
    label: str
    """The right option, as a text."""
    options: list[str]
    """What the label was chosen from."""
    question: str
    """The survey question of an opinion; "" for a biography."""
    text: str
    """What the prompt asks about; the prompt holds it whole."""
    origin: Origin
    bias_type: str
    seed_id: str
    """The id of the original row that an augmented one was written from."""
    generator: str
    prompt_sha256: str
    """Of what the generator was asked."""
    cues: list[str]
    """The words of the text that reveal a group."""
    lesson: str
    """What the row teaches, where it is not the answer about its text."""
    weight: float
    """Factor of the row's loss; a row without one has 1."""


BETWEEN, WITHIN = "\x1f", "\x1e"
SEPARATORS = frozenset((BETWEEN, WITHIN))
"""Control characters that no label and no group may hold."""


class Cell(NamedTuple):
    """What mixes are stratified by, and what manifests count: origin, label and groups.

    As JSON it is the list `[origin, label, {axis: group}]`.
    """

    origin: Origin
    label: str
    groups: tuple[tuple[str, str], ...]
    """(axis, group), sorted by axis."""

    @classmethod
    def of(cls, example: Example) -> Cell:
        """Return the cell of an example; one without an origin is original."""
        groups = tuple(sorted(example.get("group", {}).items()))
        return cls(example.get("origin", ORIGINAL), str(example.get("label", "")), groups)

    @classmethod
    def from_json(cls, value: Any) -> Cell:
        """Return the cell of a manifest: a list, or schema 1's "origin label|axis=group,…".

        Raises:
            ValueError: the value is neither.
        """
        if isinstance(value, str):  # of schema 1, ambiguous where a name held "|" or "="
            origin, _, rest = value.partition(" ")
            label, _, groups = rest.rpartition("|")
            pairs = [pair.partition("=") for pair in groups.split(",") if pair]
            return cls(cast(Origin, origin), label, tuple((axis, name) for axis, _, name in pairs))

        if not isinstance(value, (list, tuple)) or len(value) != 3:
            raise ValueError("a cell is a list of origin, label and groups")
        origin, label, by_axis = value
        found = by_axis.items() if isinstance(by_axis, dict) else by_axis
        return cls(origin, str(label), tuple(sorted((str(a), str(g)) for a, g in found)))

    @property
    def key(self) -> str:
        """Label and groups as one text, whatever characters the names are made of."""
        pairs = (f"{axis}{WITHIN}{group}" for axis, group in self.groups)
        return BETWEEN.join([self.label, *pairs])

    @classmethod
    def from_key(cls, origin: Origin, key: str) -> Cell:
        """Return the cell of a key."""
        label, *pairs = key.split(BETWEEN)
        split = (pair.partition(WITHIN) for pair in pairs)
        return cls(origin, label, tuple((axis, group) for axis, _, group in split))

    @property
    def groups_text(self) -> str:
        """The groups as a reader sees them: `age=young,gender=female`."""
        return ",".join(f"{axis}={group}" for axis, group in self.groups)

    def to_json(self) -> list[Any]:
        """Return `[origin, label, {axis: group}]`."""
        return [self.origin, self.label, dict(self.groups)]
