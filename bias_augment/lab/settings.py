"""How adapters are trained where nobody says otherwise: on the lab's toy model, and elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from bias_inherit.bias_augment.training.settings import Settings, load_preset
from bias_inherit.models import LAB

SETTINGS = Settings(learning_rate=3e-3, epochs=5, batch_size=16)
"""On the lab's model: a tiny model needs a large step."""


def settings_for(
    base: str, preset: str | None = None, given: Mapping[str, Any] | None = None
) -> Settings:
    """Return the settings for a base: the lab's, or the usual ones; then a preset, then `given`.

    Raises:
        InputError: there is no such preset, or a value is wrong.
    """
    usual = SETTINGS if base == LAB and preset is None else Settings()
    published = load_preset(preset).values if preset is not None else {}
    return replace(usual, **{**published, **(given or {})})
