"""Models behind the `TokenGenerator` port: ids in, ids out.

`opening` picks a backend by name; `config` and `checkpoint` read what is published; `sampling` draws tokens the same
way on every backend; `torch`, `scripted` and their peers are the adapters. None knows Harmony, sessions or storage.
"""
