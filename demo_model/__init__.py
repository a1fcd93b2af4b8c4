"""The recipe that makes the embedded demonstration model; not shipped. `README.md` tells how to run and extend it."""
