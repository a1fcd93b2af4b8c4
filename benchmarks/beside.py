"""Draws how gptoss compares with others, from the tables in results.md: `python -m benchmarks.beside`.

Each row that says "N times" is a bar: how many times as fast gptoss is as the one that the row names. What it could not
find is an error, so that the picture never shows less than the tables. Writes docs/images/beside.png.
"""

import re
import sys
from pathlib import Path

import matplotlib.pyplot as plt

RESULTS = Path(__file__).parent / "results.md"
FIGURE = Path(__file__).parents[1] / "docs" / "images" / "beside.png"
TABLES = {
    "random bf16 checkpoint": "decoding on a CPU (AVX2)",
    "The same on two otherwise idle cores": "decoding on a CPU (AVX512 bf16)",
    "one durable message of 600 bytes": "storing a message",
}
"""Words before or at the head of a table, and what it measures."""


def ratios(text: str, words: str) -> dict[str, tuple[float, float, float]]:
    """Who, and how many times as fast: median, least, most (the median again where no spread is given)."""
    table = text[text.index(words) :].split("| --- ", 1)[1].split("\n\n", 1)[0]
    found = {}
    for who, times, spread in re.findall(r"^\| ([^|]+?) \|.*?([\d.]+) times(?: \(([^)]*)\))?", table, re.M):
        low, high = map(float, spread.split(" to ")) if spread else (float(times), float(times))
        found[who.split(" (")[0]] = (float(times), low, high)
    return found


def main() -> None:
    text = RESULTS.read_text()
    figure, panels = plt.subplots(1, len(TABLES), figsize=(15, 3), layout="constrained")
    for panel, (words, title) in zip(panels, TABLES.items(), strict=True):
        found = ratios(text, words)
        if not found:
            sys.exit(f"{RESULTS} has no ratios below {words!r}")
        names = list(reversed(found))
        medians = [found[name][0] for name in names]
        spread = [
            [found[name][0] - found[name][1] for name in names],
            [found[name][2] - found[name][0] for name in names],
        ]
        panel.barh(names, medians, xerr=spread, color="#2f6fab", ecolor="#333333", capsize=3)
        for place, median in enumerate(medians):
            panel.text(0.05, place, f"{median:.2f}", va="center", color="white", fontsize=9)
        panel.axvline(1, color="#c0392b", linewidth=1)
        panel.set_title(title, fontsize=10)
    figure.suptitle("gptoss is so many times as fast as", fontsize=11)
    figure.savefig(FIGURE, dpi=90)


if __name__ == "__main__":
    main()
