"""The Triton kernels, one stage of the model a file. None knows of checkpoints, prompts or sampling settings.

Decoding computes one token, or a few: hidden states are float32 [tokens, hidden], and every product is one of a matrix
with so many vectors, bound by the way of the weights from memory. Sums are always added in the same order, so results
are the same run after run. With `DEPENDENT` a kernel is launched while the one before it still runs (programmatic
dependent launch, Hopper and later): it may read weights, and what was computed two kernels ago, before it calls `wait`;
anything else only after.
"""
