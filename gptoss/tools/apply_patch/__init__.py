"""The apply_patch tool: files of a workspace, changed by patches of the model."""
