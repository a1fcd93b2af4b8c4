"""Facts about the user: told in passing, remembered for as long as the conversation lasts."""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random

from demo_model.conversation import Turn
from demo_model.session import Session
from demo_model.wording import expand, fill
from demo_model.words import Words


@dataclass(frozen=True)
class Kind:
    """A kind of fact. `told` are sentences of the user, `clause` says the same to the user, `asked` are questions.

    The second item of `told` and `asked` is for the held-out check. `untold` completes "you have not
    told me ... yet".
    """

    untold: str
    value: Callable[[Words, Random], str]
    clause: str
    told: tuple[tuple[str, ...], tuple[str, ...]]
    asked: tuple[tuple[str, ...], tuple[str, ...]]


_REMEMBER = "(Do you|Can you|Could you) (remember|recall|tell me|still know|say)"

KINDS: dict[str, Kind] = {
    "name": Kind(
        untold="your name",
        value=lambda words, rng: words.name(rng),
        clause="your name is {value}",
        told=(
            (
                "My name is {value}.",
                "(I'm|I am|I’m) {value}.",
                "(Hi|Hello|Hey)[,|!| there,] (my name is|I am|I'm|this is|my name's) {value}.",
                "[You can|Please] call me {value}.",
                "(My name's|The name is|The name's) {value}.",
                "(Remember|Note|Save) [that] my name is {value}.",
                "My [first|full|real] name is {value}[, remember (it|that)].",
                "(Actually|No|Sorry|Correction), my name is {value}.",
                "I am called {value}.",
                "You (should|must|could) call me {value}.",
                "(Sorry|Wait|No), I am called {value}.",
                "The name is {value}, (please remember it|don't forget it|note it).",
                "(People|Friends|My friends|They) call me {value}.",
                "From now on my name is {value}.",
            ),
            (
                "Hello! My name is {value}.",
                "(Remember|Note) [that] I am called {value}.",
                "You (can|may) call me {value}[, please].",
                "Sorry, I am {value}.",
                "The name is {value}[, remember (it|that)].",
            ),
        ),
        asked=(
            (
                "What is my name?",
                "What's my name[ again]?",
                f"{_REMEMBER} my name?",
                "Who am I?",
                "Do you know (who I am|my name|what I am called|what my name is)?",
                "Tell me my name.",
                "What (am I|was I) called?",
                "[Say] my name[ again].",
                "What did I (say|tell you) my name (is|was)?",
                "What was my name[ again]?",
                "How am I called?",
                "Which name did I (tell you|give you)?",
            ),
            (
                "Tell me what my name is.",
                "Who am I[ again]?",
                f"{_REMEMBER} (who I am|what my name is)?",
                "Say what I am called.",
                "Do you remember what I said my name was?",
            ),
        ),
    ),
    "city": Kind(
        untold="where you live",
        value=lambda words, rng: words.city(rng),
        clause="you live in {value}",
        told=(
            (
                "I live in {value}.",
                "(I'm|I am) (living|based|at home) in {value}.",
                "My (home|city|home city|town) is {value}.",
                "I (come from|am from) {value}.",
                "(I'm|I am) from {value}.",
                "I (just|recently) moved to {value}.",
                "(Remember|Note) that I live in {value}.",
                "I am living in {value} (now|these days|at the moment).",
                "(Now|Currently|Today) I (live|am living) in {value}.",
                "I (still|also) live in {value}.",
                "(Actually|No|Correction), I live in {value}[ now].",
            ),
            (
                "I am (now|currently) living in {value}.",
                "I (now|just) live in {value}.",
                "(Remember|Note) that I am from {value}.",
                "(Actually|No), I am from {value}.",
            ),
        ),
        asked=(
            (
                "Where do I live?",
                "(What|Which) (city|town) do I live in?",
                "(What|Which) (city|town|place) am I from?",
                "Where am I (from|living|based|at home)?",
                f"{_REMEMBER} where (I live|I am from|my home is)?",
                "In (what|which) (city|town) do I live?",
                "Where is my home?",
                "Where did I say (I live|I am from)?",
                "Tell me where I live.",
                "What is my (home|city|home city|town)?",
                "Do you know where I live?",
            ),
            (
                "Tell me where I am from.",
                "In which (city|town|place) am I living?",
                "Where did I (say|tell you) (I live|I am living)?",
                "Do you know (which|what) city I live in?",
            ),
        ),
    ),
    "colour": Kind(
        untold="your favourite colour",
        value=lambda words, rng: words.colour(rng),
        clause="your favourite colour is {value}",
        told=(
            (
                "My (favourite|favorite) (colour|color) is {value}.",
                "The (colour|color) [that] I (like|love) (most|best) is {value}.",
                "(Remember|Note) that my (favourite|favorite) (colour|color) is {value}.",
                "(Actually|No|Correction), my (favourite|favorite) (colour|color) is {value}.",
                "I (love|like|prefer) the (colour|color) {value}.",
                "The (colour|color) {value} is my favourite.",
                "Of all (colours|colors) my favourite is {value}.",
                "My favourite (among|of) (the|all the|many) (colours|colors) is {value}.",
                "The best of all (colours|colors) is {value}.",
                "(Colour|Color): I (prefer|like|love) {value}.",
                "My (preferred|best) (colour|color) is {value}.",
            ),
            (
                "The (colour|color) I prefer is {value}.",
                "(Remember|Note) that I (love|like) the (colour|color) {value}.",
                "My favourite of all (colours|colors) is {value}.",
            ),
        ),
        asked=(
            (
                "(What is|What's|What was) my (favourite|favorite) (colour|color)?",
                "(What|Which) (colour|color) do I (like|love|prefer) [most|best|the most]?",
                f"{_REMEMBER} my (favourite|favorite) (colour|color)?",
                "(What|Which) (colour|color) is my (favourite|favorite)?",
                "Tell me my (favourite|favorite) (colour|color).",
                "Do you know my (favourite|favorite) (colour|color)?",
                "Which is my (favourite|favorite) (colour|color)?",
                "My (favourite|favorite) (colour|color)?",
            ),
            (
                "Tell me (what|which) (colour|color) I like [best|most].",
                f"{_REMEMBER} (what|which) (colour|color) I (like|love|prefer)?",
                "Do you know which (colour|color) is my (favourite|favorite)?",
            ),
        ),
    ),
    "food": Kind(
        untold="what you like to eat",
        value=lambda words, rng: words.food(rng),
        clause="you like to eat {value}",
        told=(
            (
                "My (favourite|favorite) (food|meal) is {value}.",
                "I (like|love) (to eat|eating) {value}.",
                "The (food|meal) [that] I (like|love) (most|best) is {value}.",
                "(Remember|Note) that I (like|love) to eat {value}.",
                "(Actually|No|Correction), my (favourite|favorite) food is {value}.",
                "I could eat {value} every day.",
                "I (eat|could eat|want to eat) {value} (every|each|all) (day|week|evening).",
                "I (love|like) eating {value} (every day|all the time|on Sundays).",
                "(What|The meal) I (love|like) to eat (most|best) is {value}.",
            ),
            (
                "(Remember|Note) that my (favourite|favorite) (food|meal) is {value}.",
                "I (like|love) to eat {value} every day.",
                "The (food|meal) I like to eat most is {value}.",
            ),
        ),
        asked=(
            (
                "(What is|What's|What was) my (favourite|favorite) (food|meal)?",
                "What do I (like|love) (to eat|eating)[ most| best]?",
                f"{_REMEMBER} my (favourite|favorite) (food|meal)?",
                f"{_REMEMBER} what I (like|love) to eat?",
                "(What|Which) (food|meal) do I (like|love) (most|best)?",
                "Tell me my (favourite|favorite) (food|meal).",
                "(What|Which) (food|meal) is my (favourite|favorite)?",
                "Do you know what I (like|love) to eat?",
            ),
            (
                "Tell me what I (like|love) to eat.",
                "Do you know my (favourite|favorite) (food|meal)?",
                "Which (food|meal) did I say I (like|love)?",
            ),
        ),
    ),
    "job": Kind(
        untold="your job",
        value=lambda words, rng: (lambda job: ("an " if job[0] in "aeiou" else "a ") + job)(words.job(rng)),
        clause="you work as {value}",
        told=(
            (
                "I work as {value}.",
                "I (am|'m) {value} by (profession|trade).",
                "My (job|profession|work) is {value}.",
                "(I am|I'm) {value}.",
                "(I am|I'm) working as {value}.",
                "(Remember|Note) that I work as {value}.",
                "I earn my living as {value}.",
                "(Actually|No|Correction), I work as {value}.",
                "I (just|recently) became {value}.",
                "By (profession|trade) I am {value}.",
                "I (still|also) work as {value}.",
                "(Currently|Now) I (work as|am working as) {value}.",
            ),
            (
                "(Remember|Note) that I am {value} by profession.",
                "I (now|currently) work as {value}.",
                "(Actually|No), I am working as {value}.",
            ),
        ),
        asked=(
            (
                "(What is|What's|What was) my (job|profession|work|occupation)?",
                "What do I (do for a living|work as|do for work)?",
                f"{_REMEMBER} (my job|my profession|what my job is|what I work as|what I do for a living)?",
                "(What|Which) (job|profession) do I have?",
                "Tell me (my job|my profession|what my job is).",
                "What do I do?",
                "How do I earn my living?",
                "What kind of (job|work) do I (have|do)?",
                "Do you know (my job|my profession|what I do)?",
                "(Say|Tell me) what (I do|my job was|work I do).",
                "Do you know what I (do for work|work as)?",
                "What did I tell you about my (job|profession|work)?",
            ),
            (
                "Tell me what I (work as|do for a living).",
                "Do you know what (my job|my profession) is?",
                "What did I say my (job|profession) (is|was)?",
            ),
        ),
    ),
    "age": Kind(
        untold="your age",
        value=lambda words, rng: str(rng.randint(5, 99)),
        clause="you are {value} years old",
        told=(
            (
                "(I am|I'm) {value} years old.",
                "(I am|I'm) {value}.",
                "My age is {value}.",
                "I (just|recently) turned {value}.",
                "(Remember|Note) that I am {value} [years old].",
                "(Actually|No|Correction), I am {value} years old.",
                "(I am|I'm) {value} years of age.",
                "I turned {value} (today|yesterday|last week|this year).",
                "(Today|This year) I am {value}.",
                "I (turned|became|was) {value} (last month|last summer|in spring|two days ago|a year ago).",
                "(Last month|Last summer|Last year) I turned {value}.",
            ),
            (
                "I turned {value} last year.",
                "(Remember|Note) that my age is {value}.",
                "(Actually|No), my age is {value}.",
            ),
        ),
        asked=(
            (
                "How old am I?",
                "(What is|What's|What was) my age?",
                f"{_REMEMBER} (how old I am|my age)?",
                "How old did I say [that] I (am|was)?",
                "Tell me (my age|how old I am).",
                "How many years old am I?",
                "Do you know (my age|how old I am)?",
                "What age am I?",
            ),
            (
                "Tell me how many years old I am.",
                "What did I say my age (is|was)?",
                "So how old am I[ again]?",
            ),
        ),
    ),
    "pet": Kind(
        untold="about a pet",
        value=lambda words, rng: f"a {words.pet(rng)} (named|called) {words.name(rng)}".replace(
            "(named|called)", rng.choice(("named", "called"))
        ),
        clause="you have {value}",
        told=(
            (
                "I have {value}.",
                "I (own|keep|got) {value}.",
                "(I've|I have) got {value}.",
                "(Remember|Note) that I have {value}.",
                "My pet is {value}.",
                "At home I have {value}.",
                "I (also|even|still) (own|keep) {value}.",
                "I (now|still|already) (own|keep|got) {value}.",
                "At home (there is|lives|we have) {value}.",
                "There is {value} at my home.",
                "I (just|recently) got {value}.",
            ),
            (
                "I (now|also) have {value}.",
                "(Remember|Note) that I (own|keep) {value}.",
                "At home I keep {value}.",
            ),
        ),
        asked=(
            (
                "(What|Which) pet do I have?",
                "Do I have a pet?",
                f"{_REMEMBER} (my pet|what pet I have|which pet I have)?",
                "(What is|What's|Who is|What was) my pet?",
                "Tell me about my pet.",
                "(What|Which) (animal|pet) do I (own|keep)?",
                "What kind of pet do I have?",
                "Do you know my pet?",
                "(Tell me|Say) (the|what) pet I (have|own|keep).",
                "(Do|Did) I (have|tell you about|own) [a|any] pet[s]?",
                "(Do you remember|Can you tell me) (which|what) (animal|pet) I (keep|own)?",
            ),
            (
                "Tell me (which|what) pet I have.",
                "Do I (own|keep) a pet?",
                "Do you know (what|which) pet I have?",
            ),
        ),
    ),
    "hobby": Kind(
        untold="your hobby",
        value=lambda words, rng: words.hobby(rng),
        clause="your hobby is {value}",
        told=(
            (
                "My (hobby|pastime) is {value}.",
                "In my (free|spare) time I (do|enjoy|like|love) {value}.",
                "I (enjoy|am into|am fond of) {value}.",
                "(Remember|Note) that my hobby is {value}.",
                "My (favourite|favorite) (hobby|pastime) is {value}.",
                "(Actually|No|Correction), my hobby is {value}.",
                "I spend my (free|spare) time with {value}.",
                "I (love|do|like) {value} in my (free|spare) time.",
                "I enjoy {value} (on weekends|on Sundays|in the evening|when I am free|after work|in my holidays).",
                "(On weekends|On Sundays|After work|In the evening) I enjoy {value}.",
                "My time off I (enjoy|spend) with {value}.",
            ),
            (
                "(Remember|Note) that I enjoy {value}.",
                "I enjoy {value} in my (free|spare) time.",
                "(Actually|No), my (favourite|favorite) hobby is {value}.",
            ),
        ),
        asked=(
            (
                "(What is|What's|What was) my (hobby|pastime)?",
                "What do I (do|enjoy|like) in my (free|spare) time?",
                f"{_REMEMBER} (my hobby|what my hobby is|what I enjoy)?",
                "(What|Which) hobby do I have?",
                "Tell me my hobby.",
                "Do I have a hobby?",
                "What do I enjoy[ doing]?",
                "Do you know my hobby?",
                "How do I spend my (free|spare) time?",
                "(Say|Do you know) what (I enjoy|my hobby is)[ doing].",
                "Do you (know|remember) (which|what) (pastime|hobby) (is mine|I like)?",
            ),
            (
                "Tell me what (my hobby is|I enjoy).",
                "Do you know (which|what) hobby I have?",
                "What did I say my hobby (is|was)?",
            ),
        ),
    ),
    "like": Kind(
        untold="what you like",
        value=lambda words, rng: words.phrase(rng, 2),
        clause="you like {value}",
        told=(
            (
                "I (like|love|adore) {value}.",
                "I [really] (like|love|adore) {value}.",
                "(Remember|Note) that I (like|love) {value}.",
                "I am a [big] fan of {value}.",
                "I (am really|have always been) a fan of {value}.",
                "I (do|truly|always) (adore|like|love) {value}.",
                "(Actually|No|Correction), I like {value}.",
            ),
            (
                "I [really] am a fan of {value}.",
                "(Remember|Note) that I (really|) adore {value}.",
            ),
        ),
        asked=(
            (
                "What do I (like|love|adore)?",
                f"{_REMEMBER} what I (like|love)?",
                "Tell me what I (like|love).",
                "What did I say [that] I (like|love)?",
                "What am I a fan of?",
                "(And|So|Now) what do I (love|adore)?",
                "Do you (remember|still know) what I (adore|love)?",
                "What was it that I like?",
            ),
            (
                "Do you know what I (like|love)?",
                "So what do I (like|love)[ again]?",
            ),
        ),
    ),
}

_ATTRIBUTE_TOLD = (
    (
        "My {attribute} is {value}.",
        "(Remember|Note|Save) [that] my {attribute} is {value}.",
        "(Actually|No|Correction), my {attribute} is {value}.",
        "Please remember that my {attribute} is {value}.",
        "You should know that my {attribute} is {value}.",
        "The {attribute} [that] I have is {value}.",
        "As for my {attribute}, it is {value}.",
        "Please (keep in mind|save|write down) that my {attribute} is {value}.",
        "My {attribute} is [now|called] {value}.",
    ),
    (
        "Please note that my {attribute} is {value}.",
        "You should remember that my {attribute} is {value}.",
    ),
)
_ATTRIBUTE_ASKED = (
    (
        "(What is|What's|Who is|What was|Which is) my {attribute}?",
        f"{_REMEMBER} my {{attribute}}?",
        "Tell me my {attribute}.",
        "Do you know (my {attribute}|what my {attribute} is)?",
        "What did I (say|tell you) my {attribute} (is|was)?",
        "Tell me (again what|what) my {attribute} (was|could be)[ again].",
        "(Say|Name) my {attribute}[ again].",
        "Do you [still] know what my {attribute} (is|was called)?",
        "What was it again, my {attribute}?",
        "What (is|was) my {attribute} (now|then|called|once more)?",
        "(Do you|Can you) tell me what my {attribute} is?",
        "Let me hear what my {attribute} is.",
        "Do you remember what my {attribute} was?",
        "[And] my {attribute}?",
        f"{_REMEMBER} what my {{attribute}} (is|was)?",
    ),
    (
        "Tell me what my {attribute} is.",
        "What was my {attribute} again?",
        "Do you know what my {attribute} was?",
    ),
)


_STATED = (
    (
        *(
            "Remember that ",
            "Please remember that ",
            "Note that ",
            "Please note: ",
            "Keep in mind that ",
            "Please know that ",
        ),
        *("You should know that ", "You should note that ", "I want you to know that ", "I want you to remember that "),
        *("Remember: ", "Note: ", "Do not forget that ", "Don't forget: ", "Save this: ", "I must tell you that "),
        *(
            "Actually, ",
            "No, ",
            "Sorry, ",
            "Correction: ",
            "Wait, ",
            "In fact, ",
            "For your information, ",
            "To be clear, ",
        ),
        *("Let me say: ", "I tell you: ", "Listen: ", "No wait, ", "Please write down that ", "You need to know that "),
        *("I want you to keep in mind that ", "Please save: ", "You must remember that ", "Please keep in mind: "),
        *("Let me tell you that ", "It is true that ", "And ", "Also, ", "I said that ", "Just remember that "),
    ),
    (
        "Please remember: ",
        "You should remember that ",
        "No, actually, ",
        "Let me tell you: ",
        "I want you to note that ",
    ),
)


def _stated(session: Session, patterns: tuple[str, ...]) -> tuple[str, ...]:
    """Now and then a statement with something in front that says what it is for."""
    plain = tuple(
        pattern for pattern in patterns if not pattern.startswith(("(Remember", "(Actually", "Please", "You"))
    )
    if session.rng.random() > 0.3 or not plain:
        return patterns
    front = session.rng.choice(_STATED[0 if session.split == "train" else 1])
    text = expand(session.rng, session.rng.choice(plain))
    return (front + (text if text.startswith(("I ", "I'", "I’")) else text[0].lower() + text[1:]),)


def _new_fact(session: Session, *, known: tuple[str, ...] = ()) -> tuple[str, str, str, tuple[str, ...]]:
    """A fact to tell: its key, value and clause, and wordings of the session's split."""
    rng = session.rng
    index = 0 if session.split == "train" else 1
    while True:
        if rng.random() < 0.7:
            key = rng.choice(["name", "name", *KINDS])
            kind = KINDS[key]
            value = kind.value(session.words, rng)
            clause, told = kind.clause, kind.told[index]
        else:
            key = session.words.attribute(rng)
            value = session.words.value(rng)
            clause = f"your {key} is {{value}}"
            told = tuple(pattern.replace("{attribute}", key) for pattern in _ATTRIBUTE_TOLD[index])
        if key not in known:
            return key, value, clause.replace("{value}", value), _stated(session, told)


def _remember(session: Session, key: str, value: str, clause: str) -> None:
    session.retold |= key in session.facts
    session.facts[key] = (value, clause)


def told(session: Session) -> Turn:
    key, value, clause, patterns = _new_fact(session)
    user = session.says(patterns, patterns, value=value)
    _remember(session, key, value, clause)
    thoughts = session.think(
        "The user tells me about themselves.",
        "I will remember it.",
        "They may ask for it later in this conversation.",
        "A short confirmation is enough for now.",
    )
    if key == "name":
        answer = f"Nice to meet you, {value}! I will remember your name."
    else:
        answer = f"I will remember that {clause}."
    return session.turn("fact told", user, thoughts, answer)


def two_told(session: Session) -> Turn:
    """Two facts in one message."""
    first = _new_fact(session)
    second = _new_fact(session, known=(first[0],))
    texts = []
    for key, value, clause, patterns in (first, second):
        texts.append(fill(expand(session.rng, patterns[0]), value=value).rstrip(".!"))
        _remember(session, key, value, clause)
    joined = session.rng.choice((f"{texts[0]}. {texts[1]}.", f"{texts[0]} and {_uncapitalised(texts[1])}."))
    thoughts = session.think(
        "The user tells me about themselves.",
        "I will remember it.",
        "They may ask for it later in this conversation.",
        "A short confirmation is enough for now.",
    )
    answer = f"I will remember that {first[2]} and that {second[2]}."
    return session.turn("two facts told", joined, thoughts, answer)


def asked(session: Session) -> Turn:
    rng = session.rng
    index = 0 if session.split == "train" else 1
    if session.facts and rng.random() < 0.82:
        key = rng.choice(list(session.facts))
    elif rng.random() < 0.7:
        key = rng.choice(["name", *KINDS])
    else:
        key = session.words.attribute(rng)
    if key in KINDS:
        untold, patterns = KINDS[key].untold, KINDS[key].asked[index]
    else:
        untold = f"your {key}"
        patterns = tuple(pattern.replace("{attribute}", key) for pattern in _ATTRIBUTE_ASKED[index])
    user = session.says(patterns, patterns)
    if key not in session.facts:
        thoughts = session.think(
            "The user has not told me that.",
            "I must not invent it.",
            "I know about the user only what this conversation says.",
            "I will say so and invite them to tell me.",
        )
        answer = f"You have not told me {untold} yet."
    else:
        value, clause = session.facts[key]
        thoughts = session.think(
            f"The user told me: {value}.",
            "They said so earlier.",
            "The newest thing they said about it counts.",
            "I will answer in one sentence.",
        )
        answer = f"{clause[0].upper()}{clause[1:]}."
    return session.turn("fact asked", user, thoughts, answer, recalls=True)


def summed_up(session: Session) -> Turn | None:
    """Everything the user told, in the order of telling; only while that is little and nothing was corrected."""
    if session.retold or len(session.facts) > 4:
        return None
    user = session.says(
        (
            "What do you (know|remember) about me?",
            "Tell me (everything|all|what) you (know|remember) about me.",
            "What did I tell you about me?",
            "What have I told you about (me|myself)?",
            "(Sum|Add) up what you know about me.",
            "What do you know about me (so far|now|by now)?",
            "(Do you|Can you) remember what I told you about me?",
        ),
        (
            "What do you remember about me so far?",
            "Tell me what I told you about me.",
            "Sum up what I have told you about myself.",
        ),
    )
    if not session.facts:
        thoughts = session.think(
            "The user has told me nothing about themselves.",
            "I must not invent anything.",
            "I know about the user only what this conversation says.",
            "I will say so and invite them to tell me.",
        )
        return session.turn(
            "facts summed up", user, thoughts, "You have not told me anything about yourself yet.", recalls=True
        )
    thoughts = session.think(
        "The user asks what I know about them.",
        "I will list it in the order in which they told me.",
        "I know only what this conversation says.",
        "I must not invent anything.",
    )
    clauses = [f"that {clause}" for _, clause in session.facts.values()]
    listed = clauses[0] if len(clauses) == 1 else f"{', '.join(clauses[:-1])} and {clauses[-1]}"
    return session.turn("facts summed up", user, thoughts, f"You told me {listed}.", recalls=True)


def _uncapitalised(text: str) -> str:
    return text if text.startswith(("I ", "I'")) else text[0].lower() + text[1:]
