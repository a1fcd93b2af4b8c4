"""The JSON Schema of `gptoss export --format json`: `python -m gptoss.transcripts.schema` prints it."""

import json
from inspect import cleandoc
from typing import Any

import msgspec

from gptoss.transcripts.document import FORMAT, VERSION, Document


def transcript_schema() -> str:
    """As indented JSON, ending with a newline."""
    (definition,), components = msgspec.json.schema_components([Document], ref_template="#/$defs/{name}")
    schema: dict[str, Any] = {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"{FORMAT} {VERSION}",
        "description": "A branch of a session, as `gptoss export --format json` writes it. Keys may be added.",
        **definition,
        "$defs": dict(sorted(components.items())),
    }
    for definition in schema["$defs"].values():
        # Docstrings: some releases of Python and msgspec keep their indentation, others do not.
        definition["description"] = cleandoc(definition.get("description", ""))
    about = schema["$defs"]["Document"]["properties"]
    about["format"] = {"const": FORMAT}
    about["version"] = {"const": VERSION}
    return json.dumps(schema, indent=2) + "\n"


if __name__ == "__main__":
    print(transcript_schema(), end="")
