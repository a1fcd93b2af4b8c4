"""vLLM's engine arguments: what gptoss asks for by itself, and what the user adds."""

from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from vllm import AsyncEngineArgs
from vllm.utils.argparse_utils import FlexibleArgumentParser

from gptoss.backends.vllm.asking import PROCESSOR, TOP
from gptoss.engine.errors import UsageError

CPU = ["--enforce-eager", "--block-size", "16"]
"""On a CPU compiling takes longer than it saves, and blocks of 128 tokens would be computed again from their start."""


def engine_arguments(folder: Path, given: Sequence[str], *, on_cpu: bool) -> list[str]:
    """As a command line; what the user gives comes last and wins."""
    # vLLM runs no logits processors beside a draft model.
    draws = [] if {"--speculative-config", "--logits-processors"} & set(given) else ["--logits-processors", PROCESSOR]
    return [
        *("--model", str(folder)),
        "--skip-tokenizer-init",
        "--enable-prefix-caching",
        *("--max-logprobs", str(TOP)),
        *draws,
        *(CPU if on_cpu else []),
        *given,
    ]


def parsed(words: list[str]) -> AsyncEngineArgs:
    """The arguments as vLLM understands them; UsageError for one that it does not know or cannot read."""
    parser: FlexibleArgumentParser = AsyncEngineArgs.add_cli_args(_Parser(add_help=False))
    return AsyncEngineArgs.from_cli_args(parser.parse_args(words))


class _Parser(FlexibleArgumentParser):  # type: ignore[misc]  # of a library that mypy does not see
    def error(self, message: str) -> NoReturn:
        raise UsageError(f"vLLM does not take this --vllm-arg: {message}")
