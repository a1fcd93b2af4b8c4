"""Ending the computation of a prompt within a chunk of it, which takes a large model ten seconds and more."""


class Stopped(Exception):
    """Somebody cancelled. The cache holds the tokens that it held before."""
