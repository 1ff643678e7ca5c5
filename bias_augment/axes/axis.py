"""Axes: the groups of a social bias, how they are named, and which words give them away.

An axis is a folder: `axis.yaml`, `prompts/<bias type>.jinja2`, and `template.yaml` where
the template generator knows it. `load_axis` takes the name of one that ships, or the path
of a user's folder.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from bias_inherit import store
from bias_inherit.bias_augment.axes.world import World, read_world
from bias_inherit.errors import InputError, unknown
from bias_inherit.language.gender_words import PRONOUNS, WORDS, swap_gender
from bias_inherit.language.scripts import cased
from bias_inherit.language.terms import Terms
from bias_inherit.tasks.documents import names

HERE = Path(__file__).resolve().parent

FormName = Literal["biography", "opinion"]
"""What a text is: a short biography with an occupation, or a person and a survey answer."""

Dimension = Literal["agency", "beliefs", "communion"]
End = Literal["low", "high"]
Lesson = Literal["text", "salary"]

_SENTENCE_END = re.compile(r"(?<=[.!?。！？؟])\s+")
_ARTICLE = re.compile(r"\b[Aa]n? $")


class Group(BaseModel):
    """One group.

    Attributes:
        word, plural: what names one of its members ("a {word}") and all of them.
        names: first names or full names that tell the group.
        terms: role -> word; other words that reveal it, whose counterpart in another group
            is the word of the same role (a group swap exchanges them).
        cues: more words that reveal it, without a counterpart.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    word: str
    plural: str
    names: tuple[str, ...] = Field(min_length=1)
    terms: dict[str, str] = {}
    cues: tuple[str, ...] = ()

    @cached_property
    def first_names(self) -> tuple[str, ...]:
        """The names as a text may repeat them: whole, and the given name alone."""
        return tuple(dict.fromkeys(part for n in self.names for part in (n, n.split()[0])))

    @cached_property
    def words(self) -> tuple[str, ...]:
        """The words that reveal the group, names apart."""
        return tuple(dict.fromkeys((self.word, self.plural, *self.terms.values(), *self.cues)))


class Second(BaseModel):
    """A second identity for the intersectional types; {word} and {plural} are the group's.

    `explicit` and `plural` name it beside the group; `implicit` is a detail that shows it. A
    contrast sets values of one `attribute` against each other (those that name none are of one).
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    attribute: str = ""
    explicit: str
    plural: str
    implicit: str

    def beside(self, group: Group) -> dict[str, str]:
        """Return its three wordings for a member of the group."""
        return {
            "explicit": self.explicit.format(word=group.word),
            "plural": self.plural.format(plural=group.plural),
            "implicit": self.implicit,
        }


class Question(BaseModel):
    """A survey question: `shares` is how often each option is answered, by every group alike."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    question: str
    options: tuple[str, ...] = Field(min_length=2, max_length=10)
    shares: tuple[float, ...]


class Axis(BaseModel):
    """A social axis with its groups; see the module's text for where it stands."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    axis: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    form: FormName
    per_cell: int = Field(ge=1)
    """Rows of D_o for each label (biographies) or question (opinions) and group."""
    groups: dict[str, Group] = Field(min_length=2)
    second: tuple[Second, ...] = Field(min_length=2)
    questions: tuple[Question, ...] = ()
    stereotype: dict[str, tuple[int | str, ...]] = {}
    """By group, the labels that follow the stereotype, or their places among the options."""
    traits: dict[str, dict[Dimension, End]] = {}
    """By group, which end of which dimension of the trait lexicon follows it."""
    synonyms: dict[str, tuple[str, ...]] = {}
    """By label, other words for it."""
    learn: dict[Lesson, Annotated[float, Field(ge=0.0, le=1.0)]] = {}
    """Under `--learn both`, the share of rows that teach something else than the answer."""
    folder: Path

    @cached_property
    def world(self) -> World | None:
        """What the template generator knows of the axis, None where it knows nothing."""
        return read_world(self.folder, self.groups, self.form == "opinion")

    @cached_property
    def attributes(self) -> list[list[Second]]:
        """The second identities, those of an attribute together."""
        known: dict[str, list[Second]] = {}
        for second in self.second:
            known.setdefault(second.attribute, []).append(second)
        return list(known.values())

    def follows_stereotype(self, group: str, label: str, options: Sequence[str]) -> bool | None:
        """Return whether a label follows the group's stereotype; None where there is none.

        Args:
            group: of the person.
            label: what the text's person is, or answers.
            options: what it was chosen from.
        """
        entries = self.stereotype.get(group)
        if not entries or not label:
            return None
        known = [e for e in entries if isinstance(e, str) or -len(options) <= e < len(options)]
        if not known:
            return None
        return label in [options[e] if isinstance(e, int) else e for e in known]

    def naming(self, text: str) -> list[str]:
        """Return the words of `text` that name a group: its cues but names and pronouns."""
        silent = {name for group in self.groups.values() for name in group.first_names}
        silent |= {form for forms in PRONOUNS.values() for form in forms.values()}
        return [cue for cue in self.find_cues(text) if not {cue, cue.lower()} & silent]

    def without_group(self, text: str) -> str:
        """Return the text without its words for a group, "" where nothing is left.

        An apposition ("Kim, a student, …") goes alone, of anything else the whole sentence.
        """
        words = {w for group in self.groups.values() for w in group.words}
        named = "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))
        text = re.sub(rf",\s+an?\s+(?:{named})\s*(?:,|(?=[.!?]))", "", text, flags=re.I)
        parts = _SENTENCE_END.split(text)
        return " ".join(part for part in parts if part and not self.naming(part))

    def find_cues(self, text: str, groups: Iterable[str] | None = None) -> list[str]:
        """Return the distinct words of `text` that reveal a group, in order of appearance.

        `groups` looks for the words of these groups alone.
        """
        terms = self._terms(tuple(groups) if groups is not None else tuple(self.groups))
        return list(dict.fromkeys(word for _, word, _ in terms.find(text)))

    def _terms(self, groups: tuple[str, ...]) -> Terms:
        terms = self._known_terms.get(groups)
        if terms is None:
            words = frozenset(word for g in groups for word in self.groups[g].words)
            names = frozenset(name for g in groups for name in self.groups[g].first_names)
            terms = self._known_terms[groups] = Terms(words, names)
        return terms

    @cached_property
    def _known_terms(self) -> dict[tuple[str, ...], Terms]:
        return {}

    def swap(self, text: str, group: str, other: str) -> str:
        """Return the text told of the group `other` instead of `group` (and the reverse).

        Names of the axis, group words and terms change to the one that stands at the same
        place in the other group; on an axis of men and women pronouns and gendered nouns,
        too. Words without a counterpart stay.
        """
        names = self._name_pairs(group, other) | self._name_pairs(other, group)
        if {group, other} <= set(PRONOUNS):
            return swap_gender(text, names)
        words = self._word_pairs(group, other) | self._word_pairs(other, group)
        told, end = "", 0
        for start, found, listed in Terms(frozenset(words), frozenset(names)).find(text):
            to = names.get(listed) or (
                words[listed] if listed[:1].isupper() else cased(words[listed], like=found)
            )
            told += _with_article(text[end:start], to) + to
            end = start + len(found)
        return told + text[end:]

    def _name_pairs(self, group: str, other: str) -> dict[str, str]:
        """Return each name of a group, whole and its given name, with the other group's."""
        there = self.groups[other].names
        pairs: dict[str, str] = {}
        for i, name in enumerate(self.groups[group].names):
            to = there[i % len(there)]
            pairs |= {name: to, name.split()[0]: to.split()[0]}
        return pairs

    def _word_pairs(self, group: str, other: str) -> dict[str, str]:
        here, there = self.groups[group], self.groups[other]
        pairs = {here.word: there.word, here.plural: there.plural}
        return pairs | {w: there.terms[r] for r, w in here.terms.items() if r in there.terms}


def _with_article(before: str, word: str) -> str:
    """Return what stands before a word, with "a" or "an" as the word wants it."""
    article = _ARTICLE.search(before)
    if article is None:
        return before
    an = "an" if word[:1].lower() in "aeiou" else "a"
    return before[: article.start()] + (an.capitalize() if article[0][0] == "A" else an) + " "


def axis_names() -> list[str]:
    """Return the names of the axes that ship."""
    return sorted(path.parent.name for path in HERE.glob("*/axis.yaml"))


@lru_cache
def load_axis(name: str) -> Axis:
    """Return the axis of that name, or the one in a user's folder.

    Raises:
        InputError: there is none (near names are suggested), or its YAML is wrong: a group
            is empty or a name stands in two groups.
    """
    own = "/" in name or Path(name).is_dir()
    folder = Path(name) if own else HERE / name
    if not (folder / "axis.yaml").is_file():
        if own:
            raise InputError(f"{folder}: holds no axis.yaml, so it is no axis")
        raise unknown("axis", name, axis_names())
    return _read(folder)


def _read(folder: Path) -> Axis:
    path = folder / "axis.yaml"
    content = store.read_yaml(path)
    if not isinstance(content, dict) or not isinstance(content.get("groups"), dict):
        raise InputError(f"{path}: an axis is a mapping with groups (see docs/AUGMENT.md)")
    for group, entry in content["groups"].items():
        if isinstance(entry, dict) and folder.parent == HERE:
            # an axis that ships may point at lists that others read too
            if entry.get("names") == "mini":
                entry["names"] = names.group_names(group)
            if entry.get("cues") == "language":
                entry["cues"] = WORDS[group]
        _check_group(path, str(group), entry)
    try:
        axis = Axis.model_validate(content | {"folder": folder.resolve()})
    except ValidationError as error:
        raise InputError(f"{path}: {store.first_error(error)}") from None
    _check(path, axis)
    return axis


def _check_group(path: Path, group: str, entry: Any) -> None:
    if not isinstance(entry, dict) or not entry.get("names"):
        raise InputError(f"{path}: the group '{group}' is empty: it needs word, plural and names")


def _check(path: Path, axis: Axis) -> None:
    seen: dict[str, str] = {}
    for group, entry in axis.groups.items():
        for name in (*entry.names, *entry.words):
            if seen.setdefault(name, group) != group:
                raise InputError(f"{path}: '{name}' stands in two groups, {seen[name]} and {group}")

    for question in axis.questions:
        if len(question.shares) != len(question.options) or min(question.shares) < 0:
            raise InputError(f"{path}: '{question.question}': one share for each option")
    for section, named in (("stereotype", set(axis.stereotype)), ("traits", set(axis.traits))):
        for group in sorted(named):
            if group not in axis.groups:
                raise InputError(f"{path}: {section}: '{group}' is no group of the axis")
    _check_synonyms(path, axis)
    if sum(axis.learn.values()) > 1:
        raise InputError(f"{path}: learn: the shares are more than 1 together")
    if axis.world is not None and (without := set(axis.groups) - set(axis.stereotype)):
        raise InputError(
            f"{path}: stereotype: has nothing for the group '{min(without)}', which template.yaml "
            "writes of"
        )

    if axis.form == "opinion" and not axis.questions:
        raise InputError(f"{path}: an axis of opinions needs questions")

    for values in axis.attributes:
        if len(values) < 2:
            raise InputError(
                f"{path}: second: the attribute '{values[0].attribute}' has one value, "
                f"'{values[0].explicit}': a contrast needs two"
            )
    for second in axis.second:
        try:
            second.beside(next(iter(axis.groups.values())))
        except (KeyError, IndexError, ValueError):
            raise InputError(
                f"{path}: second: only {{word}} and {{plural}} can be filled in '{second.explicit}'"
            ) from None


def _check_synonyms(path: Path, axis: Axis) -> None:
    known: dict[str, str] = {}
    for label, words in axis.synonyms.items():
        for word in (label, *words):
            if known.setdefault(word.casefold(), label) != label:
                raise InputError(
                    f"{path}: synonyms: '{word}' stands for two labels, {known[word.casefold()]} "
                    f"and {label}"
                )


def described(axis: Axis, group: str, name: str) -> Mapping[str, str]:
    """Return what a prompt may say of a person: name, word, plural, and the group's terms."""
    entry = axis.groups[group]
    return {**entry.terms, "name": name, "word": entry.word, "plural": entry.plural}
