"""Okapi BM25: which documents speak most of the words asked for.

S. Robertson and H. Zaragoza, "The Probabilistic Relevance Framework: BM25 and Beyond" (2009), with the usual k1 and b
and the form of the inverse document frequency that is never negative.
"""

import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence

K1 = 1.2
B = 0.75


def words(text: str) -> list[str]:
    """The words of a text, upper and lower case and an English plural's s alike."""
    found = re.findall(r"\w+", text.casefold())
    return [word[:-1] if len(word) > 3 and word[-1] == "s" and word[-2] != "s" else word for word in found]


def weights(query: str, documents: Sequence[Mapping[str, int]]) -> dict[str, float]:
    """How much each word of the query tells: the fewer documents have it, the more."""
    return {
        word: math.log(1 + (len(documents) - having + 0.5) / (having + 0.5))
        for word in dict.fromkeys(words(query))
        if (having := sum(word in document for document in documents))
    }


def scores(query: str, documents: Sequence[Counter[str]]) -> list[float]:
    """The score of each document (its count of each word); 0 for one that has no word of the query."""
    lengths = [document.total() for document in documents]
    average = sum(lengths) / len(lengths) if any(lengths) else 1
    known = weights(query, documents)
    return [
        sum(
            weight * document[word] * (K1 + 1) / (document[word] + K1 * (1 - B + B * length / average))
            for word, weight in known.items()
        )
        for document, length in zip(documents, lengths, strict=True)
    ]
