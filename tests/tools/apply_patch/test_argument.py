import json

import pytest

from gptoss.tools.apply_patch import texts
from gptoss.tools.apply_patch.argument import LONGEST, patch_text
from gptoss.tools.apply_patch.errors import PatchError
from tests.tools.apply_patch.workspaces import patch

PATCH = patch("*** Add File: a.txt", "+one", '+"two" \\n', "+EOF")


@pytest.mark.parametrize(
    "argument",
    [
        PATCH,
        f"\n\n{PATCH}\n\n",
        f"apply_patch <<'EOF'\n{PATCH}\nEOF\n",
        f"<<EOF\n{PATCH}\nEOF",
        f'apply_patch <<-"PATCH"\n{PATCH}\nPATCH',
        f"apply_patch\n{PATCH}",
        f"```\n{PATCH}\n```",
        f"```diff\n{PATCH}\n```\n",
        json.dumps(PATCH),
        json.dumps({"patch": PATCH}),
        json.dumps({"input": PATCH}, indent=2),
        json.dumps({"explanation": "adds a file", "anything": PATCH, "flags": [1, None, True]}),
        json.dumps({"command": ["apply_patch", PATCH]}),
        json.dumps({"cmd": ["bash", "-lc", f"apply_patch <<'EOF'\n{PATCH}\nEOF"]}),
        json.dumps([PATCH]),
        json.dumps({"patch": PATCH}).replace("\\n*", "\n*").replace("\\n+", "\n+"),
    ],
)
def test_takes_off_what_a_patch_is_wrapped_in(argument: str) -> None:
    assert patch_text(argument) == PATCH


@pytest.mark.parametrize(
    ("argument", "problem"),
    [
        ("", texts.NO_PATCH),
        ("hello", texts.NO_PATCH),
        (f"Sure, here is the patch:\n{PATCH}", texts.NO_PATCH),
        (f"rm -rf /\n{PATCH}", texts.NO_PATCH),
        ("{", texts.BAD_JSON),
        ('{"patch": "*** Begin Patch', texts.BAD_JSON),
        ("[" * 100_000, texts.BAD_JSON),
        ("{}", texts.NO_PATCH),
        ('{"patch": 7}', texts.NO_PATCH),
        ('{"path": "a.txt", "content": "b"}', texts.NO_PATCH),
        (json.dumps({"a": PATCH, "b": PATCH}), texts.MANY_PATCHES),
        (f"{PATCH}" + " " * LONGEST, texts.TOO_LARGE),
    ],
)
def test_says_why_there_is_no_patch(argument: str, problem: str) -> None:
    with pytest.raises(PatchError) as raised:
        patch_text(argument)
    assert raised.value.problem == problem


def test_half_a_character_does_not_get_in() -> None:
    text = patch_text(json.dumps({"patch": patch("*** Add File: a.txt", "+\ud83d")}))
    assert "+?" in text
    text.encode()
