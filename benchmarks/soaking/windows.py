"""What goes on during a soak: windows that chat and maintain, one that never ends, and a saboteur."""

import os
import re
import signal
import sys
import threading
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from random import Random

import pexpect

from benchmarks.soaking.program import Program, Tally, is_defect
from benchmarks.soaking.world import Talk, World, events_in
from gptoss.storage.sqlite import dbapi

READY = "\x1b[?2004h"
"""What the line editor sends when it waits for keys."""

FAULTS = ["SIGKILL"] * 8 + ["Ctrl-C", "SIGTERM", "SIGHUP", "file may not grow (EFBIG)", "stopped for seconds"]
TYPED = ("/undo", "/retry", "/branch", "/switch main", "/clear", "/tree", "/tokens", "/continue", "/effort high")
TYPED += ("/tools python on", "/raw on", "/raw off")
FORMATS = ("md", "json", "jsonl", "html", "harmony", "openai", "sharegpt", "cast")


class Window:
    """Somebody at work: one operation after the other until `over`."""

    def __init__(self, program: Program, tally: Tally, seed: str, over: threading.Event) -> None:
        self._program, self._tally, self._over = program, tally, over
        self._world, self._dice = program.world, Random(seed)

    def run(self) -> None:
        operations = [(60, self._ask), (8, self._go_on), (14, self._terminal), (18, self._maintain)]
        weights = [weight for weight, _ in operations]
        while not self._over.is_set():
            self._dice.choices([operation for _, operation in operations], weights)[0]()

    def _options(self, talk: Talk) -> list[str]:
        efforts = ["-r", self._dice.choice(("low", "medium", "high"))]
        draws = ["--temperature", self._dice.choice(("0", "1")), "--max-tokens", "400"]
        tools = ["--workspace", str(self._world.workspace), "--browser-source", str(self._world.pages)]
        return ["--session", talk.name, *talk.flags, *efforts, *draws, *tools]

    def _fault(self, talk: Talk) -> str:
        if self._dice.random() < 0.5:
            return ""
        fault = self._dice.choice([*FAULTS, "sandbox killed"] if "-p" in talk.flags else FAULTS)
        return "" if "EFBIG" in fault and not self._world.where.startswith("sqlite") else fault

    def _ask(self) -> None:
        talk, text = self._world.talk(self._dice)
        beside = self._dice.choice(([], [], ["--fork"], ["--take-over"]))
        for options in ([], beside) if beside else ([],):
            words = ["chat", "--json", *self._options(talk), *options, "--prompt", text]
            ended = self._program.run(*words, what="chat", fault=self._fault(talk), dice=self._dice)
            self._world.acknowledge(talk.name, events_in(ended.out))
            if "another process" not in ended.err:
                break

    def _go_on(self) -> None:
        talk, _ = self._world.talk(self._dice)
        words = ["chat", "--json", *self._options(talk)]
        ended = self._program.run(*words, what="chat, going on", fault=self._fault(talk), dice=self._dice)
        self._world.acknowledge(talk.name, events_in(ended.out))

    def _terminal(self) -> None:
        talk, text = self._world.talk(self._dice)
        self._tally.operation("chat at a terminal")
        terminal = Terminal(self._world, self._options(talk))
        try:
            for _ in range(self._dice.randint(2, 9)):
                typed = self._dice.choice([*TYPED, f"/search {text.split()[0]}", text, text, text, text])
                self._tally.operation(f"{typed.split()[0]}" if typed[0] == "/" else "typed message")
                if self._dice.random() < 0.15:
                    how = self._dice.choice(("SIGKILL", "SIGHUP", "Ctrl-C"))
                    self._tally.fault(f"terminal: {how}")
                    terminal.type(typed, wait=False)
                    time.sleep(self._dice.random() * 2)
                    if how != "Ctrl-C":
                        terminal.kill(signal.SIGKILL if how == "SIGKILL" else signal.SIGHUP)
                        return
                    terminal.child.sendintr()
                elif terminal.type(typed) and typed[0] != "/":
                    self._world.acknowledge(talk.name, [typed])
                talk, text = (talk, talk.next() or "Hello!")
        except (pexpect.EOF, pexpect.TIMEOUT) as error:
            terminal.look_for_defects(self._tally, error)
        finally:
            terminal.leave(self._tally)

    def _maintain(self) -> None:
        world, dice = self._world, self._dice
        name = dice.choice(world.names() or ["none"])
        file = str(world.home / f"{threading.get_ident()}.jsonl")
        commands: dict[str, Callable[[], list[str]]] = {
            "undo": lambda: ["undo", name],
            "branch": lambda: ["branch", name, "--at", str(dice.randint(1, 60))],
            "switch": lambda: ["switch", name, "main"],
            "tree": lambda: ["tree", name],
            "search": lambda: ["search", dice.choice(("name", "capital", "fact", "boats")), "--json"],
            "export": lambda: ["export", name, "--format", dice.choice(FORMATS), "-o", str(world.home / "exported")],
            "replay": lambda: ["replay", name, "--speed", "0"],
            "replay --rerun": lambda: ["replay", name, "--rerun"],
            "verify": lambda: ["verify", name],
            "sessions": lambda: ["sessions", "--json"],
            "doctor --repair": lambda: ["doctor", "--repair"],
            "redact": lambda: ["redact", name, "--at", str(dice.randint(2, 40)), "--yes"],
            "gc": lambda: ["gc", *dice.choice(([], ["--full"]))],
        }
        what = dice.choice([*commands, "delete", "archive", "tail", "tool"])
        fault = dice.choice(("SIGKILL", "", ""))
        if what in commands:
            ended = self._program.run(*commands[what](), what=what, fault=fault, dice=dice)
            self._check(what, ended.code, ended.out + ended.err)
        elif what == "archive":
            if self._program.run("export", name, "--format", "jsonl", "-o", file, what="export").code == 0:
                self._program.run("import", file, "--as", f"copy {time.time_ns()}", fault=fault, dice=dice)
        elif what == "tail":
            self._program.run("tail", name, fault="SIGKILL", dice=dice)
        elif what == "tool":
            self._program.run("tool", "python", piped="print(6 * 7)", fault=fault, dice=dice)
        elif world.retired and len(world.retired) > 3:
            name = dice.choice(world.retired)
            world.forget(name)
            self._program.run("sessions", "delete", name, "--yes", what="delete", fault=fault, dice=dice)

    def _check(self, what: str, code: int, said: str) -> None:
        """What must hold whatever happened before."""
        if what == "verify" and code == 1 and "not found" not in said and "no session" not in said:
            self._tally.defect(f"{self._world.title}: verify: {said[-2000:]}")
        if what == "replay --rerun" and code == 1 and " 0 differ" not in said and "differ" in said:
            self._tally.defect(f"{self._world.title}: rerun: {said[-2000:]}")


class Terminal:
    """`gptoss chat` at a terminal of its own."""

    def __init__(self, world: World, options: list[str]) -> None:
        environment = world.environment | {"TERM": "xterm-256color", "PROMPT_TOOLKIT_NO_CPR": "1"}
        self.child: pexpect.spawn[str] = pexpect.spawn(
            sys.executable,
            ["-m", "gptoss", "chat", *options],
            env=environment,
            cwd=str(world.workspace),
            encoding="utf-8",
            codec_errors="replace",
            timeout=300,
            dimensions=(30, 100),
        )
        self._title, self._shown, self._busy = world.title, "", False

    def type(self, text: str, *, wait: bool = True) -> bool:
        """Type a line once the program is ready, wait until it is ready again; whether it took it without an error."""
        self._until_ready()
        self.child.send(text.replace("\n", " ") + "\r")
        self._busy = True
        if not wait:
            return False
        before = len(self._shown)
        self._until_ready()
        return "gptoss: " not in self._shown[before:]

    def _until_ready(self) -> None:
        """Ready for a line. What is asked before is answered: go on beside another process, put files back."""
        if not self._busy and self._shown:
            return
        while which := self.child.expect_exact([READY, "[f/b/t/N]", "[y/N]"]):
            self._shown += self.child.before or ""
            self.child.send("b\r" if which == 1 else "y\r")
        self._shown += self.child.before or " "
        self._busy = False

    def kill(self, number: int) -> None:
        self.child.kill(number)

    def memory(self) -> int:
        """Bytes of its own, without what is mapped from files."""
        status = Path(f"/proc/{self.child.pid}/status").read_text()
        return int(re.search(r"RssAnon:\s+(\d+) kB", status)[1]) * 1024  # type: ignore[index]

    def look_for_defects(self, tally: Tally, error: Exception) -> None:
        self._shown += str(self.child.before) if isinstance(self.child.before, str) else ""
        if isinstance(error, pexpect.TIMEOUT):
            tally.defect(f"{self._title}: a terminal hung:\n{self._shown[-3000:]}")

    def leave(self, tally: Tally) -> None:
        """Ctrl-D, or what else it takes."""
        try:
            if self.child.isalive():
                self._until_ready()
                self.child.send("\x04")
            self.child.expect(pexpect.EOF, timeout=60)
            self._shown += self.child.before or ""
        except pexpect.TIMEOUT as error:
            self.look_for_defects(tally, error)
        except (pexpect.EOF, OSError):
            pass
        self.child.close(force=True)
        tally.said(re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]|\r", "", self._shown))
        if is_defect(self._shown):
            tally.defect(f"{self._title}: a terminal showed:\n{self._shown[-3000:]}")


class Steady:
    """One chat that is never killed, with all tools; `memory` is (seconds since it began, bytes) after each turn."""

    def __init__(self, program: Program, tally: Tally, over: threading.Event) -> None:
        self._program, self._tally, self._over = program, tally, over
        self.memory: list[tuple[float, int]] = []
        self.turns = self.restarts = 0

    def run(self) -> None:
        world, begun = self._program.world, time.monotonic()
        options = ["--session", f"{world.title} steady", "-p", "-a", "-b", "--browser-source", str(world.pages)]
        options += ["--workspace", str(world.workspace), "--max-tokens", "300"]
        sayings = ("My name is Ada.", "What is my name?", "What is 37 * 18?", "Search for rowing.", "What can you do?")
        sayings += ("Create a file list.txt with the line milk.", "What is the capital of France?", "/undo", "/tree")
        while not self._over.is_set():
            terminal = Terminal(world, options)
            try:
                while not self._over.is_set():
                    text = sayings[self.turns % len(sayings)] if self.turns % 18 else "/clear"
                    self.turns += 1
                    if terminal.type(text) and text[0] != "/":
                        world.acknowledge(f"{world.title} steady", [text])
                    self._tally.operation("turn in the chat that is never killed")
                    self.memory.append((time.monotonic() - begun, terminal.memory()))
                    self._over.wait(2)
            except (pexpect.EOF, pexpect.TIMEOUT) as error:
                terminal.look_for_defects(self._tally, error)
                self._tally.defect(f"{world.title}: the chat that is never killed ended")
                self.restarts += 1
            finally:
                terminal.leave(self._tally)


class Saboteur:
    """Makes trouble for a whole world, now and then."""

    def __init__(
        self, program: Program, tally: Tally, troubles: dict[str, Callable[[Random], bool]], seed: str
    ) -> None:
        self._program, self._tally, self._dice = program, tally, Random(seed)
        self._troubles = {"any process: SIGKILL": program.kill_one, **troubles}

    def run(self, over: threading.Event) -> None:
        while not over.wait(self._dice.uniform(5, 25)):
            trouble = self._dice.choice(list(self._troubles))
            if self._troubles[trouble](self._dice):
                self._tally.fault(trouble)


def hold_lock(file: str) -> Callable[[Random], bool]:
    """Another program that holds SQLite's write lock for up to 12 seconds; writers are patient for 10."""

    def hold(dice: Random) -> bool:
        with closing(dbapi.connect(file, isolation_level=None, timeout=20)) as other:
            other.execute("BEGIN IMMEDIATE")
            time.sleep(dice.uniform(0.2, 12))
            other.execute("ROLLBACK")
        return True

    return hold


def leave_processes_be() -> None:
    """Whoever starts this in the background may have had it ignore Ctrl-C, and so would all that it starts."""
    for number in (signal.SIGINT, signal.SIGHUP):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, signal.default_int_handler if number == signal.SIGINT else signal.SIG_DFL)
    os.environ.pop("GPTOSS_CHECKPOINT", None)
