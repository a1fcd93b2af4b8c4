"""gpt-oss on one CUDA GPU, in kernels of our own: `packing` and `weights` bring a checkpoint onto the card, `prefill`
computes prompts, `decoder` one token at a time, `cache` holds keys and values, `generator` is the port."""
