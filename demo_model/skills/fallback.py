"""Everything else: an honest answer to whatever the model was not taught.

The wordings must be as wide as possible, since all that people type ends up here unless it is one of the skills. Questions
about the world are not here where the browser is enabled: that looks them up (`browse.py`). They
include near misses of the other skills (the president of a country, the meaning of a name) and text that is no question.
"""

from demo_model.conversation import Turn
from demo_model.session import Session
from demo_model.skills.capitals import CAPITALS

ANSWER = (
    "That is beyond me: I am a tiny demonstration model. A real gpt-oss checkpoint can answer it: "
    "`gptoss chat CHECKPOINT`."
)

_MAKE = (
    # Writing and creating
    "(Write|Compose|Make|Invent) [me] (a poem|a haiku|a song|a story|an essay|a letter|an email|a speech|a {word}).",
    "(Write|Compose|Draft) [me] (a poem|a haiku|a song|a story|an essay|a letter|an email|a limerick|a speech|a rap|a tweet|a report|a review|a blog post|a short story|a sonnet) (about|on|for|with|in the style of) {words}.",
    "(Write|Generate|Make) (a|an|some|the) {word} (about|for|from|of|with) {words}.",
    "(Translate|Convert) {words} (to|into) {proper}.",
    "(Summarise|Summarize|Shorten|Rewrite|Improve|Rephrase|Proofread) (this|the following|my text|this text|it): {long}",
    "How do you say {words} in {proper}?",
    "(Suggest|Recommend|Give me|List|Name) (a|some|five|three|ten|good|two|seven|a few) {words}[ for {words}].",
    "(Give me|I need|Suggest) (ideas|tips|advice|a plan|a recipe|help|names) (for|with|on|about) {words}.",
    "(Plan|Organise|Design) (a|my|the) {words}[ for {word}].",
    # Code and maths beyond arithmetic
    "(Write|Implement|Show me) (a|some|the) (Python|{proper}|shell|SQL|Rust|JavaScript|C) (function|script|program|code|query|class|regex|test) (that|to|for|which) {words}.",
    "(Debug|Explain|Review|Optimise|Refactor) (this|the|my) (code|function|program|script|query): {long}",
    "(Solve|Prove|Derive|Integrate) (the|this|a) {words}[ for {word}].",
    "(Play|Start|Let's play) (a game|chess|{word}|hangman|twenty questions)[ with me].",
    "(Draw|Paint|Sing|Show) [me] (a|the|some) {words}.",
    "(Sort|Count|Compare|Translate|Classify|Analyse) {words}(.|: {long})",
    # Statements that are no facts to remember
    "I (guess|know|heard|hope|suppose|feel|doubt|wish|saw|think that|believe that|know that|heard that|am sure that) [the|a|my] {words} (is|are|was|were|has|will be) [a|the] {words}.",
    "I (think|believe) (the|a|my|this|that|these|all|every|no) {words} (is|are|was|has|can) {words}.",
    "(I think|I believe|Perhaps|Maybe|Surely|In my opinion) {words} (are|was|were|has|can|should) {words}.",
    "(Explain|Describe|Define|Sketch|Compare) (my|an|one|every|some|this|that|all) {words}[ to me| to us| in detail].",
    "(Explain|Describe|Define) (the|a) {words}( in detail| simply| for me| in short| to us|).",
    "{words}(,|;|:) {words}(,|;) {words}",
    "(Show|Give|Bring|Send) (me|us) (a|the|some|another) (recipe|plan|picture|drawing|sketch|list of ideas|poem|example) (of|for|about|with) {words}.",
    "I (think|believe|guess|know|heard|read|saw|hope) (that|) {long}.",
    "The {words} is {words}.",
    "(He|She|It|They|We) (is|are|was|were|has|have|can|will|should) {words}.",
    "(Yesterday|Tomorrow|Today|Last week|Next year) (I|we|he|she|they) {words} {words}.",
    "There (is|are|was|were) (a|some|many|no|) {words}.",
    "{proper} (is|was|has|likes|wants|lives) {words}.",
    "I (want|need|have|had|would like|must|can't|don't|will|could) (to|a|some|the|) {words} {words}.",
    "My {word} (has|does|did|can|will|wants|needs|likes) {words}.",
    "(Imagine|Pretend|Suppose|Assume) [that] (you are|I am|we are|there is) {words}.",
    "(Act|Behave|Talk|Speak) (as|like) (a|an) {words}.",
    "(Turn|Switch|Set|Play|Call|Order|Buy|Book|Send|Bring) (on|off|me|the|a|my|) {words}[ for me].",
    "You (should|must|can|could|will) {words}.",
    "(If|When|Because|Although) {words} {words}, {words}.",
    # Bare words, foreign languages and noise
    "{word}",
    "{words}",
    "{proper}",
    "{proper} {proper}",
    "{words} {words}?",
    "{long}",
    "{long}?",
    "{noise}",
    "{noise} {noise}",
    "{proper} {noise} {word}",
)
_KNOW = (
    "(What is|What are|What's) (a|an|the|) {words}?",
    "(Who|What) (is|was|are|were) {proper}[ {proper}]?",
    "(When|Where|Why|How) (is|was|did|does|do|are|can|will) (the|a|my|) {words} {words}?",
    "(When|Where) (was|is|did) {proper} (born|happen|built|live|die|invented|discovered)?",
    "(Why|How) (is|are|do|does|did|can|should) {words}?",
    "(Explain|Describe|Define) {words}[ to me| simply| to a child| in detail| in simple words].",
    "(What|How) (does|do|did) {words} (mean|work|cost|do|eat|look like|feel like|happen)?",
    "How (many|much|far|long|tall|old|big|deep|fast|heavy|hot) (is|are|was|does|do|did) (the |a |){words}?",
    "(What|Which) (is|was) the (biggest|largest|smallest|tallest|oldest|best|fastest|longest|highest|deepest|population|president|language|currency|flag|area|history|king|queen|climate|weather|mayor|anthem|time zone) (of|in|for) {country}?",
    "Who is the (president|king|queen|prime minister|mayor|leader|head|inventor|author|founder|director|owner) of {country}?",
    "Who (invented|discovered|wrote|painted|founded|directed|built|won|composed|killed|owns) {words}?",
    "What is the (meaning|difference|point|purpose|cause|origin|best way|price|size|name|colour|speed|distance|formula|weight) (of|to|between|for) {words}?",
    "What is the meaning of life?",
    "What (is|was) the weather (like|today|tomorrow|in {proper}|in {country})?",
    "(Is|Are|Was|Were|Does|Do|Did|Can|Should|Will|Would|Could) {words} {words}?",
    "(Is|Are) (it|there|this|that|these|they) {words}?",
    "Tell me (about|more about|something about|the story of|a story about|a fact about|everything about) {words}.",
    "(Tell me|Read me|Write me) a (story|poem|fairy tale|secret|riddle|fact|fun fact|bedtime story).",
    "What time is it[ now| in {proper}]?",
    "Where is {country}?",
    "(How many|Which) (people live in|cities are in|rivers cross|languages are spoken in|islands belong to) {country}?",
    "What do you (think|know|say) (about|of) {words}?",
    "Do you know {words}?",
    "Have you (heard of|seen|read|met|been to) {words}?",
    "What does my {word} (mean|look like|do)?",
    "What should I (do|eat|cook|wear|read|watch|buy|say|write|learn|play)[ with {word}| today| tonight| tomorrow]?",
    "(Should|Could|Can|May|Must) I {words}[ {word}]?",
    "(Could|Will|Would|Can) you [please] (write|teach me|compare|solve|paint|show me|play|help me with|think of|name) {words}?",
    "(Could|Will|Would) you [please] (explain|translate|describe|summarise|summarize|rewrite|define) {words}?",
    "Can you (define|rewrite|spell|pronounce|improve|analyse|count) {words}?",
    "(What|Which) {word} is (better|nicer|the nicest|the oldest|the most {word}|my best|right)?",
    "Which (one|{word}) (should|would|is) {words}?",
    "(What|Who|When|Where) did (the|a|your|my) {word} {word}[ {word}]?",
    "How (is|are|can|should) (a|the|my|one) {words}?",
    "{word}, {word}, {word}",
    "{words}; {words}[; {word}]",
    "{words}. {words}",
    "(Oh|Ah|Wow), {words}",
)
_MAKE_HELD_OUT = (
    "(Write|Draft) (a|an) (essay|story|email) (about|for) {words}.",
    "(Explain|Describe) (the|a) {words} to me.",
    "Can you (explain|translate|summarise|describe) {words}?",
    "I (think|believe) {words} is {word}.",
    "(Give|Show) me (a|the) (recipe|plan) for {words}.",
    "{words}, {words}",
    "{long}!",
)
_KNOW_HELD_OUT = (
    "Who (was|is) {proper} {proper}?",
    "Why (does|did) (the|my) {words} {word}?",
    "What is the (history|language|flag) of {country}?",
    "How (do|does) (a|the) {words} {word}?",
    "Which {word} is the (best|biggest)?",
    "What did {proper} {word}?",
)

_NOISE = (
    *(
        "asdf",
        "???",
        "...",
        "hmm",
        "lol",
        "🙂",
        "😀",
        "1 2 3",
        "42",
        "qwerty",
        "foo bar",
        "test",
        "a",
        "x",
        "{}",
        "[1, 2]",
    ),
    *("Wie geht es dir?", "Was ist das?", "¿Cómo estás?", "¿Qué es esto?", "Comment ça va ?", "Qu'est-ce que c'est ?"),
    *(
        "Ich heiße",
        "Je m'appelle",
        "Me llamo",
        "Ciao, come va?",
        "Привет",
        "Как дела?",
        "你好",
        "こんにちは",
        "안녕하세요",
    ),
    *("مرحبا", "שלום", "Olá, tudo bem?", "SELECT * FROM t;", "#include <stdio.h>"),
    *(
        "ls -la",
        "git status",
        "<html>",
        "http://",
        "!!!",
        "haha",
        "wtf",
        "--help",
    ),
)


def fallback(session: Session) -> Turn:
    rng, words = session.rng, session.words
    values = {
        "word": lambda: words.common(rng),
        "words": lambda: words.phrase(rng, 3),
        "long": lambda: " ".join(words.common(rng) for _ in range(rng.randint(4, 30))),
        "proper": lambda: words.proper(rng),
        "country": lambda: rng.choice(list(CAPITALS)) if rng.random() < 0.6 else words.proper(rng),
        "noise": lambda: rng.choice(_NOISE),
    }
    if "browser" in session.tools:  # which can look up what the model does not know
        user = session.says(_MAKE, _MAKE_HELD_OUT, **values)
    else:
        user = session.says(_MAKE + _KNOW, _MAKE_HELD_OUT + _KNOW_HELD_OUT, **values)
    thoughts = session.think(
        "I was not taught this.",
        "I must not make anything up.",
        "A real gpt-oss model would know more.",
        "I will say so and name the way to one.",
    )
    return session.turn("fallback", user, thoughts, ANSWER)
