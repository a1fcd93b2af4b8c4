"""gpt-oss on one CUDA GPU, in kernels of our own: `packing` and `weights` bring a checkpoint onto the card, `prefill`
computes prompts, `decoder` one token at a time or a few, `steps` keeps single ones on the way, `lookup` and `trial`
guess what comes next and see, `cache` holds keys and values, `generator` is the port."""
