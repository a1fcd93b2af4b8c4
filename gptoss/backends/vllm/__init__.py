"""vLLM as a backend: its engine within this process, or a server somewhere.

    options, opening       what a user may say about it; chooses between the two
    engine, arguments      the engine in this process's care, token ids in and out
    server, transport      a client of vLLM's HTTP server, token ids in and out
    serving, serve         starts a server that outlives the chat, finds it again, stops it
    asking, scores         what both ask of vLLM, and make of its log probabilities
    drawing, batch, child  what runs inside vLLM: draws each token as every backend here does, ends with our process
    folder, quiet          the copy of a checkpoint that vLLM can load; the file that its output goes to

Nothing here is imported, and no vLLM is needed, until somebody asks for it.
"""
