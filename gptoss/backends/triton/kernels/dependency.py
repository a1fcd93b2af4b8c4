"""Programmatic dependent launch: where a kernel waits for the one before it, and lets the one after it begin."""

import triton
import triton.language as tl
from triton.language.extra import cuda


@triton.jit
def wait(DEPENDENT: tl.constexpr):
    """Wait for all that earlier kernels wrote, then let the next kernel begin.

    The order matters: a kernel that has begun can rely on everything from two kernels ago.
    """
    if DEPENDENT:
        cuda.gdc_wait()
        cuda.gdc_launch_dependents()
