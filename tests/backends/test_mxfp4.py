"""MXFP4 as its specification has it, value by value."""

import torch

from gptoss.backends.mxfp4 import Mxfp4Matrix


def reference(nibble: int, scale: int) -> float:
    """Sign, two bits of exponent with bias 1, one bit of mantissa; the scale is a power of two with bias 127."""
    sign = -1.0 if nibble & 8 else 1.0
    exponent, mantissa = nibble >> 1 & 3, nibble & 1
    magnitude = mantissa * 0.5 if exponent == 0 else (1 + mantissa / 2) * 2.0 ** (exponent - 1)
    return sign * magnitude * 2.0 ** (scale - 127)


def test_every_byte_with_every_usual_scale() -> None:
    scales = torch.arange(60, 190, dtype=torch.uint8).view(1, -1)
    for start in range(0, 256, 16):
        packed = torch.arange(start, start + 16, dtype=torch.uint8)
        matrix = Mxfp4Matrix(packed.expand(1, scales.shape[1], 16), scales)
        values = matrix.dequantise()
        assert values.dtype == torch.bfloat16
        expected = [
            reference(nibble, int(scale))
            for scale in scales[0]
            for byte in packed.tolist()
            for nibble in (byte & 15, byte >> 4)
        ]
        assert values[0].double().tolist() == expected


def test_shapes() -> None:
    blocks = torch.randint(0, 256, (3, 5, 4, 16), dtype=torch.uint8)
    scales = torch.full((3, 5, 4), 127, dtype=torch.uint8)
    assert Mxfp4Matrix(blocks, scales).dequantise().shape == (3, 5, 128)
