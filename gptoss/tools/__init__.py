"""What a model may call. Each tool implements the port `gptoss.engine.ports.Tool`."""
