"""The special tokens of o200k_harmony that the engine handles by number (openai-harmony 0.0.8)."""

ENDOFTEXT = 199999
RETURN = 200002
CONSTRAIN = 200003
CHANNEL = 200005
START = 200006
END = 200007
MESSAGE = 200008
CALL = 200012

ASSISTANT = 173781
"""The ordinary token "assistant", which follows `<|start|>` wherever a model is asked to go on."""

FIRST_SPECIAL = 199998
"""Every id from here up is a special or reserved token, never text."""

STOP_IDS = frozenset({RETURN, CALL, ENDOFTEXT})
"""A generation ends with any of these."""

ASSISTANT_TURN = (START, ASSISTANT)
"""What a prompt ends with when the model is to speak."""
