"""Both published styles of config.json give the same geometry; anything else one clear sentence."""

import json
from pathlib import Path
from typing import Any

import pytest

from gptoss.backends.config import ModelConfig, RopeConfig
from gptoss.engine.errors import CheckpointError
from tests.backends.checkpoints import Geometry

PATH = Path("somewhere/config.json")

DEFAULTED = {
    "sliding_window",
    "swiglu_limit",
    "initial_context_length",
    "rope_theta",
    "rope_scaling_factor",
    "rope_ntk_alpha",
    "rope_ntk_beta",
}
"""Keys that a config may leave out: then it means what the published models have."""

PUBLISHED_ORIGINAL = {
    "num_hidden_layers": 24,
    "num_experts": 32,
    "experts_per_token": 4,
    "vocab_size": 201088,
    "hidden_size": 2880,
    "intermediate_size": 2880,
    "swiglu_limit": 7.0,
    "head_dim": 64,
    "num_attention_heads": 64,
    "num_key_value_heads": 8,
    "sliding_window": 128,
    "initial_context_length": 4096,
    "rope_theta": 150000,
    "rope_scaling_factor": 32.0,
    "rope_ntk_alpha": 1,
    "rope_ntk_beta": 32,
}
"""gpt-oss-20b's, as OpenAI published it."""

YARN = {
    "rope_type": "yarn",
    "factor": 32.0,
    "beta_fast": 32.0,
    "beta_slow": 1.0,
    "original_max_position_embeddings": 4096,
    "truncate": False,
}

PUBLISHED_HUGGINGFACE = {
    "model_type": "gpt_oss",
    "num_hidden_layers": 24,
    "num_local_experts": 32,
    "num_experts_per_tok": 4,
    "experts_per_token": 4,
    "vocab_size": 201088,
    "hidden_size": 2880,
    "intermediate_size": 2880,
    "swiglu_limit": 7.0,
    "head_dim": 64,
    "num_attention_heads": 64,
    "num_key_value_heads": 8,
    "sliding_window": 128,
    "initial_context_length": 4096,
    "max_position_embeddings": 131072,
    "rms_norm_eps": 1e-05,
    "rope_theta": 150000,
    "rope_scaling": YARN,
    "layer_types": ["sliding_attention", "full_attention"] * 12,
}
"""The same model's, as Hugging Face publishes it."""


def parse(raw: dict[str, Any]) -> ModelConfig:
    return ModelConfig.parse(raw, PATH)


def test_the_published_config() -> None:
    config = parse(PUBLISHED_ORIGINAL)
    assert (config.num_experts, config.experts_per_token, config.max_context) == (32, 4, 131072)
    assert config.windows == (128, None) * 12
    assert config.rope == RopeConfig(
        theta=150000, factor=32, beta_slow=1, beta_fast=32, original_context=4096, concentration=1.3465735902799727
    )


def test_both_styles_say_the_same() -> None:
    assert parse(PUBLISHED_HUGGINGFACE) == parse(PUBLISHED_ORIGINAL)


def test_transformers_5_moved_the_rope() -> None:
    moved = {key: value for key, value in PUBLISHED_HUGGINGFACE.items() if not key.startswith("rope_")}
    moved["rope_parameters"] = YARN | {"rope_theta": 150000}
    assert parse(moved) == parse(PUBLISHED_ORIGINAL)


def test_without_scaling_positions_are_plain() -> None:
    plain = PUBLISHED_HUGGINGFACE | {"rope_scaling": None}
    assert parse(plain).rope == RopeConfig(theta=150000)
    assert parse(PUBLISHED_ORIGINAL | {"rope_scaling_factor": 1}).rope.concentration == 1


def test_layer_types_decide_which_layers_look_back_how_far() -> None:
    kinds = ["full_attention"] * 23 + ["sliding_attention"]
    assert parse(PUBLISHED_HUGGINGFACE | {"layer_types": kinds}).windows == (None,) * 23 + (128,)
    assert parse(PUBLISHED_HUGGINGFACE | {"sliding_window": None}).windows == (None,) * 24


@pytest.mark.parametrize("key", sorted(set(Geometry().original_config()) - DEFAULTED))
def test_a_missing_number_is_named(key: str) -> None:
    raw = Geometry().original_config()
    del raw[key]
    with pytest.raises(CheckpointError, match=key if key != "num_experts" else "number of experts"):
        parse(raw)


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"hidden_size": "64"}, "'64' for \"hidden_size\""),
        ({"hidden_size": 64.5}, "whole number"),
        ({"hidden_size": -64}, "above 0"),
        ({"hidden_size": True}, "True"),
        ({"model_type": "llama"}, '"llama".*gpt-oss models'),
        ({"num_key_value_heads": 3}, "do not divide"),
        ({"head_dim": 15}, "odd head_dim"),
        ({"experts_per_token": 5}, "only 4"),
        ({"layer_types": ["full_attention"]}, "2 layer_types"),
        ({"layer_types": ["full_attention", "mamba"]}, "2 layer_types"),
    ],
)
def test_a_senseless_config_is_refused(changes: dict[str, Any], complaint: str) -> None:
    with pytest.raises(CheckpointError, match=rf"somewhere/config.json .*{complaint}"):
        parse(Geometry().original_config() | changes)


def test_an_unknown_rope_is_refused() -> None:
    with pytest.raises(CheckpointError, match='"longrope"'):
        parse(PUBLISHED_HUGGINGFACE | {"rope_scaling": {"rope_type": "longrope"}})


@pytest.mark.parametrize("text", ["", "{", "[1]", '"config"', "\x00\xff"])
def test_a_file_that_is_no_config_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "config.json").write_text(text, encoding="latin-1")
    with pytest.raises(CheckpointError, match=r"config\.json"):
        ModelConfig.load(tmp_path / "config.json")


def test_a_file_is_read(tmp_path: Path) -> None:
    (tmp_path / "config.json").write_text(json.dumps(PUBLISHED_ORIGINAL))
    assert ModelConfig.load(tmp_path / "config.json") == parse(PUBLISHED_ORIGINAL)
