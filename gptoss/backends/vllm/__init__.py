"""vLLM as a backend: its engine within this process, or a server somewhere.

    options     what a user may say about it, and from where
    engine      the engine in this process's care, token ids in and out
    server      a client of vLLM's HTTP server, token ids in and out
    serving     starts a server that outlives the chat, finds it again, stops it
    drawing     the part that runs inside vLLM: draws each token as every backend here does
    child       the other part that runs inside vLLM: its processes end with ours
    folder      the copy of a checkpoint that vLLM can load, where it cannot load the original

Nothing here is imported, and no vLLM is needed, until somebody asks for it.
"""
