"""The same arithmetic in C, for bfloat16 weights on a CPU: several times faster at decoding, and lighter to load.

`kernels.c` is compiled by the machine's own compiler at first use (a second) and kept; `kernels` does that, `model` is
the counterpart of `gptoss.backends.torch.model`. Without a compiler the model in plain PyTorch does the work.
"""
