"""Arithmetic: the model calls python and says what it returned, whatever that is."""

import re
from dataclasses import dataclass

from demo_model.conversation import Call, Think, Turn
from demo_model.session import Session
from demo_model.workbench import PYTHON
from gptoss.engine.recovery import tool_message
from gptoss.tools.python import texts

_NOT_ENABLED = (
    'Error: the tool "python" is not enabled in this session. Enabled tools: none.',
    'Error: the tool "python" is not enabled in this session. Enabled tools: browser.',
    'Error: the tool "python" is not enabled in this session. Enabled tools: apply_patch.',
    'Error: the tool "python" is not enabled in this session. Enabled tools: apply_patch, browser.',
)
_FAILURES = (
    texts.timed_out(texts.TIMEOUT),
    texts.killed(texts.TIMEOUT),
    texts.DIED,
    texts.OUT_OF_MEMORY,
    texts.too_much_output(10),
    texts.unavailable("No sandbox works on this machine."),
    "Error: the user interrupted this tool.",
    "Error: the tool failed unexpectedly (OSError: no space left on device).",
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
        "(Please|Can you|Could you|I want you to|Let's|Let us) (calculate|compute|work out|evaluate|solve|find) {sum}.",
        "(Tell me|Say|Show me|Give me|Let me know) (what|how much) {sum} (is|makes|gives|equals|comes to).",
        "(Can|Could|Would|Will) you [please] (tell me|give me|work out|find out|say) [what|the result of|the value of] {sum}?",
        "(What|How much) (would|will|does) {sum} (be|make|give|come to|equal)?",
        "(How much|What) (is|are|was) (the result of|the value of|the answer to|) {sum}?",
        "(Work|Figure) out (the result of|what is|how much is|) {sum}.",
        "(I'd like|I want|I need) to know (what|how much) {sum} (is|makes).",
        "(Quick|Quickly|Easy one|Question|Maths|Math|A sum)(:|,) [what is] {sum}?",
        "{sum} (makes|is|equals|gives) (what|how much)?",
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
            "(Can you|Could you|Please|Now) (multiply|take) (that|it|the result) (by|times) {n}?",
            "[And] (what|how much) is (that|it|the result|this) (times|multiplied by) {n}?",
            "[And|Then] [please] multiply (it|that|the result|this) (by|with) {n}[, please].",
            "(The result|That|It) times {n}?",
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
            "(Can you|Could you|Please|Now) add {n}[ to (that|it|the result|this)]?",
            "[And] (what|how much) is (that|it|the result|this) plus {n}?",
            "[And|Then] [please] add {n} (to it|to that|to the result|to this|)[, please].",
            "(The result|That|It) plus {n}?",
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
            "(Can you|Could you|Please|Now) (subtract|take|take away) {n}[ from (that|it|the result|this)]?",
            "[And] (what|how much) is (that|it|the result|this) minus {n}?",
            "[And|Then] [please] (subtract|take away) {n} (from it|from that|from the result|)[, please].",
            "(The result|That|It) minus {n}?",
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
            "(Can you|Could you|Please|Now) divide (that|it|the result|this) by {n}?",
            "[And] (what|how much) is (that|it|the result|this) divided by {n}?",
            "[And|Then] [please] divide (it|that|the result|this) by {n}[, please].",
            "(The result|That|It) divided by {n}?",
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
    except (ZeroDivisionError, OverflowError):
        return session.bench.python(f"print({code})").result.content
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
        failure = last if "Error: " in (last := result.splitlines()[-1]) else None
        if failure:
            answer = f"The python tool did not work. It said: {failure}."
        else:
            answer = f"{code} = {result}."
            session.last_number = result
        if rng.random() < 0.06:
            result = f"{rng.choice((texts.RESTARTED, texts.RESTORED))}\n{result}"
    steps: tuple[Think | Call, ...] = (
        thoughts,
        Call(PYTHON, f"print({code})", tool_message("python", result, "analysis")),
    )
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
