"""Arithmetic: the model calls python and says what it returned, whatever that is."""

import re
from dataclasses import dataclass

from demo_model.conversation import Call, Think, Turn
from demo_model.session import Session
from gptoss.engine.message import Message
from gptoss.tools.python import texts

PYTHON_CALL = "analysis to=python code"
"""How gpt-oss calls its built-in python tool: the recipient behind the channel, then the kind of content."""

_NOT_ENABLED = (
    'Error: the tool "python" is not enabled in this session. Enabled tools: none.',
    'Error: the tool "python" is not enabled in this session. Enabled tools: browser.',
    'Error: the tool "python" is not enabled in this session. Enabled tools: functions.apply_patch.',
    'Error: the tool "python" is not enabled in this session. Enabled tools: browser, functions.apply_patch.',
    'Error: the tool "python" is not enabled.',
)
_FAILURES = (
    texts.timed_out(texts.TIMEOUT),
    texts.killed(texts.TIMEOUT),
    texts.DIED,
    texts.OUT_OF_MEMORY,
    texts.too_much_output(10),
    texts.unavailable("No sandbox works on this machine."),
    "Error: the user interrupted this tool.",
    "Error: the tool crashed before it returned a result.",
)

_ASKED = (
    (
        "(What is|What's|How much is|What are) {sum}?",
        "(Calculate|Compute|Work out|Evaluate|Solve) {sum}.",
        "(Can|Could) you (calculate|compute|work out) {sum}?",
        "{sum}",
        "{sum} = ?",
        "{sum}?",
        "(Tell me|Give me) [the result of] {sum}.",
        "What does {sum} (make|give|equal)?",
        "How much does {sum} (make|give)?",
        "(What is the|The|Give me the) (result|value) of {sum}?",
        "I (need|want) the result of {sum}.",
        "(Use|Ask) python[ to calculate|:] {sum}.",
        "(Tell me|Say) (how much|what) {sum} (makes|gives|equals).",
        "(What|How much) is the (result|outcome|answer) of {sum}?",
        "(Could|Can|Would) you (give me|say) {sum}?",
        "(Find|Work out|Compute|Calculate) the (value|result|answer) of {sum}.",
        "Do you know (what|how much) {sum} (is|makes)?",
    ),
    (
        "Tell me what {sum} is.",
        "Could you tell me {sum}?",
        "Work out the result of {sum}.",
        "How much is the result of {sum}?",
        "What is the value of {sum}?",
    ),
)

# Python's operator to the ways in which people write it; the second item is for the held-out check as well.
_OPERATORS = {
    "+": (" + ", "+", " plus ", " and "),
    "-": (" - ", "-", " minus "),
    "*": (" * ", "*", " times ", " x ", " × ", " multiplied by "),
    "/": (" / ", "/", " divided by ", " ÷ "),
    "**": (" ** ", "**", " to the power of ", "^", " ^ "),
}
_WORDED = (
    (("(the|The) sum of {a} and {b}",), "{a} + {b}"),
    (("(the|The) product of {a} and {b}",), "{a} * {b}"),
    (("(the|The) difference of {a} and {b}", "(the|The) difference between {a} and {b}"), "{a} - {b}"),
    (("{a} squared", "(the|The) square of {a}"), "{a} ** 2"),
    (("(the|The) square root of {a}",), "{a} ** 0.5"),
    (("{b} percent of {a}", "{b}% of {a}"), "{a} * {b} / 100"),
)

_MORE = (
    (
        (
            "(And|Now) (times|multiplied by) {n}?",
            "(Multiply|Now multiply) (that|it|this|the result) by {n}.",
            "(What is|What's) (that|it|the result) times {n}?",
            "(Now|Then|Please) (multiply|times) (that|it) (by|with) {n}.",
            "Times {n}.",
        ),
        ("Please multiply the result by {n}.", "And what is that times {n}?"),
        "*",
    ),
    (
        (
            "(And|Now) plus {n}?",
            "(Add|Now add) {n} [to (that|it|this|the result)].",
            "(What is|What's) (that|it|the result) plus {n}?",
            "(Now|Then|Please) add {n} (to that|to it).",
            "Plus {n}.",
        ),
        ("Please add {n} to the result.", "And what is that plus {n}?"),
        "+",
    ),
    (
        (
            "(And|Now) minus {n}?",
            "(Subtract|Now subtract|Take) {n} [from (that|it|this|the result)].",
            "(What is|What's) (that|it|the result) minus {n}?",
            "(Now|Then|Please) (subtract|take) {n} (from that|from it).",
            "Minus {n}.",
        ),
        ("Please subtract {n} from the result.", "And what is that minus {n}?"),
        "-",
    ),
    (
        (
            "(And|Now) divided by {n}?",
            "(Divide|Now divide) (that|it|this|the result) by {n}.",
            "(What is|What's) (that|it|the result) divided by {n}?",
            "(Now|Then|Please) divide (that|it) by {n}.",
            "Divided by {n}.",
        ),
        ("Please divide the result by {n}.", "And what is that divided by {n}?"),
        "/",
    ),
)


@dataclass(frozen=True)
class Task:
    """A calculation as the user writes it and as Python does."""

    asked: str
    code: str


def _number(session: Session) -> str:
    rng = session.rng
    kind = rng.random()
    if kind < 0.4:
        return str(rng.randint(0, 99))
    if kind < 0.7:
        return str(rng.randint(100, 9999))
    if kind < 0.85:
        return str(rng.randint(10_000, 10_000_000))
    return f"{rng.randint(0, 999)}.{rng.randint(1, 999)}"


def _task(session: Session) -> Task:
    rng = session.rng
    if rng.random() < 0.2:
        wordings, code = rng.choice(_WORDED)
        values = {"a": _number(session), "b": _number(session)}
        wording = re.sub(r"\((\w+)\|(\w+)\)", lambda m: m[1], rng.choice(wordings))
        return Task(wording.format(**values), code.format(**values))
    count = rng.choice((2, 2, 2, 2, 3))
    first = _number(session)
    asked = code = first
    tight = rng.random() < 0.2
    for _ in range(count - 1):
        operator = rng.choice(("+", "+", "-", "-", "*", "*", "*", "/", "**") if count == 2 else ("+", "-", "*", "/"))
        number = str(rng.randint(2, 12)) if operator == "**" else _number(session)
        ways = _OPERATORS[operator]
        written = ways[1] if tight else rng.choice(ways[:1] * 4 + ways)
        if written == " and ":  # "3 and 4" alone is no sum
            written = " plus "
        asked += written + number
        code += f" {operator} {number}"
    if count > 2 and rng.random() < 0.2:
        head, operator, last = code.rsplit(" ", 2)
        return Task(f"({head}) {operator} {last}", f"({head}) {operator} {last}")
    return Task(asked, code)


def _result(session: Session, code: str) -> str:
    """What the tool prints: mostly the truth, sometimes a number that nobody could have guessed."""
    rng = session.rng
    if rng.random() < 0.35:
        return rng.choice(("", "", "-")) + _number(session)
    try:
        value = eval(code, {"__builtins__": {}})
    except (ZeroDivisionError, OverflowError) as error:
        return f"Traceback (most recent call last):\n{type(error).__name__}: {error}"
    if isinstance(value, complex) or len(text := str(value)) > 24:
        return _number(session)
    return text


def _run(session: Session, skill: str, user: str, code: str, *, recalls: bool = False) -> Turn:
    """The turn that calculates `code`, as far as the session's tools allow."""
    session.last_number = None
    if "python" not in session.tools:
        thoughts = session.think(
            "The user wants a calculation, and python is not enabled.",
            "I do not calculate in my head.",
            "The flag -p enables the python tool.",
            "I will say so.",
        )
        return session.turn(
            skill, user, thoughts, "I calculate with Python: start me with `gptoss chat -p` and ask again."
        )
    rng = session.rng
    thoughts = session.think(
        "The user wants a calculation.",
        "I will use the python tool.",
        "It is exact, and I am not.",
        "Then I will say what it returned.",
    )
    shape = rng.random()
    if shape < 0.08:
        result = rng.choice(_NOT_ENABLED)
        answer = "The python tool is not enabled here: start me with `gptoss chat -p` and ask again."
    elif shape < 0.13:
        result = rng.choice(_FAILURES)
        answer = f"The python tool did not work. It said: {result.split('. ')[0].rstrip('.')}."
    else:
        result = _result(session, code)
        failure = result.splitlines()[-1] if result.startswith("Traceback") else None
        if failure:
            answer = f"The python tool did not work. It said: {failure}."
        else:
            answer = f"{code} = {result}."
            session.last_number = result
        if rng.random() < 0.06:
            result = f"{rng.choice((texts.RESTARTED, texts.RESTORED))}\n{result}"
        result += "\n" if rng.random() < 0.6 else ""
    message = Message(role="tool", name="python", recipient="assistant", channel="analysis", content=result)
    steps: tuple[Think | Call, ...] = (thoughts, Call(PYTHON_CALL, f"print({code})", message))
    return session.turn(skill, user, steps, answer, recalls=recalls)


def arithmetic(session: Session) -> Turn:
    task = _task(session)
    user = session.says(*_ASKED, sum=task.asked)
    return _run(session, "arithmetic", user, task.code)


def continued(session: Session) -> Turn | None:
    """Going on with the result of the turn before."""
    if session.last_number is None or not session.last_skill.startswith("arithmetic") or "python" not in session.tools:
        return None
    train, held_out, operator = session.rng.choice(_MORE)
    number = _number(session)
    user = session.says(train, held_out, n=number)
    return _run(session, "arithmetic continued", user, f"{session.last_number} {operator} {number}", recalls=True)
