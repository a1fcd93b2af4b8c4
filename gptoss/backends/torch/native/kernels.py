"""Compiling and loading `kernels.c`."""

import ctypes
import os
import platform
import shutil
import subprocess
import tempfile
from functools import cache
from hashlib import blake2b
from pathlib import Path

import platformdirs
from msgspec import Struct

SOURCE = Path(__file__).with_name("kernels.c")

_OPTIONS = ("-O3", "-march=native", "-ffp-contract=fast", "-fno-math-errno", "-shared", "-fPIC", "-w")
_THREADS = ("-fopenmp",)


class Unavailable(Struct, frozen=True):
    """Why there are no kernels: a clause that says what to do."""

    reason: str


class LayerStruct(ctypes.Structure):
    """`Layer` in kernels.c."""

    _fields_ = [
        ("window", ctypes.c_long),
        *(
            (name, ctypes.c_void_p)
            for name in (
                "attention_norm",
                "qkv",
                "qkv_bias",
                "sinks",
                "out",
                "out_bias",
                "experts_norm",
                "router",
                "router_bias",
                "up",
                "up_bias",
                "down",
                "down_bias",
            )
        ),
    ]


class ModelStruct(ctypes.Structure):
    """`Model` in kernels.c."""

    _fields_ = [
        *(
            (name, ctypes.c_long)
            for name in (
                "hidden",
                "inner",
                "layers",
                "heads",
                "kv_heads",
                "head_dim",
                "experts",
                "per_token",
                "vocabulary",
            )
        ),
        *((name, ctypes.c_float) for name in ("alpha", "limit", "eps")),
        *((name, ctypes.c_void_p) for name in ("embedding", "norm", "unembedding")),
        ("layer", ctypes.POINTER(LayerStruct)),
    ]


@cache
def load(folder: Path | None = None) -> ctypes.CDLL | Unavailable:
    """The compiled kernels, kept in `folder` (default: the user's cache) for the next process."""
    if os.name != "posix":
        return Unavailable("they are built on Linux and macOS only")
    compiler = next(filter(None, map(shutil.which, (os.environ.get("CC", "cc"), "gcc", "clang"))), None)
    if compiler is None:
        return Unavailable("there is no C compiler: install gcc or clang")
    folder = folder or platformdirs.user_cache_path("gptoss") / "kernels"
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        library = folder / f"{_key(compiler)}.so"
        if not library.exists():
            _compile(compiler, library)
        return _declare(ctypes.CDLL(str(library)))
    except subprocess.SubprocessError as error:
        return Unavailable(f"{compiler} could not compile them ({error}): try another one by setting CC")
    except OSError as error:
        return Unavailable(f"they cannot be built in {folder} ({error})")


def _key(compiler: str) -> str:
    """One for each source, compiler and kind of processor: a home folder may be shared by machines that differ."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
        processor = next(line for line in lines if line.startswith(("flags", "Features")))
    except (OSError, StopIteration):
        processor = platform.processor()
    parts = (SOURCE.read_text(encoding="utf-8"), compiler, platform.machine(), processor, *_OPTIONS)
    return blake2b("\0".join(parts).encode(), digest_size=12).hexdigest()


def _compile(compiler: str, library: Path) -> None:
    """With threads if the compiler can, and in place at once: another process may be doing the same."""
    with tempfile.TemporaryDirectory(dir=library.parent) as scratch:
        made = Path(scratch) / library.name
        command = [compiler, *_OPTIONS, "-o", str(made), str(SOURCE), "-lm"]
        for options in (_THREADS, ()):
            result = subprocess.run([*command, *options], capture_output=True, timeout=120, check=False)  # noqa: S603
            if result.returncode == 0:
                break
        result.check_returncode()
        made.replace(library)


def _declare(library: ctypes.CDLL) -> ctypes.CDLL:
    pointer, count = ctypes.c_void_p, ctypes.c_long
    model = ctypes.POINTER(ModelStruct)
    library.forward.argtypes = [
        model,
        pointer,
        pointer,
        count,
        count,
        pointer,
        count,
        pointer,
        pointer,
        ctypes.c_int,
    ]
    library.logits.argtypes = [model, pointer, pointer, count, ctypes.c_int]
    return library
