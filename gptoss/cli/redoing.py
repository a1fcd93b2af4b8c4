"""`gptoss replay --rerun --as NEW` and `--fan-out`: recorded turns answered anew, each time on a branch of its own."""

from collections.abc import Iterable
from contextlib import closing

from gptoss.cli.bootstrap import Adapters
from gptoss.cli.display import Display
from gptoss.cli.interrupts import Interrupts
from gptoss.cli.judging import Judge
from gptoss.cli.names import checked_name, free_name, quoted
from gptoss.cli.output import INTERRUPTED, Output
from gptoss.cli.replaying import Place
from gptoss.cli.watching import watch
from gptoss.engine.branching import turn_seqs
from gptoss.engine.errors import UsageError
from gptoss.engine.events import StoredEvent, TokensSampled
from gptoss.engine.harmony import Harmony
from gptoss.engine.ports import EventLog
from gptoss.engine.prefix import common_prefix
from gptoss.engine.redoing import answer_anew


def redo_session(adapters: Adapters, place: Place, judge: Judge, new: str, out: Output) -> int:
    """Answer all turns anew on the branch `new`, which does not become the current one."""
    with closing(adapters.open_log(place.database)) as log:
        branch = place.find(log)
        begins = turn_seqs(log, branch)
        if not begins:
            raise UsageError(f"{place.name!r} has no turn to answer anew")
        _, interrupted = _redo(adapters, log, branch, (begins[0], log.branch(branch).head), judge, new, out)
    out.line(f"The answers are on the branch {new}: gptoss switch {quoted(place.name)} {quoted(new)}", "dim")
    return INTERRUPTED if interrupted else 0


def fan_out(adapters: Adapters, place: Place, judge: Judge, backends: str, out: Output, *, at: str | None) -> int:
    """Answer one turn by several backends, the newest turn unless one is given, and say where they part."""
    names = [name.strip() for name in backends.split(",") if name.strip()]
    if not names:
        raise UsageError("--fan-out needs the names of backends, such as torch,vllm")
    answers: list[tuple[str, list[int]]] = []
    with closing(adapters.open_log(place.database)) as log:
        branch = place.find(log)
        begins = turn_seqs(log, branch)
        turn = _turn(at, len(begins))
        end = begins[turn] - 1 if turn < len(begins) else log.branch(branch).head
        for backend in names:
            one = Judge(checkpoint=judge.checkpoint, backend=backend)
            new = _free(log, place, f"t{turn}-{backend}")
            out.line(f"{backend}, on the branch {new}", "bold")
            ids, interrupted = _redo(adapters, log, branch, (begins[turn - 1], end), one, new, out)
            if interrupted:
                return INTERRUPTED
            answers.append((backend, ids))
            out.line()
    harmony = adapters.harmony()
    first, reference = answers[0]
    for backend, ids in answers[1:]:
        out.line(_parting(first, reference, backend, ids, harmony), "bold")
    return 0


def _redo(
    adapters: Adapters, log: EventLog, branch: str, seqs: tuple[int, int], judge: Judge, new: str, out: Output
) -> tuple[list[int], bool]:
    """Answer the turns from one seq to another on a new branch: the tokens, and whether the user stopped it."""
    checked_name(new)
    history = list(log.read(branch, seqs[0] - 1, seqs[1]))
    harmony = adapters.harmony()
    with closing(judge.load(adapters, log, branch)) as generator, Interrupts() as interrupts, interrupts.answering():
        fork = log.fork(branch, seqs[0] - 1, new)
        updates = answer_anew(log, fork.id, history, harmony=harmony, generator=generator, cancelled=interrupts)
        watch(updates, Display(out, out))
        return _sampled(log.read(fork.id, fork.head)), interrupts()


def _sampled(events: Iterable[StoredEvent]) -> list[int]:
    return [token for stored in events if isinstance(stored.event, TokensSampled) for token in stored.event.ids]


def _turn(at: str | None, turns: int) -> int:
    number = str(turns) if at is None else at.lower().removeprefix("t")
    if not number.isdecimal() or not 1 <= int(number) <= turns:
        raise UsageError(f"there is no turn {at or 1}: the branch has {turns}, give one such as t{max(turns, 1)}")
    return int(number)


def _free(log: EventLog, place: Place, name: str) -> str:
    taken = {branch.name for branch in log.branches(log.session(place.name).id)}
    return free_name(name, taken.__contains__)


def _parting(first: str, reference: list[int], backend: str, ids: list[int], harmony: Harmony) -> str:
    if reference == ids:
        return f"{backend} answers as {first} does, token for token ({len(ids)} tokens)"
    same = common_prefix(reference, ids)
    one, other = (harmony.decode(tuple(tokens[same : same + 8])) for tokens in (reference, ids))
    return f"{backend} parts from {first} at token {same}: {one!r} became {other!r}"
