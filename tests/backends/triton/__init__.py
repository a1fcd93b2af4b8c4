"""Without a GPU the kernels are interpreted, which Triton wants to know before it is imported for the first time."""

import os

import torch

if not torch.cuda.is_available():
    os.environ["TRITON_INTERPRET"] = "1"
