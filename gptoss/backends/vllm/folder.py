"""The checkpoint folder that vLLM loads: the user's own, or a copy in a form that vLLM can read.

vLLM reads the Hugging Face layout only, and on a CPU it cannot compute with MXFP4. The copy has that layout, and on a
CPU bf16 experts, in which every value of MXFP4 is exact: it is the same model. It is made once and kept in the cache.
"""

import errno
import json
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

from gptoss.backends.checkpoint import Checkpoint
from gptoss.backends.config import FULL, WINDOWED, ModelConfig
from gptoss.backends.files import CONFIG, GENERATION_CONFIG, INDEX, CheckpointFiles
from gptoss.backends.layouts import HUGGINGFACE, dense_tensors, expert_tensors
from gptoss.backends.mxfp4 import Mxfp4Matrix
from gptoss.backends.vllm.options import Report
from gptoss.engine.errors import CheckpointError


def loadable(checkpoint: Checkpoint, cache: Path, *, on_cpu: bool, report: Report = lambda text: None) -> Path:
    """A folder that vLLM loads; CheckpointError when a copy is needed and cannot be made."""
    (first, _), *_ = expert_tensors(checkpoint.config)
    packed = isinstance(checkpoint.expert(first, 0), Mxfp4Matrix)
    if checkpoint.layout is HUGGINGFACE and not (packed and on_cpu):
        return CheckpointFiles.locate(checkpoint.path).config.parent
    keeps = packed and not on_cpu
    folder = cache / f"vllm-{'mxfp4' if keeps else 'bf16'}-{checkpoint.fingerprint}"
    if (folder / INDEX).is_file():
        return folder
    report(f"copying {checkpoint.path.name} for vLLM, once …")
    scratch = None
    try:
        cache.mkdir(parents=True, exist_ok=True)
        _check_room(checkpoint.config, cache, keeps)
        scratch = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=cache))
        _write(checkpoint, scratch, keeps)
        scratch.chmod(0o755)
        try:
            scratch.rename(folder)
        except OSError:
            if not (folder / INDEX).is_file():  # otherwise another process was first
                raise
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT)
        raise CheckpointError(
            f"cannot write vLLM's copy of {checkpoint.path} into {cache} "
            f"({'the disk is full' if full else error.strerror or error}): make room there, or use the torch backend"
        ) from error
    finally:
        if scratch is not None:
            shutil.rmtree(scratch, ignore_errors=True)
    return folder


def _check_room(config: ModelConfig, cache: Path, packed: bool) -> None:
    experts = sum(count * rows * columns for _, (count, rows, columns) in expert_tensors(config))
    needed = 2 * 2 * config.vocab_size * config.hidden_size + int(experts * (17 / 32 if packed else 2))
    free = shutil.disk_usage(cache).free
    if needed > free:
        raise CheckpointError(
            f"vLLM needs a copy of this checkpoint of {needed / 1e9:.1f} GB, and {cache} has {free / 1e9:.1f} GB left: "
            "make room there, or use the torch backend"
        )


def _write(checkpoint: Checkpoint, folder: Path, packed: bool) -> None:
    """One file for each layer, so that no more than one is in memory, and an index."""
    places: dict[str, str] = {}
    for number, tensors in enumerate(_pieces(checkpoint, packed)):
        file = f"model-{number:05}.safetensors"
        save_file(tensors, folder / file, metadata={"format": "pt"})
        places |= dict.fromkeys(tensors, file)
    config = _huggingface_config(checkpoint.config)
    if packed:
        config["quantization_config"] = {
            "quant_method": "mxfp4",
            "modules_to_not_convert": [
                "model.layers.*.self_attn",
                "model.layers.*.mlp.router",
                "model.embed_tokens",
                "lm_head",
            ],
        }
    (folder / CONFIG).write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")
    source = CheckpointFiles.locate(checkpoint.path).config.with_name(GENERATION_CONFIG)
    if source.is_file():
        shutil.copyfile(source, folder / GENERATION_CONFIG)
    index = {"metadata": {}, "weight_map": places}
    (folder / INDEX).write_text(json.dumps(index) + "\n", encoding="utf-8")


def _pieces(checkpoint: Checkpoint, packed: bool) -> Iterator[dict[str, torch.Tensor]]:
    """The tensors under their Hugging Face names, layer by layer; those of no layer first."""
    dense = dict(dense_tensors(checkpoint.config))
    experts = dict(expert_tensors(checkpoint.config))
    layers = [f"block.{n}." for n in range(checkpoint.config.num_hidden_layers)]
    outside = [name for name in dense if not name.startswith("block.")]
    for names in (outside, *([name for name in (*dense, *experts) if name.startswith(layer)] for layer in layers)):
        piece: dict[str, torch.Tensor] = {}
        for name in names:
            piece |= _expert(checkpoint, name, packed) if name in experts else _dense(checkpoint, name)
        yield piece


def _dense(checkpoint: Checkpoint, name: str) -> dict[str, torch.Tensor]:
    stored, config = HUGGINGFACE.parts(name), checkpoint.config
    tensor = checkpoint.tensor(name).to(torch.bfloat16)
    heads = (config.num_attention_heads, config.num_key_value_heads, config.num_key_value_heads)
    rows = [count * config.head_dim for count in heads] if len(stored) > 1 else [len(tensor)]
    return {part: piece.clone() for part, piece in zip(stored, tensor.split(rows), strict=True)}


def _expert(checkpoint: Checkpoint, name: str, packed: bool) -> dict[str, torch.Tensor]:
    (stored,) = HUGGINGFACE.parts(name)
    matrices = [checkpoint.expert(name, expert) for expert in range(checkpoint.config.num_experts)]
    if packed:
        whole = [matrix for matrix in matrices if isinstance(matrix, Mxfp4Matrix)]
        return {
            stored + HUGGINGFACE.blocks: torch.stack([matrix.blocks for matrix in whole]),
            stored + HUGGINGFACE.scales: torch.stack([matrix.scales for matrix in whole]),
        }
    dense = [matrix.dequantise() if isinstance(matrix, Mxfp4Matrix) else matrix for matrix in matrices]
    return {stored: torch.stack([matrix.to(torch.bfloat16).T for matrix in dense]).contiguous()}


def _huggingface_config(config: ModelConfig) -> dict[str, Any]:
    rope = config.rope
    return {
        "architectures": ["GptOssForCausalLM"],
        "model_type": "gpt_oss",
        "torch_dtype": "bfloat16",
        "vocab_size": config.vocab_size,
        "hidden_size": config.hidden_size,
        "intermediate_size": config.intermediate_size,
        "num_hidden_layers": config.num_hidden_layers,
        "num_attention_heads": config.num_attention_heads,
        "num_key_value_heads": config.num_key_value_heads,
        "head_dim": config.head_dim,
        "num_local_experts": config.num_experts,
        "num_experts_per_tok": config.experts_per_token,
        "layer_types": [FULL if window is None else WINDOWED for window in config.windows],
        "sliding_window": next((window for window in config.windows if window is not None), None),
        "max_position_embeddings": config.max_context,
        "rope_theta": rope.theta,
        "rope_scaling": {
            "rope_type": "yarn",
            "factor": rope.factor,
            "beta_slow": rope.beta_slow,
            "beta_fast": rope.beta_fast,
            "original_max_position_embeddings": rope.original_context,
            "truncate": rope.truncate,
        }
        if rope.factor > 1
        else None,
        "rms_norm_eps": config.rms_norm_eps,
        "swiglu_limit": config.swiglu_limit,
        "hidden_act": "silu",
        "attention_bias": True,
        "tie_word_embeddings": False,
        "eos_token_id": 200002,
        "pad_token_id": 199999,
    }
