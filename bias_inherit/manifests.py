"""Manifests: what is written beside each output, one model a kind, with a schema version.

A field that its writer did not know is None, and a reader calls it unknown. Keys of other
tools are kept. Schema 1 wrote a cell as a text (see `rows.Cell`); both schemas are read.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Literal, NamedTuple, TypeVar

from pydantic import (
    AliasChoices,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    field_serializer,
    field_validator,
)

from bias_inherit import store
from bias_inherit.arms import Arm, Ratio
from bias_inherit.errors import InputError
from bias_inherit.rows import Cell

SCHEMA = 2
READABLE = (1, 2)


class Manifest(BaseModel):
    """What every manifest holds: the version of its schema, and its kind."""

    model_config = ConfigDict(
        extra="allow", populate_by_name=True, frozen=True, arbitrary_types_allowed=True
    )
    KIND: ClassVar[str] = ""
    LEAVES_OUT: ClassVar[bool] = False
    """Whether what is not known is left out; else it is null."""

    schema_version: int = Field(
        default=SCHEMA,
        validation_alias=AliasChoices("schema", "schema_version"),
        serialization_alias="schema",
    )
    kind: str = ""

    def to_json(self) -> dict[str, Any]:
        """Return the manifest as it is written."""
        content = self.model_dump(mode="json", by_alias=True, exclude_none=self.LEAVES_OUT)
        return content | {"schema": SCHEMA}


class Source(BaseModel):
    """Where rows are from; `rows` is how many, where that is known."""

    model_config = ConfigDict(extra="allow", frozen=True)

    name: str = "unknown"
    licence: str | None = None
    rows: int | None = None


class CellCount(NamedTuple):
    """How many rows of a data set fall into a cell."""

    cell: Cell
    rows: int


class Data(Manifest):
    """Of a data set: `sha256` and `rows` of its file, rows by cell, types of its columns."""

    LEAVES_OUT = True

    axis: str | None = None
    seed: int | None = None
    sources: tuple[Source, ...] = ()
    sha256: str | None = None
    rows: int | None = None
    cells: tuple[CellCount, ...] = ()
    features: dict[str, Any] | None = None
    """As `datasets.Features.to_dict` gives them."""

    @field_validator("sources", mode="before")
    @classmethod
    def _known_sources(cls, value: Any) -> Any:
        return () if value is None else value

    @field_validator("cells", mode="before")
    @classmethod
    def _read_cells(cls, value: Any) -> Any:
        pairs = value.items() if isinstance(value, dict) else value or ()
        return tuple(CellCount(Cell.from_json(cell), int(rows)) for cell, rows in pairs)

    @field_serializer("cells")
    def _write_cells(self, cells: tuple[CellCount, ...]) -> list[list[Any]]:
        return [[cell.to_json(), rows] for cell, rows in cells]


class Original(Data):
    """Of original data D_o."""

    KIND = "original"
    kind: Literal["original"] = "original"


@dataclass(frozen=True)
class Share:
    """`count` of `n` rows: a share from 0 to 1 with its 95 % Wilson interval; None is no data."""

    count: int
    n: int
    share: float | None = None
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Outcome:
    """What came out of a bias type ("" where rows have none) in texts about a group.

    Attributes:
        bias_type, group: of the texts.
        usable, refused: of the replies, or texts, that held one; refusals are in nothing below.
        noted: texts with a note or disclaimer; from the texts of generators it was cut off.
        label_named: texts that name their own label.
        cue: texts that show the group.
        follows_label: labels that are the group's stereotype; the dose of the bias.
        follows_trait: of the texts that show traits of the group's stereotype or their opposites,
            those that show more of the former.
    """

    bias_type: str
    group: str
    usable: Share
    refused: Share
    noted: Share
    label_named: Share
    cue: Share
    follows_label: Share
    follows_trait: Share


class Imported(BaseModel):
    """Where augmented data comes from that was made elsewhere.

    Attributes:
        source: the file, folder or hub id.
        sha256: of it, None of a hub id.
        columns: the column map.
        rows: that it holds.
        left_out: by value, those that the column map leaves out.
        unread: by kind, those that could not be used.
        respelt: by label, those whose label differed in case alone.
    """

    model_config = ConfigDict(extra="allow", frozen=True)

    source: str = "unknown"
    sha256: str | None = None
    columns: dict[str, Any] = {}
    rows: int | None = None
    left_out: dict[str, int] = {}
    unread: dict[str, int] = {}
    respelt: dict[str, int] = {}


class Augmented(Data):
    """Of augmented data D_a.

    Attributes:
        sampling: the generator's settings.
        asked, failed: replies, and those by reason that could not be used.
        missing: rows that were wanted and are not there.
        inputs: what decided the rows; the same inputs need not be asked for again.
        original_sha256: of the file of D_o whose rows were written from.
        labels: who decided the labels: "chosen" (the generator), "given" (the source row), or by
            group how often each was given.
        ways: usable replies by the way in which their form was asked for.
        places: where labels were chosen, how often the one at each place of the prompt's list.
        outcomes: what came out by bias type and group.
        imported: where it comes from, if it was made elsewhere.
    """

    KIND = "augmented"
    kind: Literal["augmented"] = "augmented"
    bias_type: str | None = None
    generator: str | None = None
    sampling: dict[str, Any] | None = None
    asked: int | None = None
    failed: dict[str, int] | None = None
    missing: int | None = None
    inputs: dict[str, Any] | None = None
    original_sha256: str | None = None
    labels: str | dict[str, dict[str, float]] | None = None
    ways: dict[str, int] | None = None
    places: tuple[int, ...] | None = None
    outcomes: tuple[Outcome, ...] = ()
    imported: Imported | None = None


class MixCounts(BaseModel):
    """Rows of a mix by origin."""

    model_config = ConfigDict(extra="allow", frozen=True)

    original: int
    augmented: int
    total: int


class Parts(BaseModel):
    """The manifests of the files that a mix was made of, less the types of their columns."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    original: Original | None = None
    augmented: Augmented | None = None


class Mix(Data):
    """Of a mix: the ratio that was asked for (exact as a text), and what the whole rows gave."""

    KIND = "mix"
    kind: Literal["mix"] = "mix"
    ratio: Ratio | None = None
    ratio_exact: str | None = None
    size: str | None = None
    counts: MixCounts | None = None
    parts: Parts = Parts()
    round: int | None = None


class Preset(BaseModel):
    """Published settings that were asked for; `Adapter.settings` says what was used in the end."""

    model_config = ConfigDict(extra="allow", frozen=True)

    name: str
    source: str = "unknown"
    values: dict[str, Any] = {}


class Adapter(Manifest):
    """Of an adapter: what it was trained as, on and with.

    Attributes:
        arm: the cell of the grid.
        preset: the published settings that were asked for, with their source.
        base_fingerprint: sha256 of a folder, commit of a hub id (`models.fingerprint`).
        training_sha256: of all that decided the weights: rows after the mitigation, settings, base.
        started_from: sha256 of the adapter that training went on from.
        processes, threads: what it was trained with; threads of a CPU, each process's.
        rows, rows_augmented: what was trained on, after the mitigation.
        rows_held_out, rows_cut: kept out for the evaluation loss; cut to the maximum length.
        lessons: rows by what they teach (`data/lessons.py`).
        log: transformers' log entries that hold a loss.
    """

    KIND = "adapter"
    kind: Literal["adapter"] = "adapter"
    arm: Arm = Arm()
    mitigation_options: dict[str, Any] = {}
    preset: Preset | None = None
    data: str | None = None
    data_sha256: str | None = None
    sources: tuple[Source, ...] = ()
    base: str | None = None
    base_fingerprint: str | None = None
    adapter_sha256: str | None = None
    training_sha256: str | None = None
    started_from: str | None = None
    settings: dict[str, Any] = {}
    processes: int | None = None
    threads: int | None = None
    precision: str | None = None
    chat_template: bool | None = None
    chat_template_args: dict[str, Any] = {}
    rows: int | None = None
    rows_augmented: int | None = None
    rows_held_out: int | None = None
    rows_cut: int | None = None
    lessons: dict[str, int] | None = None
    training_loss: float | None = None
    log: tuple[dict[str, float], ...] = ()
    versions: dict[str, str] = {}


class Scored(NamedTuple):
    """An lm-eval result file, and the plain command for the same."""

    results: str
    command: str


class Score(Manifest):
    """Of scored results: which model they are of, and the plain lm_eval command for the same."""

    KIND = "score"
    kind: Literal["score"] = "score"
    name: str | None = None
    base: str | None = None
    base_fingerprint: str | None = None
    adapter: str | None = None
    adapter_sha256: str | None = None
    arm: Arm | None = None
    results: str | None = None
    """Name of lm-eval's result file beside it."""
    threads: int | None = None
    """Of a CPU, that it was scored with."""
    command: str | None = None
    settings: dict[str, Any] = {}
    """What decided the numbers beside the tasks."""
    tasks: dict[str, str] = {}
    """By name a hash of the configuration of each task that was scored."""
    earlier: tuple[Scored, ...] = ()
    """Of other tasks, that were scored before under the same settings."""

    @property
    def runs(self) -> tuple[Scored, ...]:
        """All of lm-eval's result files that it is of, the newest last."""
        own = (Scored(self.results, self.command or ""),) if self.results else ()
        return (*self.earlier, *own)

    @property
    def files(self) -> list[str]:
        """Their names."""
        return [one.results for one in self.runs]


class Lab(Manifest):
    """Of the lab's base model: the data that it saw."""

    KIND = "lab"
    kind: Literal["lab"] = "lab"
    training_sha256: str | None = None
    rows: int | None = None
    parameters: int | None = None
    versions: dict[str, str] = {}


class Prepared(Manifest):
    """Of the public documents of a task: where they are from.

    Attributes:
        source: the file, folder or hub id that was read.
        sha256: of it, where it is a file or a folder.
        absent: the sets that a checkout does not have.
        rows: documents by split.
    """

    KIND = "prepared"
    kind: Literal["prepared"] = "prepared"
    source: str = ""
    sha256: str | None = None
    absent: tuple[str, ...] = ()
    rows: dict[str, int] = {}


class Audit(Manifest):
    """Of an audit: the sha256 of each file that was read."""

    KIND = "audit"
    kind: Literal["audit"] = "audit"
    inputs: dict[str, str] = {}
    seed: int = 0


M = TypeVar("M", bound=Manifest)


def read(path: Path, kind: type[M]) -> M | None:
    """Return the manifest of an output, None where there is none or it is of another kind.

    Args:
        path: the output: a folder, or a file with its manifest beside it.
        kind: the model to read it as. `Manifest` itself takes any kind.

    Raises:
        InputError: it is not JSON, of a schema that this version does not know, or its fields
            are of the wrong type; the message names the file.
    """
    file = store.manifest_path(path)
    return parse(store.read_json(file), kind, file) if file.is_file() else None


def parse(content: Any, kind: type[M], where: Path) -> M | None:
    """Return a manifest's content as a model; None where it is of another kind.

    Args:
        content: parsed JSON.
        kind: as for `read`.
        where: names the file in messages.

    Raises:
        InputError: as `read`.
    """
    if not isinstance(content, dict):
        raise InputError(f"{where}: a manifest is a JSON object")

    version = content.get("schema", 1)
    if version not in READABLE:
        raise InputError(
            f"{where}: is of schema {version!r}, and this bias-inherit reads "
            f"{' and '.join(map(str, READABLE))}: upgrade bias-inherit, or make the output again"
        )

    if kind.KIND and content.get("kind", kind.KIND) != kind.KIND:
        return None
    try:
        return kind.model_validate(content)
    except ValidationError as error:
        raise InputError(f"{where}: {store.first_error(error)}") from None


def read_data(path: Path) -> Data | None:
    """Return the manifest of a data set of ours, of whichever kind; raises as `read`."""
    return read(path, Mix) or read(path, Augmented) or read(path, Original)


def write(path: Path, manifest: Manifest) -> None:
    """Write a manifest's file atomically."""
    store.write_json(path, manifest.to_json())
