"""The reference backend: gpt-oss in PyTorch, for any geometry, on a CPU or a CUDA GPU.

`model` is the arithmetic, `weights` builds it from a checkpoint, `cache` holds keys and values, `generator` is the
port. On a CPU `native` computes instead, wherever a C compiler is at hand: the same in fewer steps; `int8` is what some
of its weights can be narrowed to, `waiting` how its threads wait.

On the CPU the arithmetic is batch-invariant: a token's result does not depend, to the last bit, on how many others
are computed with it. So a prompt gives the same answer whether it was prefilled whole, in chunks, or decoded token by
token, and an interrupted answer continues as it would have gone on. The native products add in an order that the number
of rows has no part in. `rows` says how PyTorch's are made so; with its kernels for AVX512 those of attention are not.
The two differ from each other in the last bits.
"""
