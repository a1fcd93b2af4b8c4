"""The demonstration model that ships with gptoss.

`materialise` turns the few megabytes in this folder into an ordinary checkpoint, once. The recipe that trained it is
not shipped: see `demo_model/README.md` in the repository.
"""
