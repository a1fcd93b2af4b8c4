"""The same arithmetic in C, for a CPU: several times faster at decoding, and MXFP4 stays packed.

`kernels.c` is the forward pass. `kernels` has the machine's own compiler build it at first use (two seconds) and keeps
the result; `model` is the counterpart of `gptoss.backends.torch.model`. It is plain C that is called through ctypes,
once a token: a PyTorch operator in C++ would need PyTorch's headers and its ABI, take half a minute to build, and be no
faster. Without a compiler the model in plain PyTorch does the work.
"""
