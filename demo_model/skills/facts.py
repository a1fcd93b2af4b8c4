"""Facts about the user: told in passing, remembered for as long as the conversation lasts."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from random import Random

from demo_model.conversation import Turn
from demo_model.session import Session
from demo_model.wording import casual, fill, worded
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


_REMEMBER = "(Do you [still]|Can you [still]|Could you|Would you|Will you|Please) (remember|recall|tell me|still know|say|repeat)"
_KNOW = "(Do you [still] know|Can you tell me|Could you tell me|Tell me|Say|Remind me|I forgot|Do you [still] remember|Do you recall)"

KINDS: dict[str, Kind] = {
    "name": Kind(
        untold="your name",
        value=lambda words, rng: words.name(rng),
        clause="your name is {value}",
        told=(
            (
                "(Hi|Hello|Hey|Good morning|Good evening)[ there](,|!|.) [my name is|I am|I'm|this is] {value}[ here].",
                "(Hi|Hello)(,|!) (you can|please|just) call me {value}.",
                "(Just|Please|You can|You may|Feel free to) call me {value}[, please].",
                "(My name|The name) is {value}(, nice to meet you|, by the way|, please remember it|, ok|).",
                "(I'm|I am) {value}(, nice to meet you|, by the way|, hello|).",
                "(Remember|Note|Know|Keep in mind) [that] (I am|I'm|my name is|I am called|they call me) {value}.",
                "(Actually|No|Sorry|Correction|Wait)[,] (I am|I'm|my name is|it is|call me|the name is) {value}.",
                "(Everybody|Everyone|My family|My mother) calls me {value}.",
                "(You are|You're) (talking|speaking) (to|with) {value}.",
                "It's me, {value}.",
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
                "(What is|What's|What was|Say|Repeat) my name[ again| please| once more]?",
                f"{_KNOW} (my name|who I am|what my name is|what I am called|what my name was|how I am called)[ again| please].",
                f"{_REMEMBER} (my name|who I am|what I am called|what my name is|what my name was)[ again]?",
                "(What|Which) (name|name of mine) did I (say|tell you|give you)[ earlier]?",
                "(And|So|Now|Well), (what is|what's|what was) my name?",
                "(What|Who) did I say I (am|was)[ called]?",
                "What (do people|should you|do you) call me?",
                "(Am I|Do you know whether I am) called something?",
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
                "(I am|I'm) (now|currently|still|also) (living|based|staying) in {value}.",
                "(My home is|I have my home|I have lived for years|I grew up and live|My family and I live|We live|I live together with my family) in {value}.",
                "(I live|I'm living|I reside|I stay) in {value}(, by the way|, you know| these days| at the moment| since last year|).",
                "(I'm|I am|I come) (originally|) from {value}.",
                "(Remember|Note|Keep in mind|Know) [that] (I live|I'm|I am|my home is) (in|from) {value}.",
                "(Actually|No|Sorry|Correction|Wait)[,] (I live|I moved|I am living|I am from) (in|to|from) {value}.",
                "(I moved|I have moved|We moved) to {value} (last year|recently|two years ago|in May).",
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
                f"{_KNOW} (where I live|where I am from|which city I live in|where my home is|my city|what city I am from|my home town|in which city I live)[ again| please].",
                f"{_REMEMBER} (where I live|where I am from|which city I live in|where my home is|my city|where I am living)[ again]?",
                "Where (do|did|was|am) I (live|living|from|at home)[ again| now|, do you remember]?",
                "(What|Which|In which|In what) (city|town|place) (do I live|am I living|is my home|do I call home|am I at home|am I from)[ in]?",
                "Where (did|have) I (say|tell you|said|told you) [that] (I live|I am from|I am living|my home is)?",
                "(And|So|Now), where (do I live|am I from)?",
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
                "(My favourite|My favorite|The best|My preferred) (colour|color) (is|has always been|would be|must be) {value}.",
                "(I like|I love|I prefer|I adore) {value} (most of all colours|more than any other colour|best of all colours).",
                "(As for|When it comes to|About) (colours|colors)(,|:) (I like|I love|I prefer) {value}[ best].",
                "(The colour|The color) I (like|love|prefer) [most|best] is {value}.",
                "(Actually|No|Sorry|Wait)[,] (my favourite colour is|I prefer the colour|my favorite color is) {value}.",
                "(Remember|Note|Keep in mind) [that] (my favourite colour is|my favorite color is|I like the colour|I prefer the colour) {value}.",
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
                f"{_KNOW} (my favourite colour|my favorite color|what my favourite colour is|which colour I like|what colour I prefer|which color I like best)[ again| please].",
                f"{_REMEMBER} (my favourite colour|my favorite color|which colour I like|what my favorite color is|what colour I like best)[ again]?",
                "(What|Which) (colour|color) (do|did) I (like|love|prefer|say I like|tell you I like)[ best| most]?",
                "(And|So|Now), (what is|what's|which is) my (favourite|favorite) (colour|color)?",
                "(What is|What's) the (colour|color) [that] I (like|love|prefer)[ best| most]?",
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
                "(My favourite|My favorite|The best) (food|meal|dish to eat) (is|has always been|would be) {value}.",
                "(I like|I love|I enjoy) (to eat|eating) {value}(, by the way| most of all| very much| a lot|).",
                "(I often|I always|I usually|Every day I|I mostly|Most days I) eat {value}.",
                "(As for|When it comes to) food(,|:) (I like|I love|I prefer) {value}.",
                "(Actually|No|Sorry|Wait)[,] (my favourite food is|I like to eat|I love to eat) {value}.",
                "(Remember|Note|Keep in mind) [that] (my favourite food is|my favorite meal is|I like to eat|I love eating|I like eating) {value}.",
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
                f"{_KNOW} (my favourite food|my favorite food|what I like to eat|what I love to eat|which food I like|my favourite meal)[ again| please].",
                f"{_REMEMBER} (my favourite food|my favorite meal|what I like to eat|which food I like|what I love eating)[ again]?",
                "(What|Which food|Which meal) (do|did) I (like|love|say I like|tell you I like) (to eat|eating|most|best)?",
                "(And|So|Now), (what is|what's) my (favourite|favorite) (food|meal)?",
                "(What is|What's) the (food|meal) [that] I (like|love)[ best| most]?",
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
                "(I am|I'm|I work as|I'm working as) {value}(, by the way| by profession| for a living| these days| at the moment|).",
                "(My job|My profession|My work|My occupation) (is|is being|is that of) {value}.",
                "(For a living|For work) I (am|work as) {value}.",
                "I (make|earn) (my|a) living as {value}.",
                "(I have worked|I have been working|I used to study and now work) as {value}[ for years].",
                "(Remember|Note|Keep in mind) [that] (I am|I'm|I work as|my job is|my profession is) {value}[ by profession].",
                "(Actually|No|Sorry|Wait)[,] (I am|I'm|I work as|I am working as|my job is) {value}.",
                "(I got|I found|I have) a job as {value}.",
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
                f"{_KNOW} (my job|my profession|what I do for a living|what I work as|what my job is|what my profession is|what I do|my occupation)[ again| please].",
                f"{_REMEMBER} (my job|my profession|what I do for a living|what I work as|what my job is|what my profession was)[ again]?",
                "(What|As what|In what job) do I (work|work as|do for a living|do for work|do)[ again]?",
                "(What|Which) (job|profession|occupation) (do I have|is mine|did I tell you|did I mention|did I say I have)?",
                "(And|So|Now), (what is|what's) my (job|profession)?",
                "What did I (say|tell you) (I do|I work as|my job was|I do for a living|my profession was)?",
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
                "(I am|I'm) {value}(| years old| years of age)(, by the way| now| already| today|).",
                "(I turned|I just turned|I became|I have turned|I will soon be) {value}[ years old].",
                "(My age|My current age) is {value}[ years].",
                "(Remember|Note|Keep in mind) [that] (I am|I'm|my age is|I turned) {value}(| years old).",
                "(Actually|No|Sorry|Wait)[,] (I am|I'm|my age is|I turned) {value}(| years old).",
                "(Yesterday|Last year|In May|On Monday) I (turned|became) {value}.",
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
                f"{_KNOW} (my age|how old I am|what my age is|how many years old I am)[ again| please].",
                f"{_REMEMBER} (my age|how old I am|what my age is|how old I was)[ again]?",
                "(How old|What age) (am I|did I say I am|did I say I was|did I tell you I am)[ again| now]?",
                "(And|So|Now), (how old am I|what is my age|what's my age)?",
                "How (many years|old) (am I|do I count)[ old]?",
                "What did I (say|tell you) about my age?",
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
                "(I have|I own|I've got|I keep|We have|My family has|I live with|I share my home with) {value}(, by the way| at home|).",
                "(Remember|Note|Keep in mind) [that] (I have|I own|I keep|I've got|my pet is|we have) {value}.",
                "(Actually|No|Sorry|Wait)[,] (I have|I own|I keep|my pet is) {value}.",
                "(At home|At our house|In my house) (I have|I own|I keep|we have|there lives|there is) {value}.",
                "(I just|I recently|Last year I|Yesterday I) (got|bought|adopted|found) {value}.",
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
                f"{_KNOW} (my pet|what pet I have|which pet I have|about my pet|which animal I have|what animal I keep)[ again| please].",
                f"{_REMEMBER} (my pet|what pet I have|which pet I have|which animal I own|my animal)[ again]?",
                "(What|Which|What kind of) (pet|animal) (do I|did I say I) (have|own|keep)[ at home]?",
                "(And|So|Now), (what|which) pet do I have?",
                "(Do I|Did I say that I) (have|own|keep) (a|any|some) (pet|pets|animal)?",
                "What did I (say|tell you) about my pet?",
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
                "(My hobby|My favourite hobby|My favorite hobby|My pastime|My main hobby|My only hobby) (is|has always been|would be) {value}.",
                "(In my free time|In my spare time|On weekends|After work|On Sundays|In the evening|When I have time)[,] (I do|I enjoy|my hobby is|I love|I like) {value}.",
                "(I enjoy|I love|I like|I do) {value} (in my free time|in my spare time|as a hobby|on weekends|after work|when I have time).",
                "(I enjoy|I am into|I'm into|I'm fond of|I am keen on|I go in for) {value}(, by the way| a lot| very much|).",
                "(I spend|I pass) my (free|spare) time (with|on|doing) {value}.",
                "(Remember|Note|Keep in mind) [that] (my hobby is|I enjoy|I'm into|my favourite hobby is) {value}.",
                "(Actually|No|Sorry|Wait)[,] (my hobby is|I enjoy|my favourite hobby is|my favorite hobby is|I'm into) {value}.",
                "(As a hobby|For fun|To relax)[,] I (do|enjoy|like) {value}.",
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
                f"{_KNOW} (my hobby|what my hobby is|which hobby I have|what I do in my free time|what I enjoy|my pastime)[ again| please].",
                f"{_REMEMBER} (my hobby|what my hobby is|which hobby I have|what I do in my free time|what I enjoy)[ again]?",
                "(What|Which hobby|Which pastime) (do|did) I (have|enjoy|do|say I have|tell you about) [in my free time|in my spare time|for fun]?",
                "(And|So|Now), (what is|what's) my (hobby|pastime)?",
                "What did I (say|tell you) (my hobby was|about my hobby|I do in my free time|I enjoy)?",
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
        value=lambda words, rng: words.like(rng),
        clause="you like {value}",
        told=(
            (
                "I (like|love|adore|really like|really love|truly love|do like|quite like) {value}(, by the way| a lot| very much| so much|).",
                "(I am|I'm|I am really|I have always been|I've always been) (a|a big|a great|a huge) fan of {value}.",
                "(Remember|Note|Keep in mind) [that] I (like|love|adore|really like|am a fan of|really adore) {value}.",
                "(Actually|No|Sorry|Wait)[,] I (like|love|adore) {value}.",
                "(I'm|I am) (crazy about|mad about|very fond of) {value}.",
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
                f"{_KNOW} what I (like|love|adore|am a fan of)[ again| please].",
                f"{_REMEMBER} what I (like|love|adore|am a fan of)[ again]?",
                "(And|So|Now), what (do I like|am I a fan of|do I love)[ again]?",
                "What did I (say|tell you) (I like|I love|I adore|that I like|I am a fan of)?",
                "(What is it|What was it|What's the thing) that I (like|love)?",
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
        "My {attribute} is {value}(, by the way|, you know| now|).",
        "(Remember|Note|Save|Know|Keep in mind|Write down|Store|Do not forget) [that] my {attribute} is {value}.",
        "(Actually|No|Sorry|Wait|Correction|In fact)[,] my {attribute} is {value}[ now].",
        "(Please|You should|You must|You can|I want you to) (remember|note|save|know|keep in mind|write down) [that] my {attribute} is {value}.",
        "(About|As for|Regarding) my {attribute}(:|,) it is {value}.",
        "My {attribute}: {value}",
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
        f"{_KNOW} (my {{attribute}}|what my {{attribute}} is|what my {{attribute}} was|which my {{attribute}} is)[ again| please].",
        f"{_REMEMBER} (my {{attribute}}|what my {{attribute}} is|what my {{attribute}} was)[ again]?",
        "(What is|What's|What was|Who is|Which is|Who's) my {attribute}[ again| now| please| then]?",
        "(And|So|Now|Well), (what is|what's|what was|who is) my {attribute}?",
        "What did I (say|tell you|mention|write) (my {attribute} is|my {attribute} was|about my {attribute})?",
        "(And|So) my {attribute}?",
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


def _stated(session: Session, told: tuple[tuple[str, ...], tuple[str, ...]]) -> str:
    """A statement, its slots still in place; now and then with something in front that says what it is for."""
    train, held_out = told
    if session.rng.random() > 0.3:
        return worded(session.rng, session.split, train, held_out)
    text = worded(session.rng, session.split, _plain(train), _plain(held_out) or held_out)
    front = session.rng.choice(_STATED[0 if session.split == "train" else 1])
    return front + (text if text.startswith(("I ", "I'", "I’")) else text[0].lower() + text[1:])


@cache
def _plain(patterns: tuple[str, ...]) -> tuple[str, ...]:
    """Those that are statements without anything in front."""
    return tuple(pattern for pattern in patterns if re.match(r"I\b|My |\(I |\(I'm|\(My |At |\(At ", pattern))


def _new_fact(session: Session, *, known: tuple[str, ...] = ()) -> tuple[str, str, str, str]:
    """A fact to tell: its key, value and clause, and a wording."""
    rng = session.rng
    while True:
        if rng.random() < 0.7:
            key = rng.choice(["name", "name", *KINDS])
            kind = KINDS[key]
            value = kind.value(session.words, rng)
            clause, told = kind.clause, kind.told
        else:
            key, value = session.words.attribute(rng)
            clause = f"your {key} is {{value}}"
            told = _ATTRIBUTE_TOLD
        if key not in known:
            text = _stated(session, told).replace("{attribute}", key)
            return key, value, clause.replace("{value}", value), text


def _remember(session: Session, key: str, value: str, clause: str) -> None:
    session.retold |= key in session.facts
    session.facts[key] = (value, clause)


def told(session: Session) -> Turn:
    key, value, clause, text = _new_fact(session)
    user = fill(casual(session.rng, text, session.split, session.words.lower), value=value)
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
    for key, value, clause, text in (first, second):
        texts.append(fill(text, value=value).rstrip(".!"))
        _remember(session, key, value, clause)
    between = session.rng.choice((". ", ". ", " and ", " and ", ", ", ", and ", "; "))
    joined = f"{texts[0]}{between}{texts[1] if between == '. ' else _uncapitalised(texts[1])}"
    joined += session.rng.choice((".", ".", ".", "", "!"))
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
    if session.facts and rng.random() < 0.82:
        key = rng.choice(list(session.facts))
    elif rng.random() < 0.7:
        key = rng.choice(["name", *KINDS])
    else:
        key, _ = session.words.attribute(rng)
    untold, wordings = (KINDS[key].untold, KINDS[key].asked) if key in KINDS else (f"your {key}", _ATTRIBUTE_ASKED)
    user = session.says(*wordings, attribute=key)
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
            "(Tell me|Say|Repeat|List|Sum up|Summarise|Recap) (everything|all|what|all that|the things|all the things) (you know|you remember|I told you|I said|you have learned|I have told you) (about me|about myself|of me)[ so far| now| again].",
            "(What|Which things) (do|did|have) (you know|you remember|I told you|you learned|you learn|I tell you) (about me|about myself|of me)[ so far| until now]?",
            "(Do you|Can you|Could you) [still] (remember|recall|list|say|sum up) (everything|what|all) (I told you|you know|I said) (about me|about myself)?",
            "(And|So|Now|Well), what do you (know|remember) about me[ now]?",
            "(Sum|Add) (it|everything) up: what do you know about me?",
            "Who am I and what do you know about me?",
            "What (have you learned|did you learn|have you remembered) about me?",
            "(A summary|Summary|Recap) of (what you know about me|me|what I told you about myself), please.",
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
