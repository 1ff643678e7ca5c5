"""The grid: what an experiment is, in one YAML file.

Each block under `grid` is a product of its axes, bias types, ratios, mitigations and seeds; what is
not a product is several blocks. All else is said once for all arms.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import fields
from fractions import Fraction
from pathlib import Path
from typing import Annotated, Any, Literal, TypeAlias, TypeVar

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PlainSerializer,
    ValidationError,
    field_validator,
    model_validator,
)

from bias_inherit import store
from bias_inherit.bias_augment.data.mix import Size, parse_ratio
from bias_inherit.bias_augment.lab.settings import settings_for
from bias_inherit.bias_augment.training.settings import Settings
from bias_inherit.bias_augment.writing.labels import Who
from bias_inherit.errors import InputError, unknown
from bias_inherit.models import LAB
from bias_inherit.options import options_of

PRESETS = Path(__file__).parent / "presets"

T = TypeVar("T")


def _listed(value: Any) -> Any:
    return value if isinstance(value, list) else [value]


def _ratio(value: Any) -> Any:
    return parse_ratio(str(value)) if isinstance(value, (str, int, float)) else value


Ratio: TypeAlias = Annotated[
    Fraction, BeforeValidator(_ratio, json_schema_input_type=float | str), PlainSerializer(str)
]
"""The bias ratio, written 0.2, 20% or 1/5; exact."""
Rows: TypeAlias = Annotated[int, Field(ge=1)]
"""A number of rows."""
Many: TypeAlias = Annotated[list[T], BeforeValidator(_listed), Field(min_length=1)]
"""One value, or a list of them."""


class Part(BaseModel):
    """A part of the file: a key that it has not is an error that names near ones."""

    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)

    @model_validator(mode="before")
    @classmethod
    def _known_keys(cls, value: Any) -> Any:
        if isinstance(value, Mapping):
            for key in value:
                if key not in cls.model_fields:
                    raise ValueError(str(unknown("key", str(key), cls.model_fields)))
        return value


class Rounds(Part):
    """Rounds after round 0: each round's adapter writes the next round's data."""

    after: int = Field(default=3, ge=1, description="Rounds after round 0.")
    original: Literal["fixed", "fresh"] = Field(
        default="fixed", description="The same original data, or fresh ones each round."
    )
    start: Literal["base", "previous"] = Field(
        default="base",
        description="Train each round from the base, or on from the previous adapter.",
    )
    writer: Literal["self", "generator"] = Field(
        default="self",
        description="The last round's adapter writes, or the generator under `writing`.",
    )
    writing: dict[str, Any] = Field(
        default_factory=dict, description="Options of the local generator where it writes itself."
    )


class Training(Part):
    """How adapters are trained: a preset, and settings of `bias-inherit finetune` over it."""

    model_config = ConfigDict(extra="allow")

    preset: str | None = Field(default=None, description="Published settings to begin with.")

    @model_validator(mode="before")
    @classmethod
    def _known_keys(cls, value: Any) -> Any:
        known = [option.name for option in options_of(Settings)]
        for key in value if isinstance(value, Mapping) else ():
            if key not in (*known, "preset"):
                raise ValueError(str(unknown("key", str(key), [*known, "preset"])))
        return value

    def settings(self, base: str, seed: int, over: Training | None = None) -> Settings:
        """Return the settings of an arm.

        Args:
            base: as the grid names it.
            seed: of the arm.
            over: settings of its block, which stand over these.

        Raises:
            InputError: there is no such preset, or a value is wrong.
        """
        over = over or Training()
        given = {**(self.model_extra or {}), **(over.model_extra or {})}
        kinds = {field.name: field.type for field in fields(Settings)}
        for name, value in given.items():
            if kinds[name] == "float" and isinstance(value, (int, str)):
                given[name] = _number(name, value)  # YAML reads 1e-4 as a text
        try:
            return settings_for(base, over.preset or self.preset, given | {"seed": seed})
        except TypeError:
            raise InputError(f"training: a value is of the wrong type: {given}") from None


def _number(name: str, value: object) -> float:
    try:
        return float(str(value))
    except ValueError:
        raise InputError(f"training: {name}: '{value}' is no number") from None


class Block(Part):
    """A product of arms."""

    axes: Many[str] = Field(description="Names, or folders of one's own.")
    bias_types: Annotated[list[str], BeforeValidator(_listed)] = Field(
        default_factory=list, description="Types, controls, or sets such as six."
    )
    ratios: Many[Ratio] = Field(description="Bias ratios |D_a| / |D|, such as 0, 20% or 1/2.")
    mitigations: Many[str] = Field(
        default_factory=lambda: ["none"],
        description="Names or .py files, with options behind a colon: loss:lambda=1.",
    )
    seeds: Many[int] = Field(default_factory=lambda: [0], description="Of mixes and training.")
    rounds: Rounds | None = Field(
        default=None, description="Each adapter writes the next one's data."
    )
    training: Training | None = Field(default=None, description="Settings of this block alone.")

    @model_validator(mode="after")
    def _has_types(self) -> Block:
        if any(self.ratios) and not self.bias_types:
            raise ValueError("ratios above 0 need bias_types")
        if self.rounds is not None and not any(self.ratios):
            raise ValueError("rounds need a ratio above 0")
        return self


class Data(Part):
    """Where the original data are from, and how large mixes are."""

    original: str | None = Field(
        default=None,
        description="mini, full, a prepared folder, or a file of original data of one's own; "
        "default: BIAS_INHERIT_DATA, else mini.",
    )
    per_cell: Rows | dict[str, Rows] | None = Field(
        default=None,
        description="Rows per label and group, also by axis ({gender: 12, culture: 6}); default: "
        "the axis's own.",
    )
    balanced: bool = Field(default=True, description="Whether every cell must have that many.")
    size: Size = Field(default="original-fixed", description="The size rule of the mixes.")
    augmented: dict[str, Path] = Field(
        default_factory=dict,
        description="Files of augmented data by bias type, which are then not written.",
    )

    def rows_per_cell(self, axis: str) -> int | None:
        """Return the rows per label and group of an axis; None is the axis's own number."""
        return self.per_cell.get(axis) if isinstance(self.per_cell, dict) else self.per_cell

    @property
    def own_rows(self) -> Path | None:
        """The file of original data of the user's own; None where they are drawn."""
        path = Path(self.original or "")
        return path if path.is_file() else None

    @model_validator(mode="after")
    def _all_rows(self) -> Data:
        if self.own_rows is not None and self.per_cell is not None:
            raise ValueError("per_cell: all rows of a file of one's own are taken; leave it out")
        return self


class Writing(Part):
    """Who writes the augmented data, and who decides the labels."""

    generator: str = Field(default="template", description="See `bias-inherit generators`.")
    options: dict[str, Any] = Field(default_factory=dict, description="Of the generator.")
    label: Who | None = Field(default=None, description="given or chosen.")
    label_share: Path | dict[str, dict[str | int, float]] | None = Field(
        default=None, description="Labels by group, as counts or shares, or a file of them."
    )


class Scoring(Part):
    """How adapters are scored; names are those of `bias-inherit score`."""

    tasks: Many[str] = Field(
        default_factory=lambda: ["bias_inherit_*"], description="Names and patterns."
    )
    data: str | None = Field(
        default=None, description="mini, full or a prepared folder; default: the original data's."
    )
    forms: str | None = Field(default=None, description="Forms of the questions: 2 or 1,3 or all.")
    limit: int | None = Field(default=None, ge=1, description="Documents per task.")
    stories: int | None = Field(default=None, ge=1, description="Stories a name.")
    traits: str | None = Field(default=None, description="A trait lexicon in place of ours.")
    batch_size: int = Field(default=16, ge=1)
    apply_chat_template: bool | None = Field(default=None, description="Default: as trained.")
    exact: bool = Field(default=False, description="Each number to the bit as lm_eval's own.")
    spill_over: Annotated[list[str], BeforeValidator(_listed)] = Field(
        default_factory=list,
        description="lm-eval's own tasks beside ours, by kind: ability, truthfulness, safety.",
    )

    @field_validator("forms", mode="before")
    @classmethod
    def _one_form(cls, value: Any) -> Any:
        return str(value) if isinstance(value, int) else value


class Grid(Part):
    """An experiment: arms on one base, their data, how they are trained and scored."""

    base: str = Field(default=LAB, description="lab, real, a folder, a hub id or a .gguf file.")
    grid: Many[Block] = Field(description="Products of arms.")
    data: Data = Data()
    writing: Writing = Writing()
    training: Training = Training()
    scoring: Scoring = Scoring()
    notice: str = Field(default="", description="What readers of the table should know.")


def presets() -> Mapping[str, Path]:
    """Return the files of the grids that ship, by name."""
    return {path.stem: path for path in sorted(PRESETS.glob("*.yaml"))}


def read_grid(source: str) -> Grid:
    """Return the grid of a YAML file, or of a preset.

    Raises:
        InputError: there is no such file or preset (near names are suggested), it is not YAML, or
            a key or a value is wrong.
    """
    path = presets().get(source, Path(source))
    if not path.is_file():
        if path.suffix not in (".yaml", ".yml"):
            raise unknown("preset", source, presets())
        raise InputError(f"{path}: no such file; presets: {', '.join(presets())}")
    content = store.read_yaml(path)
    if not isinstance(content, Mapping):
        raise InputError(f"{path}: expected `base:`, `grid:` and so on, found no such keys")
    return parse_grid(content, str(path))


def parse_grid(content: Mapping[str, Any], where: str) -> Grid:
    """Return a grid from what its file holds.

    Args:
        content: keys and values.
        where: begins messages.

    Raises:
        InputError: a key or a value is wrong.
    """
    try:
        return Grid.model_validate(content)
    except ValidationError as error:
        first = _telling(error.errors())
        named = ".".join(part for part in map(str, first["loc"]) if not _KIND.fullmatch(part))
        said = first["msg"].removeprefix("Value error, ")
        if first["type"] == "literal_error":
            known = re.findall(r"'(.*?)'", first["ctx"]["expected"])
            said = str(unknown(str(first["loc"][-1]), str(first["input"]), known))
        raise InputError(f"{where}: {named}: {said}" if named else f"{where}: {said}") from None
    except InputError as error:
        raise InputError(f"{where}: {error}") from None


_KIND = re.compile(r"(constrained-)?int|.*\[.*\]")
"""What pydantic calls an alternative, which is no key of the file."""


def _telling(errors: Sequence[Any]) -> Any:
    """Return of pydantic's errors the first, or of alternatives the one that came farthest."""
    first, *others = errors
    where = first["loc"][:-1]
    beside = [one for one in others if where and one["loc"][: len(where)] == where]
    return max([first, *beside], key=lambda one: len(one["loc"]))


def json_schema() -> Mapping[str, Any]:
    """Return the JSON schema of the file, for editors."""
    schema = Grid.model_json_schema()
    settings = {
        option.name: {"description": option.help, "default": option.default}
        for option in options_of(Settings)
    }
    training = schema["$defs"]["Training"]
    training["properties"] |= settings
    training["additionalProperties"] = False
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **_one_or_many(schema)}


def _one_or_many(schema: Any) -> Any:
    """Let every list be one value too, as `Many` does."""
    if isinstance(schema, list):
        return [_one_or_many(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    plain = {key: _one_or_many(value) for key, value in schema.items()}
    if plain.get("type") != "array":
        return plain
    said = {key: plain.pop(key) for key in ("title", "description", "default") if key in plain}
    return said | {"anyOf": [plain["items"], plain]}
