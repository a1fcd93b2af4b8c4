"""The geometry of a gpt-oss model, from either of the two published styles of `config.json`.

OpenAI's own files name `num_experts` and put the rope's numbers at the top level; Hugging Face's name
`num_local_experts` and put them under `rope_scaling` (transformers 4) or `rope_parameters` (transformers 5).
"""

import json
from math import log
from pathlib import Path
from typing import Any

from msgspec import Struct

from gptoss.engine.errors import CheckpointError

SWIGLU_ALPHA = 1.702
WINDOWED, FULL = "sliding_attention", "full_attention"


class RopeConfig(Struct, frozen=True, kw_only=True):
    """Rotary positions, stretched by YaRN (https://arxiv.org/abs/2309.00071) when `factor` is above 1.

    Dimensions that turn more than `beta_fast` times within `original_context` positions keep their frequency, those
    that turn less than `beta_slow` times are slowed down by `factor`; between the two it is a ramp, whose ends are
    whole numbers if `truncate`. Cosines and sines are multiplied by `concentration`.
    """

    theta: float
    factor: float = 1.0
    beta_slow: float = 1.0
    beta_fast: float = 32.0
    original_context: int = 4096
    truncate: bool = False
    concentration: float = 1.0


class ModelConfig(Struct, frozen=True, kw_only=True):
    """All that the arithmetic depends on. `windows` holds, for each layer, how many positions it looks back on (its own
    included), None for all of them. `max_context` is in tokens."""

    hidden_size: int
    intermediate_size: int
    num_hidden_layers: int
    num_attention_heads: int
    num_key_value_heads: int
    head_dim: int
    num_experts: int
    experts_per_token: int
    vocab_size: int
    windows: tuple[int | None, ...]
    max_context: int
    rope: RopeConfig
    swiglu_alpha: float = SWIGLU_ALPHA
    swiglu_limit: float = 7.0
    rms_norm_eps: float = 1e-5

    @classmethod
    def load(cls, path: Path) -> "ModelConfig":
        """Read a `config.json`; CheckpointError if it is not one of a gpt-oss model."""
        try:
            raw = json.loads(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise CheckpointError(f"cannot read {path}: {error.strerror or error}") from error
        except ValueError as error:
            raise CheckpointError(f"{path} is not valid JSON, so it cannot be a model's config: {error}") from error
        if not isinstance(raw, dict):
            raise CheckpointError(f"{path} is not a model's config: it must hold a JSON object")
        return cls.parse(raw, path)

    @classmethod
    def parse(cls, raw: dict[str, Any], path: Path) -> "ModelConfig":
        """The same from a decoded config; `path` is what an error calls it."""
        return _Reader(path, raw).config()


class _Reader:
    """One config file; every complaint names it and the key."""

    def __init__(self, path: Path, raw: dict[str, Any]) -> None:
        self.path = path
        self.raw = raw

    def config(self) -> ModelConfig:
        kind = self.raw.get("model_type", "gpt_oss")
        if kind != "gpt_oss":
            raise self.error(f'describes a model of type "{kind}"; gptoss runs gpt-oss models (20b, 120b) only')
        if "num_local_experts" in self.raw:
            experts, per_token = self.integer("num_local_experts"), self.integer("num_experts_per_tok")
            rope, max_context = self.huggingface_rope()
        elif "num_experts" in self.raw:
            experts, per_token = self.integer("num_experts"), self.integer("experts_per_token")
            rope, max_context = self.original_rope()
        else:
            raise self.error("names no number of experts, so it does not describe a gpt-oss model")
        layers = self.integer("num_hidden_layers")
        config = ModelConfig(
            hidden_size=self.integer("hidden_size"),
            intermediate_size=self.integer("intermediate_size"),
            num_hidden_layers=layers,
            num_attention_heads=self.integer("num_attention_heads"),
            num_key_value_heads=self.integer("num_key_value_heads"),
            head_dim=self.integer("head_dim"),
            num_experts=experts,
            experts_per_token=per_token,
            vocab_size=self.integer("vocab_size"),
            windows=self.windows(layers),
            max_context=max_context,
            rope=rope,
            swiglu_alpha=self.number("swiglu_alpha", SWIGLU_ALPHA),
            swiglu_limit=self.number("swiglu_limit", 7.0),
            rms_norm_eps=self.number("rms_norm_eps", 1e-5),
        )
        if config.num_attention_heads % config.num_key_value_heads:
            raise self.error("has a number of attention heads that its key and value heads do not divide")
        if config.head_dim % 2:
            raise self.error("has an odd head_dim, which rotary positions cannot use")
        if per_token > experts:
            raise self.error(f"sends each token to {per_token} experts but has only {experts}")
        return config

    def original_rope(self) -> tuple[RopeConfig, int]:
        context = self.integer("initial_context_length", 4096)
        factor = self.number("rope_scaling_factor", 32.0)
        rope = RopeConfig(
            theta=self.number("rope_theta", 150_000.0),
            factor=factor,
            beta_slow=self.number("rope_ntk_alpha", 1.0),
            beta_fast=self.number("rope_ntk_beta", 32.0),
            original_context=context,
            concentration=_concentration(factor),
        )
        return rope, int(context * factor)

    def huggingface_rope(self) -> tuple[RopeConfig, int]:
        max_context = self.integer("max_position_embeddings", 131_072)
        scaling = self.raw.get("rope_parameters") or self.raw.get("rope_scaling") or {}
        if not isinstance(scaling, dict):
            raise self.error("has rope parameters that are not a JSON object")
        inner = _Reader(self.path, scaling)
        theta = inner.number("rope_theta", self.number("rope_theta", 150_000.0))
        kind = scaling.get("rope_type", scaling.get("type", "default"))
        if kind == "default":
            return RopeConfig(theta=theta), max_context
        if kind != "yarn":
            raise self.error(f'asks for rope type "{kind}"; gpt-oss models use "yarn"')
        original = inner.integer("original_max_position_embeddings", max_context)
        factor = inner.number("factor", max_context / original)
        rope = RopeConfig(
            theta=theta,
            factor=factor,
            beta_slow=inner.number("beta_slow", 1.0),
            beta_fast=inner.number("beta_fast", 32.0),
            original_context=original,
            truncate=bool(scaling.get("truncate", True)),
            concentration=inner.number("attention_factor", _concentration(factor)),
        )
        return rope, max_context

    def windows(self, layers: int) -> tuple[int | None, ...]:
        """By `layer_types`, or every other layer from the first on, as the published models have it."""
        window = None if self.raw.get("sliding_window", 128) in (None, 0) else self.integer("sliding_window", 128)
        kinds = self.raw.get("layer_types")
        if kinds is None:
            kinds = [WINDOWED if i % 2 == 0 else FULL for i in range(layers)]
        if not isinstance(kinds, list) or len(kinds) != layers or not set(kinds) <= {WINDOWED, FULL}:
            raise self.error(f'must list {layers} layer_types, each "{WINDOWED}" or "{FULL}"')
        return tuple(window if kind == WINDOWED else None for kind in kinds)

    def integer(self, key: str, default: int | None = None) -> int:
        value = self.number(key, default)
        if value != int(value) or value < 1:
            raise self.error(f'has {value} for "{key}", which must be a whole number above 0')
        return int(value)

    def number(self, key: str, default: float | None = None) -> float:
        value = self.raw.get(key)
        if value is None:
            value = default
        if value is None:
            raise self.error(f'lacks "{key}"')
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < float("inf"):
            raise self.error(f'has {value!r} for "{key}", which must be a number above 0')
        return float(value)

    def error(self, complaint: str) -> CheckpointError:
        return CheckpointError(f"{self.path} {complaint}")


def _concentration(factor: float) -> float:
    """How much attention is sharpened to make up for the stretch: YaRN's recommendation."""
    return 0.1 * log(factor) + 1.0 if factor > 1 else 1.0
