"""A base that is kept trains each adapter as if it had just been loaded."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bias_inherit.bias_augment.data.files import write_examples
from bias_inherit.bias_augment.training import known_tokens
from bias_inherit.bias_augment.training.finetune import finetune, prepare
from bias_inherit.bias_augment.training.kept_base import KeptBase
from bias_inherit.bias_augment.training.settings import Settings
from bias_inherit.errors import InputError
from bias_inherit.manifests import Original
from bias_inherit.mitigations import NONE, load_mitigation
from bias_inherit.models import adapter_sha256

SETTINGS = Settings(epochs=1, batch_size=8, rank=4, learning_rate=3e-3)


@pytest.fixture(scope="module")
def data(original, tmp_path_factory):
    path = tmp_path_factory.mktemp("kept") / "o.jsonl"
    write_examples(path, original[:16], Original(axis="gender"))
    return path


def test_adapters_are_those_of_bases_loaded_anew(lab_base, data, tmp_path):
    kept = KeptBase(lab_base)
    some = [
        SETTINGS,
        replace(SETTINGS, seed=1, dropout=0.1),
        replace(SETTINGS, checkpointing=True),
        replace(SETTINGS, learn="both"),
        SETTINGS,
    ]
    for i, settings in enumerate(some):
        prepare(kept, data, NONE, settings).train(tmp_path / f"kept{i}")
        finetune(lab_base, data, tmp_path / f"alone{i}", NONE, settings)
        assert adapter_sha256(tmp_path / f"kept{i}") == adapter_sha256(tmp_path / f"alone{i}"), i
    assert kept.loads == 2, "recomputed activations leave hooks behind"


def test_rows_are_made_into_tokens_once(lab_base, data, monkeypatch):
    kept = KeptBase(lab_base)
    first = prepare(kept, data, NONE, SETTINGS)
    made = kept.ids_of.made
    assert made > 16
    again = prepare(kept, data, load_mitigation("token"), replace(SETTINGS, seed=1))
    assert kept.ids_of.made == made, "the token mitigation writes nothing before original rows"
    plain = prepare(KeptBase(lab_base), data, NONE, SETTINGS)
    assert first.given.train == plain.given.train == again.given.train
    monkeypatch.setattr(known_tokens, "KEPT", 4)
    small = prepare(KeptBase(lab_base), data, NONE, SETTINGS)
    assert small.given.train == plain.given.train


def test_after_an_error_the_base_is_loaded_anew(lab_base, data, tmp_path):
    kept = KeptBase(lab_base)
    with pytest.raises(InputError, match="no linear layer"):
        prepare(kept, data, NONE, replace(SETTINGS, targets="heart")).train(tmp_path / "bad")
    prepare(kept, data, NONE, SETTINGS).train(tmp_path / "kept")
    finetune(lab_base, data, tmp_path / "alone", NONE, SETTINGS)
    assert adapter_sha256(tmp_path / "kept") == adapter_sha256(tmp_path / "alone")
    assert kept.loads == 2


def test_equal_trainings_have_one_hash(lab_base, data):
    kept = KeptBase(lab_base)

    def hash_of(mitigation, settings=SETTINGS):
        return prepare(kept, data, mitigation, settings).sha256

    plain = hash_of(NONE)
    # without augmented rows these two change nothing
    assert plain == hash_of(load_mitigation("token")) == hash_of(load_mitigation("mask"))
    loss = hash_of(load_mitigation("loss"))
    assert plain != loss != hash_of(load_mitigation("loss", {"lambda": "7"}))
    for changed in ({"rank": 8}, {"seed": 1}, {"learn": "both"}, {"held_out": 0.5}):
        assert plain != hash_of(NONE, replace(SETTINGS, **changed)), changed
