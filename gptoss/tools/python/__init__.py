"""The python tool: code of the model, run in a Jupyter kernel that a sandbox holds."""
