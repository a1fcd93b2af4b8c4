"""Matrix products of bf16 tiles."""

import triton
import triton.language as tl

INTERPRETED = tl.constexpr(bool(triton.knobs.runtime.interpret))


@triton.jit
def product(a, b):
    """float32 a @ b. Triton's interpreter (3.6) would multiply the bits of bf16, so there it is float32 all the way."""
    if INTERPRETED:  # noqa: SIM108  (the two are compiled differently)
        result = tl.dot(a.to(tl.float32), b.to(tl.float32))
    else:
        result = tl.dot(a, b)
    return result
