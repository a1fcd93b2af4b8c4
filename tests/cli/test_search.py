"""`gptoss search` over what chats have left."""

import json

from tests.cli.conftest import Run, greeting


def test_search(gptoss: Run) -> None:
    gptoss("chat", "--session", "a", "Where do whales sleep?", replies=[greeting("At sea \x1b[31mof course.")])
    gptoss("chat", "--session", "b", "Do whales dream?", replies=[greeting("Nobody knows.")])
    found = gptoss("search", "whales", "sleep")
    assert found.returncode == 0
    where, what = found.stdout.splitlines()
    assert where.startswith("a, event 2, 20")
    assert where.endswith(", user")
    assert what == "  Where do whales sleep?"
    assert "␛[31mof course." in gptoss("search", "course", "--role", "assistant").stdout
    hits = [json.loads(line) for line in gptoss("search", "whales", "--json").stdout.splitlines()]
    assert {(hit["session"], hit["role"], hit["seq"]) for hit in hits} == {("a", "user", 2), ("b", "user", 2)}
    assert [hit["snippet"][slice(*hit["marks"][0])] for hit in hits] == ["whales", "whales"]
    assert len(gptoss("search", "whales", "--limit", "1", "--json").stdout.splitlines()) == 1
    assert "b, event" not in gptoss("search", "whales", "--session", "a").stdout
    assert gptoss("search", "whales", "--since", "2000-01-01", "--until", "2000-01-02").returncode == 1


def test_nothing_found_and_wrong_use(gptoss: Run) -> None:
    gptoss("chat", "--session", "a", "Hello", replies=[greeting("Hi.")])
    nothing = gptoss("search", "unicorns")
    assert (nothing.returncode, nothing.stdout) == (1, "Nothing was found.\n")
    for wrong in (["--role", "x"], ["--since", "yesterday"], ["--limit", "0"], ["--session", "nobody"]):
        assert gptoss("search", "hello", *wrong).returncode == 2
    assert gptoss("search", "").returncode == 2
