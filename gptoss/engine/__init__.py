"""The pure core: events, the state they fold to, prompts, parsing and the turn loop.

It knows no SQL, no torch, no HTTP and no terminal; those live behind the ports in `gptoss.engine.ports`.
"""
