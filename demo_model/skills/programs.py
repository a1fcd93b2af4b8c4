"""Python in several steps: variables that stay, code that the user dictates, and errors that are put right."""

import re

from demo_model import lists
from demo_model.conversation import Call, Think, Turn
from demo_model.session import Session
from demo_model.spelling import MARK
from gptoss.tools.python import texts

SKILL = "python"

_NAMES = (
    *"x x x y y z a b c n m k p q t".split(),
    *"total price width height count size rate age length speed distance weight amount budget score radius".split(),
)
_IN = "(in Python|with Python|in python|using Python|)"

_SET = (
    (
        f"(Set|Let|Make) {{x}} (to|be|equal|=|equal to) {{n}}[ {_IN}][ please].",
        f"(Set|Let) {{x}} (to|be) {{n}}[ {_IN}].",
        "(In Python|In python|Using Python)(,|) (set|let) {x} (to|be|=) {n}.",
        "{x} = {n}",
        "{x} is {n}[ in Python].",
        "(Define|Assign|Store|Save) {x} (as|to be|=) {n}[ in Python].",
        "(Store|Save|Put|Assign) {n} (in|into|to|as) [the variable] {x}[ in Python].",
        "(Create|Make|Define) a variable {x} (with the value|that is|of|=|equal to) {n}.",
        "(Can|Could) you (set|let) {x} (to|be) {n}?",
        "The variable {x} (is|shall be|should be) {n}.",
        "(Remember|Note|Keep) [that] {x} (is|=|equals) {n}[ in Python].",
    ),
    (
        "Please set {x} to {n}.",
        "Let the variable {x} be {n}.",
        "Define a variable {x} with the value {n}.",
        "In Python, set {x} = {n}.",
    ),
)
_USE = (
    (
        f"(What is|What's|How much is|What are) {{sum}}[ now| {_IN}]?",
        "(What is|What's) {sum}?",
        f"(Calculate|Compute|Work out|Evaluate|Print|Show me) {{sum}}[ {_IN}].",
        "(Can|Could) you (calculate|compute|print) {sum}?",
        "{sum}",
        "{sum}?",
        "(Now|Then|And) (print|compute|calculate|what is) {sum}[ now].",
        "(Tell me|Give me|Say|Show) [the value of|the result of] {sum}.",
        "(What is the|The|Give me the) (result|value) of {sum}?",
        "How much does {sum} (make|give)?",
    ),
    (
        "Tell me what {sum} is.",
        "Please (compute|print) {sum}.",
        "What is {sum} in Python?",
        "Work out the value of {sum}.",
    ),
)
_STEPS = (
    (
        f"(Set|Let) {{x}} (to|be) {{n}}(, then| and then| and|. Then|;|.) (compute|calculate|print|tell me|work out|show me|give me) {{sum}}[ {_IN}].",
        "(Set|Let) {x} (to|be) {n}(. What is|, what is|; what is|. How much is) {sum}?",
        "(If|When|Given that|Suppose|Say) {x} is {n}, (what is|how much is|compute|calculate) {sum}?",
        "{x} = {n}(. What is|, what is|. Compute|; compute|; print) {sum}?",
        "(First|First,) (set|let) {x} (to|be) {n}(, then|. Then) (compute|calculate|print) {sum}.",
        "(With|For|Given) {x} = {n}, (what is|compute|calculate|print) {sum}?",
        "(In Python|In two steps|Step by step)(,|:) (set|let) {x} (to|be) {n} and (compute|print|calculate) {sum}.",
        "(Define|Assign|Store) {x} (as|=) {n} and (print|compute|calculate) {sum}.",
    ),
    (
        "Please set {x} to {n} and then tell me {sum}.",
        "Let {x} be {n}. How much is {sum}?",
        "Given {x} = {n}, what is {sum}?",
        "First let {x} be {n}, then work out {sum}.",
    ),
)
_RUN = (
    (
        "(Run|Execute|Evaluate|Try|Do|Start) {code}",
        "(Run|Execute|Try) (this|the code|this code|this line|this program|the following|the program)[:] {code}",
        "(In Python|Python|In python)(:|,) [run] {code}",
        "What (does|will) {code} (print|give|return|do|output|say)?",
        "What is the (output|result) of {code}?",
        "What (does|will|would) (this|the|the following) (line|program|piece of code|snippet|expression|one) (print|give|return|output|do)[:] {code}",
        "What is the (output|result|value) of (this|the|this code|this line|the code|the line|the expression)[:] {code}",
        "(Run|Execute|Evaluate|Try) (this|the|my|the following) (code|line|program|snippet|expression)[ please| for me| now][:] {code}",
        "(Can|Could|Would) you [please] (run|execute|evaluate|try) (this|the|the line|this line|this program|the program|the following)[:] {code}",
        "(Run|Execute|Evaluate) (it|that|this)[:] {code}",
        "(Use|Start) python (to run|and run|for|:) {code}",
        "(Can|Could) you (run|execute|evaluate|try) {code}",
        "Please (run|try|execute) [this:] {code}",
        "(Run|Execute|Evaluate) {code} (in Python|with python|for me|and show me the result|and tell me what it prints)",
        "(Show|Tell) me (what|the result when) {code} (prints|gives|does|runs)",
        "(I want you to|You should) (run|execute) {code}",
        "{code}",
    ),
    (
        "Please execute the code {code}",
        "Could you run this code: {code}",
        "What does this code print: {code}",
        "Run the program {code}",
        "Evaluate this: {code}",
    ),
)


def python(session: Session) -> Turn | None:
    rng = session.rng
    if session.variables and rng.random() < 0.5:
        return _use(session)
    return rng.choices((_set, _use, _steps, _run), (3, 0.6, 3, 6))[0](session)


def _lacking(session: Session, user: str) -> Turn:
    return session.lacks("python", "-p", "tool missing", user, "The user wants me to run Python.")


def _number(session: Session) -> str:
    return str(session.rng.randint(0, 10 ** session.rng.randint(1, 5)))


def _variable(session: Session) -> str:
    rng = session.rng
    return rng.choice(_NAMES) if rng.random() < 0.7 else session.words.lower(rng)


def _sum(session: Session, *names: str) -> str:
    """An expression of these variables."""
    rng = session.rng
    operators = ("+", "-", "*", "*", "+", "-", "//", "%")
    if len(names) > 1:
        return f"{names[0]} {rng.choice(operators)} {names[1]}"
    kind = rng.random()
    if kind < 0.12:
        return names[0]
    if kind < 0.2:
        return f"{names[0]} ** {rng.randint(2, 4)}"
    if kind < 0.3:
        return f"{rng.randint(2, 99)} * {names[0]}"
    return f"{names[0]} {rng.choice(operators)} {rng.randint(1, 99)}"


def _code(session: Session, marked: str) -> Call:
    """Run code; now and then Python was restarted since the last turn."""
    note = ""
    if session.variables and session.rng.random() < 0.12:
        session.bench.restart_python()
        note = texts.RESTARTED
    return session.bench.python(marked, note)


def _output(call: Call) -> str:
    return call.result.content.removeprefix(f"{texts.RESTARTED}\n")


def _set(session: Session) -> Turn:
    name, number = _variable(session), _number(session)
    user = session.says(*_SET, x=name, n=number)
    if "python" not in session.tools:
        return _lacking(session, user)
    thoughts = session.think(
        "I will set the variable in Python.",
        "Variables stay for the next call.",
        "Python is exact, and I am not.",
        "Then I will say that it is done.",
    )
    call = _code(session, f"{MARK}{name} = {number}")
    session.variables[name] = number
    return session.turn(SKILL, user, (thoughts, call), f"{MARK}{name} is {number} now.")


def _use(session: Session) -> Turn:
    rng = session.rng
    known = list(session.variables)
    names = [rng.choice(known) if known and rng.random() < 0.88 else _variable(session)]
    if len(known) > 1 and rng.random() < 0.4:
        names = rng.sample(known, 2)
    expression = _sum(session, *names)
    user = session.says(*_USE, sum=expression)
    if "python" not in session.tools:
        return _lacking(session, user)
    thoughts = session.think(
        "The user wants a calculation with variables.",
        "I will use the python tool.",
        "It may still have them.",
        "Then I will say what it returned.",
    )
    first = MARK if expression[0].isalpha() else ""
    call = _code(session, f"print({first}{expression})")
    steps: tuple[Think | Call, ...] = (thoughts, call)
    unknown = re.search(r"NameError: name '(\w+)' is not defined$", call.result.content)
    if unknown:
        # The user's own words say what they were, in the order in which the expression needs them.
        lost = [name for name in dict.fromkeys(names) if name in session.variables]
        if len(lost) < len(set(names)):
            return session.turn(SKILL, user, steps, f"{MARK}{unknown[1]} is not defined: tell me what it is.")
        again = session.think(
            "Python has lost the variables, so I will set them again.",
            "The user told me their values.",
            "The newest value counts.",
            "Then the calculation will work.",
        )
        set_again = "\n".join(f"{MARK}{name} = {session.variables[name]}" for name in lost)
        call = session.bench.python(f"{set_again}\nprint({first}{expression})")
        steps = (*steps, again, call)
    return session.turn(SKILL, user, steps, _equation(first, expression, call), recalls=True)


def _equation(first: str, expression: str, call: Call) -> str:
    last = _output(call).splitlines()[-1]
    if "Error: " in last:
        return f"The python tool did not work. It said: {last}."
    return f"{first}{expression} = {last}."


def _steps(session: Session) -> Turn:
    name, number = _variable(session), _number(session)
    expression = _sum(session, name)
    if expression == name:
        expression = f"{name} * {session.rng.randint(2, 99)}"
    user = session.says(*_STEPS, x=name, n=number, sum=expression)
    if "python" not in session.tools:
        return _lacking(session, user)
    first = session.think(
        "First I will set the variable.",
        "Then I will calculate with it.",
        "Variables stay for the next call.",
        "Python is exact, and I am not.",
    )
    setting = _code(session, f"{MARK}{name} = {number}")
    session.variables[name] = number
    second = session.think(
        "Now I will calculate.",
        "The variable is there.",
        "I will print the result.",
        "Then I will say what it is.",
    )
    mark = MARK if expression[0].isalpha() else ""
    call = session.bench.python(f"print({mark}{expression})")
    return session.turn(SKILL, user, (first, setting, second, call), _equation(mark, expression, call))


def _snippet(session: Session) -> tuple[str, str | None]:
    """Code as the user dictates it, and what puts its error right, None if there is none."""
    rng, words = session.rng, session.words
    word = words.listed(rng, lists.NOUNS) if rng.random() < 0.6 else words.common(rng)
    numbers = ", ".join(str(rng.randint(0, 99)) for _ in range(rng.randint(2, 5)))
    n = rng.randint(1, 99)
    kind = rng.random()
    if kind < 0.5:
        quote = rng.choice("\"'")
        return rng.choice(
            (
                f"print({quote}{word}{quote})",
                f"print({quote}{word} {words.common(rng)}{quote})",
                f"print({n} {rng.choice('+-*')} {rng.randint(1, 99)})",
                f"len({quote}{word}{quote})",
                f"sum([{numbers}])",
                f"max([{numbers}])",
                f"min({numbers})",
                f"sorted([{numbers}])",
                f"sum(range({n}))",
                f"{quote}{word}{quote}.upper()",
                f"[n * n for n in range({rng.randint(2, 9)})]",
                f"list(range({rng.randint(2, 9)}))",
                f"for i in range({rng.randint(2, 5)}): print(i)",
                f"print(len({quote}{word}{quote}))",
                f"{_variable(session)} = {n}",
                f"2 ** {n % 40}",
                f"abs(-{n})",
                f"round({n}.{rng.randint(1, 99)})",
                f"print(list(range({rng.randint(2, 9)})))",
                f"int({quote}{n}{quote}) + 1",
                f"{n} > {rng.randint(1, 99)}",
            )
        ), None
    if kind < 0.7:  # a name that must be imported
        function, argument = rng.choice(
            (
                ("sqrt", n * n),
                ("sqrt", n),
                ("factorial", n % 15),
                ("floor", f"{n}.5"),
                ("ceil", f"{n}.5"),
                ("log2", 2 ** (n % 20 + 1)),
                ("radians", 0),
                ("cos", 0),
                ("sin", 0),
                ("exp", 0),
            )
        )
        code = rng.choice(
            (f"{function}({argument})", f"print({function}({argument}))", f"{function}({argument}) + {n}")
        )
        return code, f"from math import {function}\n{code}"
    if kind < 0.78:
        module, code = rng.choice(
            (
                ("math", f"math.sqrt({n * n})"),
                ("math", f"math.factorial({n % 15})"),
                ("math", f"math.gcd({n}, {rng.randint(1, 99)})"),
                ("json", f"json.dumps([{numbers}])"),
                ("statistics", f"statistics.median([{numbers}])"),
                ("statistics", f"statistics.mode([{n}, {n}, 3])"),
                ("re", f're.findall("a", "{word}")'),
                ("textwrap", f'textwrap.shorten("{word}", 40)'),
                ("string", "string.digits"),
                ("fractions", f"fractions.Fraction({n}, {n * 3})"),
            )
        )
        if rng.random() < 0.6:
            code = f"print({code})"
        return code, f"import {module}\n{code}"
    if kind < 0.88:  # a bracket that was never closed
        code = rng.choice(
            (
                f"print({n} * {rng.randint(2, 99)}",
                f"sum([{numbers}]",
                f'print("{word}"',
                f"print(sum([{numbers}])",
                f"max({numbers}",
                f"len([{numbers}]",
            )
        )
        return code, f"{code})"
    if kind < 0.93:  # a quotation mark that was
        return f'print("{word})', f'print("{word}")'
    name = rng.choice("nxik")
    amount = rng.randint(2, 60)
    values = [rng.choice((1, 2, 4, 5, 10)) for _ in range(rng.randint(1, 2))] + [0]
    rng.shuffle(values)
    code = f"for {name} in {values}: print({amount} / {name})"
    return code, f"for {name} in {values}:\n    if {name}: print({amount} / {name})"


def _marked(code: str) -> str:
    """With a mark where a word begins the code; all other words stand behind what they stand behind in the prompt."""
    return f"{MARK}{code}" if code[0].isalpha() else code


def _run(session: Session) -> Turn:
    code, better = _snippet(session)
    user = session.says(*_RUN, code=f"`{code}`" if session.rng.random() < 0.06 else code)
    if "python" not in session.tools:
        return _lacking(session, user)
    thoughts = session.think(
        "I will run the code as it is.",
        "The python tool does that.",
        "If there is an error, I may be able to put it right.",
        "Then I will say what it returned.",
    )
    call = _code(session, _marked(code))
    steps: tuple[Think | Call, ...] = (thoughts, call)
    if better and "Error: " in call.result.content:
        error = call.result.content.splitlines()[-1].partition(":")[0]
        again = session.think(
            f"That is a {error}, which I can put right.",
            "The code needs a small change.",
            "I will run it again.",
            "Then I will say what it returned.",
        )
        before, joint, after = better.partition("\n")
        marked = f"{before}\n{_marked(after)}" if joint and before.startswith(("from ", "import ")) else _marked(better)
        call = session.bench.python(marked)
        steps = (*steps, again, call)
    assigned = re.fullmatch(r"(\w+) = (\d+)", code)
    if assigned:
        session.variables[assigned[1]] = assigned[2]
    output = _output(call)
    if output == texts.NO_OUTPUT:
        answer = "The code ran and printed nothing."
    elif "Error: " in (last := output.splitlines()[-1]):
        answer = f"The python tool did not work. It said: {last}."
    else:
        answer = f"Python says:\n{output}"
    return session.turn(SKILL, user, steps, answer, verbatim=answer.startswith("Python says:"))
