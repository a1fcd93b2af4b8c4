"""Compiles every kernel for other GPUs than the one at hand, if any: `python -m tests.backends.triton_compiling 80 90`.

What the model launches there is compiled instead of launched; Triton needs no GPU for that.
"""

import sys
from typing import Any

import torch
from triton.backends.compiler import GPUTarget
from triton.runtime import driver
from triton.runtime.jit import JITFunction

from benchmarks.random20b import geometry, random_weights
from gptoss.backends.triton import card
from gptoss.backends.triton.cache import KVCache
from gptoss.backends.triton.decoder import Decoder
from gptoss.backends.triton.experts import Chosen
from gptoss.backends.triton.prefill import Prefill
from gptoss.backends.triton.tiles import LITTLE_SHARED, Division, GroupedTiles


class Elsewhere:
    """The driver of a GPU that is not here."""

    def __init__(self, capability: int) -> None:
        self.capability = capability

    def get_current_device(self) -> int:
        return self.capability  # what is compiled is kept by device

    def get_current_stream(self, device: int | None = None) -> int:
        return 0

    def get_current_target(self) -> GPUTarget:
        return GPUTarget("cuda", self.capability, 32)

    def get_active_torch_device(self) -> torch.device:
        return torch.device("cpu")


@torch.inference_mode()
def compile_all(capability: int) -> dict[str, Any]:
    """Kernel -> the binary; AssertionError if one asks for more shared memory than such a GPU has."""
    driver.set_active(Elsewhere(capability))
    roomy = card.roomy(divmod(capability, 10))
    grouped = (Division() if roomy else LITTLE_SHARED).grouped or GroupedTiles()
    found: dict[str, Any] = {}
    launch, added = JITFunction.run, Chosen.sum

    def compile_only(self: Any, *given: Any, grid: Any, warmup: bool, **named: Any) -> None:
        compiled = launch(self, *given, grid=grid, warmup=True, **named)
        assert compiled.metadata.shared <= (227 if roomy else 99) * 1024, self.__name__
        found[self.__name__] = compiled.asm["cubin"]

    JITFunction.run = compile_only
    Chosen.sum = lambda chosen: chosen.parts[: len(chosen.place)].float()  # nobody has written the places
    try:
        config = geometry("20b", num_hidden_layers=2, hidden_size=192, intermediate_size=192, vocab_size=3000)
        weights, cpu = random_weights(config, torch.device("cpu")), torch.device("cpu")
        cache = KVCache(config, cpu)
        cache.reserve(64)
        for tokens in (1, 4):
            decoder = Decoder(weights, tokens=tokens, dependent=capability >= 90)
            decoder.forward(cache)
            decoder.draw()
        for tile in dict.fromkeys(grouped):
            hidden = Prefill(weights, GroupedTiles(*[tile] * 3)).forward(torch.arange(8), cache)
        Prefill(weights).logits(hidden)
    finally:
        JITFunction.run, Chosen.sum = launch, added
    return found


if __name__ == "__main__":
    for name in sys.argv[1:]:
        kernels = compile_all(int(name))
        print(f"sm_{name}:", " ".join(sorted(kernel for kernel, binary in kernels.items() if binary[:4] == b"\x7fELF")))
