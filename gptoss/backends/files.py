"""Where the files of a checkpoint are. Nothing here reads a weight or imports torch."""

import json
from math import inf
from pathlib import Path

from msgspec import Struct

from gptoss.engine.errors import CheckpointError
from gptoss.engine.settings import Sampling

CONFIG = "config.json"
INDEX = "model.safetensors.index.json"
GENERATION_CONFIG = "generation_config.json"


class CheckpointFiles(Struct, frozen=True, kw_only=True):
    """The config and the safetensors files of one checkpoint; `path` is what the user called it."""

    path: Path
    config: Path
    shards: tuple[Path, ...]

    @classmethod
    def locate(cls, path: Path) -> "CheckpointFiles":
        """Find them from a folder (with the files in it, or in its `original/`) or one .safetensors file.

        CheckpointError says what is missing.
        """
        if path.is_file():
            return cls._from_file(path)
        if not path.is_dir():
            raise CheckpointError(f"there is no checkpoint at {path}: name a folder or a .safetensors file that exists")
        for folder in (path, path / "original"):
            shards = _shards(folder)
            if shards and not (folder / CONFIG).is_file():
                raise CheckpointError(f"{folder} is not a checkpoint: it holds no {CONFIG}")
            if shards:
                return cls(path=path, config=folder / CONFIG, shards=shards)
        raise CheckpointError(f"{path} is not a checkpoint: it holds no .safetensors file")

    @classmethod
    def _from_file(cls, path: Path) -> "CheckpointFiles":
        if path.suffix != ".safetensors":
            raise CheckpointError(f"{path} is not a checkpoint: name a folder or a .safetensors file")
        if not (path.parent / CONFIG).is_file():
            raise CheckpointError(f"{path} lacks a {CONFIG} beside it, which tells the model's geometry")
        whole = _shards(path.parent) if (path.parent / INDEX).is_file() else ()
        return cls(path=path, config=path.parent / CONFIG, shards=whole if path in whole else (path,))


def sampling_defaults(path: Path) -> Sampling:
    """How the checkpoint's publisher recommends to sample, from `generation_config.json` if it has one.

    `do_sample: false` means temperature 0. CheckpointError if the file cannot be understood.
    """
    folder = path if path.is_dir() else path.parent
    file = folder / GENERATION_CONFIG
    if not file.is_file():
        return Sampling()
    raw = _json_object(file)

    def number(key: str, default: float) -> float:
        value = raw.get(key)
        if value is None:
            return default
        if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < inf:
            raise CheckpointError(f'{file} has {value!r} for "{key}", which must be a number of 0 or more')
        return float(value)

    temperature, top_p = number("temperature", Sampling().temperature), number("top_p", Sampling().top_p)
    return Sampling(temperature=0.0 if raw.get("do_sample") is False else temperature, top_p=min(top_p, 1.0))


def _shards(folder: Path) -> tuple[Path, ...]:
    """The files that the folder's index names, or without an index all of them."""
    index = folder / INDEX
    if not index.is_file():
        return tuple(sorted(folder.glob("*.safetensors")))
    places = _json_object(index).get("weight_map")
    if not isinstance(places, dict) or not all(isinstance(place, str) for place in places.values()):
        raise CheckpointError(f'{index} is damaged: it has no "weight_map" of tensor names to files')
    shards = tuple(folder / place for place in sorted(set(places.values())))
    for shard in shards:
        if not shard.is_file():
            raise CheckpointError(f"{shard} is missing: download the checkpoint again, {index.name} names it")
    return shards


def _json_object(path: Path) -> dict[str, object]:
    try:
        raw = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise CheckpointError(f"cannot read {path}: {error.strerror or error}") from error
    except ValueError as error:
        raise CheckpointError(f"{path} is not valid JSON: {error}") from error
    if not isinstance(raw, dict):
        raise CheckpointError(f"{path} must hold a JSON object")
    return raw
