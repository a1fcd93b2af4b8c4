"""`gptoss replay --rerun`, `--score` and `--fan-out`: a model looks at what was recorded."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from gptoss.cli.bootstrap import Adapters
from gptoss.cli.interrupts import Interrupts
from gptoss.cli.output import INTERRUPTED, Output
from gptoss.cli.replaying import Place
from gptoss.engine.generations import RecordedGeneration, recorded_generations
from gptoss.engine.harmony import Harmony
from gptoss.engine.ports import EventReader, TokenGenerator
from gptoss.engine.reducer import fold
from gptoss.engine.rerunning import Difference, Rerun, rerun
from gptoss.engine.scoring import Comparison, ScoredGeneration, compare, score

_BARS = "▁▂▃▄▅▆▇█"

FULL_BAR = 4.0
"""Nats: a token this unlikely, or less, has the highest bar."""


class Judge(Struct, frozen=True, kw_only=True):
    """The model that looks: None for what the session itself uses."""

    checkpoint: Path | None = None
    backend: str | None = None

    def load(self, adapters: Adapters, reader: EventReader, branch: str) -> TokenGenerator:
        settings = fold(reader.read(branch)).settings
        checkpoint = adapters.checkpoint(self.checkpoint, settings.checkpoint)
        return adapters.generator(checkpoint, self.backend or settings.backend)


def rerun_session(adapters: Adapters, place: Place, judge: Judge, out: Output, err: Output, *, as_json: bool) -> int:
    """Sample every generation again and name the first token of each that differs. Exit code 1 when one does."""
    runs: list[Rerun] = []
    with _recorded(adapters, place, judge) as (harmony, generator, generations, interrupts):
        for run in rerun(generations, generator, interrupts):
            runs.append(run)
            if as_json:
                out.write(msgspec.json.encode(_about_rerun(run, harmony)).decode() + "\n")
            else:
                _show_rerun(run, harmony, out)
        interrupted = interrupts()
        backend, arithmetic = generator.name, generator.arithmetic
    same = sum(run.difference is None for run in runs)
    tokens = sum(run.same for run in runs)
    (err if as_json else out).line(
        f"{len(runs)} generations sampled again by {backend}: {same} identical, {len(runs) - same} differ, "
        f"{tokens} of {sum(run.tokens for run in runs)} tokens before the first differences",
        "bold",
    )
    differing = (run.generation.started.arithmetic for run in runs if run.difference is not None)
    others = sorted({recorded for recorded in differing if recorded not in (None, arithmetic)})
    if others:
        (err if as_json else out).line(
            f"Those were sampled by other arithmetic ({'; '.join(others)}) than now ({arithmetic}), so differences are "
            "to be expected.",
            "dim",
        )
    if interrupted:
        return INTERRUPTED
    return 0 if same == len(runs) else 1


def score_session(
    adapters: Adapters, place: Place, judge: Judge, against: str | None, out: Output, *, as_json: bool
) -> int:
    """Print what the model says of every recorded token, beside the recorded log probabilities or another backend's."""
    scored = _scored(adapters, place, judge)
    other = _scored(adapters, place, Judge(checkpoint=judge.checkpoint, backend=against)) if against else None
    harmony = adapters.harmony()
    pairs: list[tuple[float, float]] = []
    apart: list[int] = []
    for number, one in enumerate(scored):
        peer = other[number] if other else None
        beside = [item.logprob for item in peer.scores] if peer else one.generation.logprobs
        differ = [n for n, item in enumerate(one.scores) if peer and item.best != peer.scores[n].best]
        apart += [len(pairs) + n for n in differ]
        pairs += zip((item.logprob for item in one.scores), beside, strict=True) if beside else ()
        if as_json:
            out.write(msgspec.json.encode(_about_score(one, beside)).decode() + "\n")
        else:
            _show_score(one, beside, harmony, out)
    comparison = compare([one for one, _ in pairs], [two for _, two in pairs], apart)
    if not as_json:
        _show_summary(scored, comparison, against, out)
    return 0


@contextmanager
def _recorded(
    adapters: Adapters, place: Place, judge: Judge
) -> Iterator[tuple[Harmony, TokenGenerator, Iterator[RecordedGeneration], Interrupts]]:
    with closing(adapters.open_reader(place.database)) as reader, Interrupts() as interrupts:
        branch = place.find(reader)
        harmony = adapters.harmony()
        with closing(judge.load(adapters, reader, branch)) as generator, interrupts.answering():
            yield harmony, generator, recorded_generations(reader.read(branch), harmony), interrupts


def _scored(adapters: Adapters, place: Place, judge: Judge) -> list[ScoredGeneration]:
    with _recorded(adapters, place, judge) as (_, generator, generations, interrupts):
        scored = list(score(generations, generator, interrupts))
        if interrupts():
            raise KeyboardInterrupt
    return scored


def _show_rerun(run: Rerun, harmony: Harmony, out: Output) -> None:
    generation = run.generation
    out.write(f"event {generation.seq:<6} turn {generation.turn:<4} {run.tokens:>5} tokens  ")
    if run.difference is None:
        out.write("identical\n")
    else:
        out.write(_sentence(run.difference, harmony) + "\n", "notice")


def _sentence(difference: Difference, harmony: Harmony) -> str:
    recorded = f"{harmony.decode((difference.recorded,))!r} ({difference.recorded_logprob:.3f})"
    if difference.sampled is None or difference.sampled_logprob is None:
        return f"token {difference.index}: ended where {recorded} was recorded"
    now = f"{harmony.decode((difference.sampled,))!r} ({difference.sampled_logprob:.3f})"
    return f"token {difference.index}: {recorded} was recorded, now {now}"


def _about_rerun(run: Rerun, harmony: Harmony) -> dict[str, Any]:
    difference = run.difference
    return {
        "seq": run.generation.seq,
        "turn": run.generation.turn,
        "tokens": run.tokens,
        "same": run.same,
        "identical": difference is None,
        "difference": difference
        and {
            **msgspec.to_builtins(difference),
            "recorded_text": harmony.decode((difference.recorded,)),
            "sampled_text": None if difference.sampled is None else harmony.decode((difference.sampled,)),
        },
    }


def _show_score(
    scored: ScoredGeneration, beside: tuple[float, ...] | list[float] | None, harmony: Harmony, out: Output
) -> None:
    generation = scored.generation
    out.line(f"event {generation.seq}, turn {generation.turn}, {len(scored.scores)} tokens", "bold")
    out.line("  LOGPROB   RANK  ENTROPY" + ("    BESIDE  DIFFERENCE" if beside else "") + "  TOKEN", "dim")
    for index, item in enumerate(scored.scores):
        line = f"{item.logprob:>9.4f} {item.rank:>6} {item.entropy:>8.4f}"
        if beside:
            line += f" {beside[index]:>9.4f} {item.logprob - beside[index]:>11.5f}"
        text = harmony.decode((item.token,))
        preferred = f"  (likeliest: {harmony.decode((item.best,))!r}, {item.best_logprob:.4f})" if item.rank > 1 else ""
        out.line(f"{line}  {text!r}{preferred}", "notice" if item.rank > 1 else "plain")
    out.line("  surprise: " + _sparkline([-item.logprob for item in scored.scores], (out.width or 100) - 12), "tool")
    out.line()


def _sparkline(values: list[float], width: int) -> str:
    """One bar a value; where there are more values than columns, the largest of its neighbours stands for them."""
    columns = min(len(values), max(width, 1))
    heights = [max(values[n * len(values) // columns : (n + 1) * len(values) // columns]) for n in range(columns)]
    return "".join(_BARS[min(int(height / FULL_BAR * len(_BARS)), len(_BARS) - 1)] for height in heights)


def _show_summary(
    scored: list[ScoredGeneration], comparison: Comparison | None, against: str | None, out: Output
) -> None:
    scores = [item for one in scored for item in one.scores]
    if not scores:
        out.line("There is nothing to score: no token was sampled.")
        return
    mean = sum(item.logprob for item in scores) / len(scores)
    entropy = sum(item.entropy for item in scores) / len(scores)
    first = sum(item.rank == 1 for item in scores)
    out.line(
        f"{len(scored)} generations, {len(scores)} tokens: mean log probability {mean:.4f}, entropy {entropy:.4f}, "
        f"{first} tokens were the likeliest",
        "bold",
    )
    if comparison is not None:
        beside = f"the backend {against}" if against else "what was recorded"
        out.line(
            f"beside {beside}: mean difference {comparison.mean:.6f}, largest {comparison.largest:.6f} at token "
            f"{comparison.at}" + (f", other likeliest token at {len(comparison.disagreements)}" if against else ""),
            "bold",
        )


def _about_score(scored: ScoredGeneration, beside: tuple[float, ...] | list[float] | None) -> dict[str, Any]:
    return {
        "seq": scored.generation.seq,
        "turn": scored.generation.turn,
        "tokens": [
            msgspec.to_builtins(item) | ({"beside": beside[index]} if beside else {})
            for index, item in enumerate(scored.scores)
        ],
    }
