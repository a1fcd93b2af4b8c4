"""Words to fill slots with, those of training and of the held-out check apart.

What the model copies (names, cities, colours, ...) must be any word at all. So half of the words are made from the
vocabulary itself. A twelfth of its tokens is reserved: training never makes a word with one of them, and a word made
for the held-out check has at least one.
"""

import re
from base64 import b64decode
from collections.abc import Callable
from functools import cache, lru_cache
from hashlib import blake2b
from pathlib import Path
from random import Random

from demo_model.wording import Split

Encode = Callable[[str], tuple[int, ...]]

RESERVED_SHARE = 12
RESERVED_FROM = 20_000
"""The vocabulary begins with its most frequent tokens: those are everywhere, and cannot be kept out of anything."""


def is_reserved(token: int) -> bool:
    """Whether no word of the training data is made with this token."""
    return (
        token >= RESERVED_FROM
        and blake2b(f"reserved {token}".encode(), digest_size=4).digest()[0] % RESERVED_SHARE == 0
    )


@lru_cache(maxsize=1)
def vocabulary(folder: Path) -> dict[int, bytes]:
    """Token id to bytes, of o200k_base.tiktoken in a folder."""
    lines = (folder / "o200k_base.tiktoken").read_bytes().splitlines()
    return {int(rank): b64decode(token) for token, rank in (line.split() for line in lines)}


_NAMES = """
Ada Adam Agnes Ahmed Aisha Akira Alan Albert Alex Alice Amina Amir Amy Ana Anders Andrea Andrew Anika Anna Anton Arjun
Arthur Astrid Aurora Barbara Beatrice Ben Benjamin Bianca Björn Bob Boris Brian Camille Carl Carla Carlos Carmen
Caroline Catherine Chen Chloe Chris Christine Claire Clara Daniel Daria David Deepa Diana Diego Dmitri Dora Dylan Edith
Edward Elena Eli Elias Elif Elizabeth Ella Emil Emily Emma Enzo Eric Erik Esther Ethan Eva Eve Fatima Felix Fiona
Francis Frank Frida Gabriel George Gita Grace Greta Guido Gustav Hana Hannah Hans Harper Harry Hassan Heidi Helen Henry
Hiro Hugo Ibrahim Ida Igor Imani Ines Ingrid Irene Iris Isaac Isabella Ivan Jack Jacob Jamal James Jan Jane Jasmine
Javier Jean Jenny Joan Joe Johan John Jonas Jorge Joseph Juan Julia Julian Kai Karen Karim Kate Keiko Ken Kofi Lara
Lars Laura Layla Lea Leo Leila Lena Liam Lily Linda Linus Lisa Lotte Louis Louise Lucas Lucia Lucy Luis Luna Magnus
Malik Marco Margaret Maria Marie Mario Mark Marta Martin Mary Mateo Max Maya Mei Mia Michael Miguel Mika Mila Miriam
Mohammed Mona Nadia Naomi Natalia Nick Nils Nina Noah Noor Nora Olaf Olga Olive Oliver Olivia Omar Oscar Otto Pablo
Paul Paula Pavel Pedro Peter Petra Philip Pia Priya Quentin Rachel Rafael Raj Ravi Rebecca Rita Robert Robin Rosa Rose
Ruth Sam Samira Samuel Sandra Sara Sarah Sasha Sean Sergio Simon Sofia Sonja Stefan Stella Sven Tara Theo Thomas Tim
Tina Tom Tomas Uma Ursula Valentina Vera Victor Viktor Vincent Violet Walter Wei Wendy William Xavier Yara Yasmin Yuki
Yusuf Zainab Zara Zoe
""".split()

_CITIES = (
    """
Aachen Aberdeen Antwerp Austin Bangalore Barcelona Basel Bergen Bilbao Birmingham Bologna Bordeaux Boston Bremen Bristol
Brno Calgary Cambridge Cardiff Chennai Chicago Cologne Cork Dallas Denver Detroit Dortmund Dresden Dubai Edinburgh
Essen Florence Frankfurt Geneva Genoa Ghent Glasgow Gothenburg Granada Graz Hamburg Houston Istanbul Karachi Kobe
Kolkata Kyoto Lagos Leeds Leipzig Lille Liverpool Lyon Malmö Manchester Marseille Melbourne Miami Milan Montreal
Mumbai Munich Nairobi Nantes Naples Nice Osaka Oxford Palermo Perth Porto Portland Rotterdam Salzburg Seattle Seville
Shanghai Sheffield Stuttgart Sydney Tampere Toronto Toulouse Trieste Turin Utrecht Valencia Vancouver Venice Zurich
Paris London Berlin Madrid Rome Vienna Tokyo Lisbon Oslo Dublin Prague Warsaw Helsinki
""".split()
    + ["New York", "Los Angeles", "San Francisco", "Hong Kong", "Cape Town", "Rio de Janeiro", "Buenos Aires"]
)

_COLOURS = (
    """
red blue green yellow orange purple pink black white grey brown violet turquoise teal cyan magenta crimson scarlet
indigo maroon beige ivory gold silver lavender olive navy coral amber emerald lilac mint peach plum rust salmon
""".split()
    + ["dark blue", "light green", "sky blue", "bright red", "forest green", "pale pink", "royal blue"]
)

_FOODS = (
    """
pizza pasta sushi ramen curry tacos bread cheese chocolate soup salad rice lasagne risotto dumplings pancakes waffles
burgers falafel hummus paella goulash pierogi noodles apples mangoes strawberries ice-cream steak fish lentils
""".split()
    + ["apple pie", "fried rice", "tomato soup", "ice cream", "mac and cheese", "roast chicken"]
)

_JOBS = (
    """
teacher nurse doctor baker carpenter plumber pilot engineer programmer lawyer painter writer musician farmer gardener
cook chef driver student librarian scientist chemist physicist biologist dentist tailor butcher photographer designer
architect electrician mechanic journalist translator accountant banker sailor soldier firefighter waiter barber
""".split()
    + ["software engineer", "data scientist", "bus driver", "graphic designer", "police officer", "truck driver"]
)

_HOBBIES = (
    """
chess running swimming hiking painting knitting cycling reading gardening cooking climbing fishing singing dancing
photography sailing skiing surfing drawing pottery yoga woodworking baking archery astronomy origami football tennis
""".split()
    + ["playing chess", "playing the piano", "bird watching", "video games", "board games", "playing guitar"]
)

_PETS = "cat dog rabbit hamster parrot turtle horse snake goldfish ferret lizard pony hen goat".split()

_THINGS = """
book film movie song band season animal sport subject number drink fruit flower tree game country month day word singer
painter museum language city team planet holiday dish vegetable tea coffee bird river mountain composer writer poet
""".split()

_ATTRIBUTES = (
    """
brother's name|sister's name|mother's name|father's name|wife's name|husband's name|best friend's name|boss's name
dog's name|cat's name|daughter's name|son's name|neighbour's name|teacher's name|car|bike|shoe size|height|birthday
star sign|lucky number|middle name|last name|nickname|phone number|street|school|company|team|project|editor|laptop
operating system|blood type|native language|zodiac sign|home town|office|room number|favourite teacher|dream
""".replace("\n", "|")
    .strip("|")
    .split("|")
)


class Words:
    """Draws words of one split. Needs the o200k vocabulary to make words that no list holds."""

    def __init__(self, encode: Encode, folder: Path, split: Split) -> None:
        self._encode = encode
        self._held_out = split == "held-out"
        self._proper, self._lower, self._rest = [], [], []
        for token, data in vocabulary(folder).items():
            text = data.decode("utf-8", "replace")
            if is_reserved(token) != self._held_out:
                continue
            if re.fullmatch(r" [A-Z][a-z]{2,}", text):
                self._proper.append(text.strip())
            elif re.fullmatch(r" [a-z]{3,}", text):
                self._lower.append(text.strip())
            elif re.fullmatch(r"[a-z]{2,5}", text):
                self._rest.append(text)

    def _of(self, rng: Random, listed: list[str]) -> str:
        return rng.choice(_part(tuple(listed), self._held_out))

    def _allowed(self, text: str) -> bool:
        reserved = any(is_reserved(token) for token in self._encode(" " + text))
        return reserved == self._held_out

    def _made_up(self, rng: Random, stems: list[str], tails: int) -> str:
        while True:
            # The vocabulary is in the order of frequency, roughly: common words come more often.
            word = stems[int(len(stems) * rng.random() ** 1.8)] + "".join(rng.choice(self._rest) for _ in range(tails))
            if self._allowed(word):
                return word

    def proper(self, rng: Random) -> str:
        """A capitalised word of one to three tokens."""
        return self._made_up(rng, self._proper, rng.choice((0, 0, 1, 1, 2)))

    def lower(self, rng: Random) -> str:
        """A word in small letters, mostly one token."""
        return self._made_up(rng, self._lower, rng.choice((0, 0, 0, 1)))

    def phrase(self, rng: Random, most: int = 3) -> str:
        return " ".join(self.lower(rng) for _ in range(rng.randint(1, most)))

    def name(self, rng: Random) -> str:
        kind = rng.random()
        if kind < 0.45:
            name = self._of(rng, _NAMES)
        elif kind < 0.92:
            name = self.proper(rng)
        else:
            name = f"{self._of(rng, _NAMES)} {self.proper(rng)}"
        return name.lower() if rng.random() < 0.06 and self._allowed(name.lower()) else name

    def city(self, rng: Random) -> str:
        return self._of(rng, _CITIES) if rng.random() < 0.5 else self.proper(rng)

    def colour(self, rng: Random) -> str:
        return self._listed_or_any(rng, _COLOURS)

    def food(self, rng: Random) -> str:
        return self._listed_or_any(rng, _FOODS)

    def job(self, rng: Random) -> str:
        return self._listed_or_any(rng, _JOBS)

    def hobby(self, rng: Random) -> str:
        return self._listed_or_any(rng, _HOBBIES)

    def pet(self, rng: Random) -> str:
        return self._of(rng, _PETS)

    def attribute(self, rng: Random) -> str:
        """Something that can be somebody's: "favourite season", "sister's name", "shoe size", "marble"."""
        kind = rng.random()
        if kind < 0.3:
            return f"favourite {self._of(rng, _THINGS)}"
        if kind < 0.6:
            return self._of(rng, _ATTRIBUTES)
        if kind < 0.85:
            return self.lower(rng)
        if kind < 0.9:
            return f"{self.lower(rng)}'s {self.lower(rng)}"
        return f"favourite {self.lower(rng)}" if kind < 0.95 else f"{self.lower(rng)} {self.lower(rng)}"

    def value(self, rng: Random) -> str:
        """What an attribute can be: a word or two, a name, a number."""
        kind = rng.random()
        if kind < 0.35:
            return self.proper(rng)
        if kind < 0.7:
            return self.phrase(rng, 2)
        if kind < 0.85:
            return self.name(rng)
        return str(rng.randint(0, 9999))

    def _listed_or_any(self, rng: Random, listed: list[str]) -> str:
        return self._of(rng, listed) if rng.random() < 0.5 else self.phrase(rng, 2)


@cache
def _part(listed: tuple[str, ...], held_out: bool) -> list[str]:
    """A fifth of a list is held out."""
    return [word for word in listed if (blake2b(word.encode(), digest_size=4).digest()[0] % 5 == 0) == held_out]
