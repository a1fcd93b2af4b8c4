"""Building and loading `kernels.c`, and what it includes, for the processor at hand."""

import ctypes
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from functools import cache
from hashlib import blake2b
from pathlib import Path

from gptoss.backends.torch.waiting import waiting_briefly
from gptoss.engine.errors import BackendError

SOURCE = Path(__file__).with_name("kernels.c")

VARIABLE = "GPTOSS_KERNELS"
"""The environment variable that names an instruction set, or "none" for plain PyTorch. A conversation that was recorded
elsewhere can so be sampled again with the arithmetic that it was recorded with."""

NONE, PORTABLE = "none", "portable"

_AVX2 = ("avx2", "fma", "f16c")
_AVX512 = (*_AVX2, "avx512f", "avx512bw", "avx512dq", "avx512vl")
INSTRUCTIONS = {"avx512bf16": (*_AVX512, "avx512bf16"), "avx512": _AVX512, "avx2": _AVX2, PORTABLE: ()}
"""Instruction set -> what the compiler calls its parts, the fastest first. All of them run the same C."""

_OPTIONS = ("-std=gnu11", "-O3", "-ffp-contract=off", "-fno-math-errno", "-fno-trapping-math", "-shared", "-fPIC", "-w")
_WHOLE = ("-Wl,--no-undefined",) if sys.platform == "linux" else ()
"""Fail where a compiler knows the directives for threads but has no library for them, instead of when loading."""

_EXACT = ("-DEXACT",)
_THREADS = ("-fopenmp",)
_CPUINFO = Path("/proc/cpuinfo")


class Unavailable(Exception):
    """There are no kernels here; the message is a clause that says why and what to do."""


class Matrix(ctypes.Structure):
    """`Matrix` in kernels.c; `kind` is an index of `KINDS`."""

    _fields_ = [
        ("weights", ctypes.c_void_p),
        ("scales", ctypes.c_void_p),
        ("bias", ctypes.c_void_p),
        ("out", ctypes.c_long),
        ("inner", ctypes.c_long),
        ("kind", ctypes.c_int),
    ]


FLOAT32, BFLOAT16, MXFP4, INT8 = range(4)


class Layer(ctypes.Structure):
    """`Layer` in kernels.c."""

    _fields_ = [
        ("window", ctypes.c_long),
        ("attention_norm", ctypes.c_void_p),
        ("qkv", Matrix * 3),
        ("sinks", ctypes.c_void_p),
        ("out", Matrix),
        ("experts_norm", ctypes.c_void_p),
        ("router", Matrix),
        ("up", ctypes.POINTER(Matrix)),
        ("down", ctypes.POINTER(Matrix)),
    ]


_COUNTS = ("hidden", "inner", "layers", "heads", "kv_heads", "head_dim", "experts", "per_token")


Sum = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_long)
"""`Sum` in kernels.c: the sum over all ranks, in place. Made of nothing, it is the NULL of a rank on its own."""


Stop = ctypes.CFUNCTYPE(ctypes.c_int)
"""`Stop` in kernels.c: whether to stop. Made of nothing, it is the NULL of what nobody can stop."""


class Model(ctypes.Structure):
    """`Model` in kernels.c."""

    _fields_ = [
        *((name, ctypes.c_long) for name in _COUNTS),
        *((name, ctypes.c_float) for name in ("alpha", "limit", "eps")),
        ("embedding", Matrix),
        ("norm", ctypes.c_void_p),
        ("unembedding", Matrix),
        ("layer", ctypes.POINTER(Layer)),
        ("first", ctypes.c_long),
        ("sum", Sum),
    ]


def instructions(wanted: str | None = None) -> str:
    """The instruction set to compute with: the one wanted, by name or by `VARIABLE`, or else the best that there is.

    Unavailable if it is "none"; BackendError if this processor does not have it.
    """
    wanted = wanted or os.environ.get(VARIABLE) or None
    if wanted == NONE:
        raise Unavailable(f'{VARIABLE} is "{NONE}"')
    able = supported()
    if wanted is not None and wanted not in able:
        raise BackendError(f'no kernels "{wanted}" can run here: set {VARIABLE} to {", ".join(able)} or {NONE}')
    return wanted or able[0]


@cache
def supported(cpuinfo: Path = _CPUINFO) -> tuple[str, ...]:
    """The instruction sets that this processor and its system have, the fastest first."""
    try:
        lines = cpuinfo.read_text(encoding="utf-8").splitlines()
        flags = next((line.partition(":")[2].split() for line in lines if line.startswith("flags")), [])
    except OSError:
        flags = []  # no Linux
    known = {flag.replace("avx512_bf16", "avx512bf16") for flag in flags}
    return tuple(name for name, parts in INSTRUCTIONS.items() if known.issuperset(parts))


@cache
def load(name: str, folder: Path | None = None, *, exact: bool = False) -> ctypes.CDLL:
    """The kernels for an instruction set, kept in `folder` (default: the user's cache) for the next process.

    `exact` ones round no input. Unavailable if they cannot be built.
    """
    if os.name != "posix":
        raise Unavailable("they are built on Linux and macOS only")
    compiler = next(filter(None, map(shutil.which, (os.environ.get("CC") or "cc", "gcc", "clang"))), None)
    if compiler is None:
        raise Unavailable("there is no C compiler: install gcc or clang")
    if folder is None:
        from platformdirs import user_cache_path

        folder = user_cache_path("gptoss") / "kernels"
    options = (*_OPTIONS, *(f"-m{part}" for part in INSTRUCTIONS[name]), *(_EXACT if exact else ()))
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        library = folder / f"{name}-{_key(compiler, options)}.so"
        if not library.exists():
            _compile([compiler, *options], library)
        with waiting_briefly():
            return _declare(ctypes.CDLL(str(library)))
    except subprocess.SubprocessError as error:
        raise Unavailable(f"{compiler} cannot compile them ({error}): name another compiler in CC") from error
    except OSError as error:
        raise Unavailable(f"they cannot be kept in {folder} ({error}): make room, or make it writable") from error


def _key(compiler: str, options: tuple[str, ...]) -> str:
    """One for each source, way to compile it and compiler, of which the file's size and time tell the version."""
    status = Path(compiler).resolve().stat()
    made = (compiler, str(status.st_size), str(status.st_mtime_ns), platform.machine(), *options)
    texts = (path.read_text(encoding="utf-8") for path in sorted(SOURCE.parent.glob("*.[ch]")))
    return blake2b("\0".join((*texts, *made)).encode(), digest_size=12).hexdigest()


def _compile(command: list[str], library: Path) -> None:
    """With threads if the compiler can, and in place at once: another process may be doing the same."""
    with tempfile.TemporaryDirectory(dir=library.parent) as scratch:
        made = Path(scratch) / library.name
        command = [*command, *_WHOLE, "-o", str(made), str(SOURCE), "-lm"]
        for options in (_THREADS, ()):
            result = subprocess.run([*command, *options], capture_output=True, timeout=120, check=False)  # noqa: S603
            if result.returncode == 0:
                break
        result.check_returncode()
        made.replace(library)


def _declare(library: ctypes.CDLL) -> ctypes.CDLL:
    address, count, threads = ctypes.c_void_p, ctypes.c_long, ctypes.c_int
    model, matrix = ctypes.POINTER(Model), ctypes.POINTER(Matrix)
    tables = (address, address)
    library.forward.argtypes = [model, address, address, count, count, address, count, *tables, threads, Stop]
    library.logits.argtypes = [model, address, address, count, threads]
    library.product.argtypes = [matrix, address, address, count, threads]
    library.lay_bricks.argtypes = [matrix, address, threads]
    library.lay_bricks.restype = None
    return library
