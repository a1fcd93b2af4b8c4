"""`gptoss chat PROMPT` as a script sees it: a process, its streams and its exit code."""

import json
import signal
import subprocess
from pathlib import Path

import pytest

from tests.cli.conftest import Run, driver, greeting

NAMED = greeting("Nice to meet you, Ada.")


def messages(gptoss: Run, session: str) -> list[tuple[str, str]]:
    """Role and text of all messages but reasoning."""
    exported = json.loads(gptoss("export", session, "--format", "json").stdout)
    return [(m["role"], m["content"]) for m in exported["messages"] if m.get("channel") != "analysis"]


def test_the_answer_alone_is_on_standard_output(gptoss: Run) -> None:
    done = gptoss("chat", "--session", "a", "My name is Ada.", replies=[NAMED])
    assert (done.returncode, done.stdout) == (0, "Nice to meet you, Ada.\n")
    assert done.stderr == "  thinking\n  The user speaks.\n\n"


def test_a_session_goes_on_in_another_process(gptoss: Run) -> None:
    gptoss("chat", "--session", "a", "My name is Ada.", replies=[NAMED])
    done = gptoss("chat", "--session", "a", "What is my name?", replies=[greeting("Ada.")])
    assert done.stdout == "Ada.\n"
    assert messages(gptoss, "a") == [
        ("user", "My name is Ada."),
        ("assistant", "Nice to meet you, Ada."),
        ("user", "What is my name?"),
        ("assistant", "Ada."),
    ]


def test_a_session_without_a_name_says_how_to_come_back(gptoss: Run) -> None:
    done = gptoss("chat", "Hello", replies=[NAMED])
    assert done.stdout == "Nice to meet you, Ada.\n"
    line = next(line for line in done.stderr.splitlines() if "--session" in line)
    name = line.rpartition(" ")[2]
    assert messages(gptoss, name)[0] == ("user", "Hello")


def test_piped_text_is_part_of_the_prompt(gptoss: Run) -> None:
    gptoss("chat", "--session", "a", "Review this", piped="+ line\n- line\n\n", replies=[NAMED])
    gptoss("chat", "--session", "a", piped="only this\n", replies=[NAMED])
    gptoss("chat", "--session", "a", piped=b"caf\xe9", replies=[NAMED])
    said = [text for role, text in messages(gptoss, "a") if role == "user"]
    assert said == ["Review this\n\n+ line\n- line", "only this", "caf\ufffd"]


def test_a_pipe_gets_the_exact_text(gptoss: Run) -> None:
    done = gptoss("chat", "Hello", replies=[greeting("a\x1b[31mb\r\n\tc\n")])
    assert done.stdout == "a\x1b[31mb\r\n\tc\n"


def test_settings_are_kept_unless_given_again(gptoss: Run) -> None:
    gptoss("chat", "--session", "a", "-r", "high", "--developer-message", "Be brief.", "Hi", replies=[NAMED])
    gptoss("chat", "--session", "a", "Hi", replies=[NAMED])
    gptoss("chat", "--session", "a", "-c", "1000", "Hi", replies=[NAMED])
    settings = json.loads(gptoss("sessions", "show", "a", "--json").stdout)["settings"]
    assert (settings["reasoning_effort"], settings["developer_message"], settings["context"]) == (
        "high",
        "Be brief.",
        1000,
    )
    exported = gptoss("replay", "a", "--speed", "0").stdout
    assert exported.count("settings changed: context 8192 → 1000") == 1


def test_sampling_flags_reach_the_model(gptoss: Run) -> None:
    flags = ("--temperature", "0.5", "--top-p", "0.9", "--seed", "7", "--max-tokens", "100")
    gptoss("chat", "--session", "a", *flags, "Hi", replies=[NAMED])
    exported = json.loads(gptoss("export", "a", "--format", "json").stdout)
    assert exported["generations"][0]["sampling"] == {"temperature": 0.5, "top_p": 0.9, "seed": 7, "max_tokens": 100}


def test_without_a_prompt_the_unfinished_turn_goes_on(gptoss: Run) -> None:
    cut = gptoss("chat", "--session", "a", "--max-tokens", "16", "Hello", replies=[NAMED])
    assert cut.returncode == 0
    assert "cut off at the limit of tokens" in cut.stderr
    done = gptoss("chat", "--session", "a", replies=[NAMED])
    assert (done.returncode, done.stdout) == (0, "Nice to meet you, Ada.\n")
    assert messages(gptoss, "a") == [("user", "Hello"), ("assistant", "Nice to meet you, Ada.")]
    again = gptoss("chat", "--session", "a")
    assert again.returncode == 2
    assert "no unfinished turn" in again.stderr


def test_a_new_prompt_leaves_the_unfinished_turn_behind(gptoss: Run) -> None:
    gptoss("chat", "--session", "a", "--max-tokens", "16", "Hello", replies=[NAMED])
    done = gptoss("chat", "--session", "a", "Bye", replies=[greeting("Goodbye!")])
    assert done.stdout == "Goodbye!\n"
    assert "the answer before this one was cut off" in done.stderr


def test_a_full_context_has_its_own_exit_code(gptoss: Run) -> None:
    refused = gptoss("chat", "--session", "a", "-c", "80", "word " * 200)
    assert refused.returncode == 4
    assert refused.stderr.count("\n") == 1
    assert gptoss("sessions", "list", "--json").stdout == "[]\n"  # a session without a word is not kept
    cut = gptoss("chat", "--session", "a", "-c", "85", "Hello", replies=[greeting("word " * 200)])
    assert cut.returncode == 4
    assert cut.stdout.startswith("word word")
    assert "context of 85 tokens is full" in cut.stderr


def test_a_turn_without_an_answer_is_an_error(gptoss: Run) -> None:
    silent = gptoss("chat", "Hello", replies=["<|channel|>analysis<|message|>Hm.<|return|>"])
    assert (silent.returncode, silent.stdout) == (1, "")
    assert "without an answer" in silent.stderr
    cut = gptoss("chat", "--max-tokens", "2", "Hello", replies=[NAMED])
    assert (cut.returncode, cut.stdout) == (1, "")
    assert "--max-tokens" in cut.stderr


def test_a_tool_call_does_not_end_the_turn(gptoss: Run) -> None:
    call = "<|channel|>analysis to=python code<|message|>print(1)<|call|>"
    done = gptoss("chat", "What is 1?", replies=[call, greeting("I may not compute.")])
    assert done.stdout == "I may not compute.\n"
    assert "python is not enabled" in done.stderr


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_keeps_the_partial_answer(environment: dict[str, str], gptoss: Run, number: int) -> None:
    reply = greeting("word " * 200)
    command, variables = driver(environment, [reply], delay=0.01)
    process = subprocess.Popen(
        [*command, "chat", "--session", "a", "Hello"],
        env=variables,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    begun = process.stdout.read(9)
    process.send_signal(number)
    out, err = process.communicate(timeout=60)
    said = (begun + out).decode()
    assert process.returncode == 130
    assert 2 <= said.count("word") < 200
    assert said.endswith("\n")
    assert "stopped: what was said is kept, go on by: gptoss chat --session a" in err.decode()
    assert "Traceback" not in err.decode()
    assert messages(gptoss, "a")[-1] == ("assistant", said[:-1])
    done = gptoss("chat", "--session", "a", replies=[reply])
    assert done.stdout == "word " * 200 + "\n"


def test_a_killed_process_loses_nothing(environment: dict[str, str], gptoss: Run) -> None:
    reply = greeting("".join(f"{n} " for n in range(200)))
    command, variables = driver(environment, [reply], delay=0.01)
    process = subprocess.Popen(
        [*command, "chat", "--session", "a", "Count"], env=variables, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    process.stdout.read(20)
    process.kill()
    process.communicate(timeout=60)
    assert json.loads(gptoss("sessions", "show", "a", "--json").stdout)["unfinished"] is True
    done = gptoss("chat", "--session", "a", replies=[reply])
    assert done.stdout == "".join(f"{n} " for n in range(200)) + "\n"
    reasons = [g["reason"] for g in json.loads(gptoss("export", "a", "--format", "json").stdout)["generations"]]
    assert reasons == ["crashed", "stop"]


def test_a_reader_that_leaves_is_no_error(environment: dict[str, str], gptoss: Run) -> None:
    command, variables = driver(environment, [greeting("line\n" * 300)], delay=0.002)
    process = subprocess.Popen(
        [*command, "chat", "--session", "a", "Hello"],
        env=variables,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    process.stdout.readline()
    process.stdout.close()
    assert process.stderr is not None
    err = process.stderr.read().decode()
    assert process.wait(timeout=60) == 130
    assert "BrokenPipe" not in err
    assert "Traceback" not in err
    assert messages(gptoss, "a")[-1][1].startswith("line\nline")


def test_output_that_cannot_be_written_is_a_sentence(environment: dict[str, str]) -> None:
    command, variables = driver(environment, [greeting("Hello!")])
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [*command, "chat", "Hello"],
            env=variables,
            stdin=subprocess.DEVNULL,
            stdout=full,
            stderr=subprocess.PIPE,
            timeout=60,
            check=False,
        )
    assert done.returncode == 1
    assert done.stderr.decode().endswith("gptoss: cannot write the output: No space left on device\n")


def test_the_session_used_last_is_continued(gptoss: Run) -> None:
    assert gptoss("chat", "--continue", "Hi").returncode == 2
    for name in ("one", "two"):
        gptoss("chat", "--session", name, "Hi", replies=[greeting("Hello!")])
    assert gptoss("chat", "-C", "More", replies=[greeting("More.")]).stdout == "More.\n"
    assert "More" in gptoss("export", "two").stdout
    assert gptoss("chat", "-C", "--session", "one", "Hi").returncode == 2


def test_quiet_says_nothing_but_the_answer(gptoss: Run) -> None:
    done = gptoss("chat", "-q", "Hi", replies=[greeting("Hello!")])
    assert (done.stdout, done.stderr) == ("Hello!\n", "")
    failed = gptoss("chat", "-q", "--session", "-", "Hi")
    assert (failed.returncode, failed.stderr.count("\n")) == (2, 1)


def test_everything_that_happens_is_a_json_line(gptoss: Run) -> None:
    done = gptoss("chat", "--json", "--session", "a", "Hi", replies=[greeting("Hello!")])
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    kinds = [line["kind"] for line in lines if line["type"] == "event"]
    assert kinds == ["MessageAppended", "GenerationStarted", "MessageAppended", "MessageAppended", "GenerationFinished"]
    assert "".join(line["text"] for line in lines if line["type"] == "text") == "The user speaks.Hello!"
    assert [line["channel"] for line in lines if line["type"] == "begin"] == ["analysis", "final"]
    seqs = [line["seq"] for line in lines if line["type"] == "event"]
    assert (seqs[:2], seqs) == ([2, 3], sorted(set(seqs)))  # the tokens' own events lie between
    assert sum(len(line["ids"]) for line in lines if line["type"] == "tokens") > 5


def test_raw_mode_shows_the_stream_itself(gptoss: Run) -> None:
    first = gptoss("chat", "--raw", "--session", "a", "Hi <|end|>", replies=[greeting("Hello! 👋")])
    assert first.stdout.startswith("<|start|>system<|message|>You are ChatGPT")
    assert "<|start|>user<|message|>Hi <|end|><|end|><|start|>assistant<|channel|>analysis<|message|>" in first.stdout
    assert first.stdout.endswith("<|start|>assistant<|channel|>final<|message|>Hello! 👋<|return|>\n")
    assert gptoss("chat", "--raw", "--json", "Hi").returncode == 2
