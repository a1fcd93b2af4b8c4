"""`gptoss verify` and `gptoss replay --verify`: proof that histories still mean what they meant. Loads no model."""

from contextlib import closing

import msgspec

from gptoss.cli.bootstrap import Adapters
from gptoss.cli.output import Output
from gptoss.engine.branching import branch_named
from gptoss.engine.errors import DatabaseCorrupt
from gptoss.engine.ports import BranchInfo, EventReader, SessionInfo
from gptoss.engine.verification import Drift, Verified, verify

_LAYERS = {
    "chain": "the rows were altered or damaged",
    "fold": "the history is not one that an engine could have written",
    "prompt": "a prompt is no longer what the model saw",
    "parse": "sampled tokens no longer read as the recorded messages",
}


def verify_sessions(
    adapters: Adapters,
    database: str | None,
    name: str | None,
    out: Output,
    *,
    branch: str | None = None,
    as_json: bool = False,
) -> int:
    """Check all branches of a session, or one, or all sessions. Exit code 1 when something differs."""
    with closing(adapters.open_reader(database)) as reader:
        sessions = reader.sessions() if name is None else [reader.session(name)]
        harmony = adapters.harmony()
        sound = 0
        checked = 0
        for session in sessions:
            for info in _branches(reader, session, branch):
                try:
                    verified = verify(reader.read(info.id, thorough=True), harmony)
                except DatabaseCorrupt as error:
                    drift = Drift(layer="chain", seq=1, problem=str(error))
                    verified = Verified(events=0, prompts=0, messages=0, tokens=0, drift=drift)
                checked += 1
                sound += verified.drift is None
                if as_json:
                    facts = {"session": session.name, "branch": info.name, "sound": verified.drift is None}
                    out.write(msgspec.json.encode(facts | msgspec.to_builtins(verified)).decode() + "\n")
                else:
                    _tell(session, info, verified, out)
        faults = reader.faults(None if name is None else sessions[0].id)
    for fault in faults:
        if as_json:
            out.write(msgspec.json.encode(fault).decode() + "\n")
        else:
            out.line(f"{fault.session or 'database'}: {fault.problem}", "error")
    if any(fault.repairable for fault in faults) and not as_json:
        out.line("  `gptoss doctor --repair` computes again what can be computed from the events", "dim")
    if not checked and not faults and not as_json:
        out.line("There are no sessions yet.")
    return 0 if sound == checked and not faults else 1


def _branches(reader: EventReader, session: SessionInfo, branch: str | None) -> list[BranchInfo]:
    return reader.branches(session.id) if branch is None else [branch_named(reader, session, branch)]


def _tell(session: SessionInfo, branch: BranchInfo, verified: Verified, out: Output) -> None:
    where = f"{session.name}, branch {branch.name}"
    drift = verified.drift
    if drift is None:
        out.line(f"{where}: sound ({verified.events} events, {verified.prompts} prompts, {verified.tokens} tokens)")
        if verified.redacted:
            out.line(f"  {verified.redacted} more prompts cannot be derived again: they held what was redacted", "dim")
        return
    out.line(f"{where}: event {drift.seq}: {_LAYERS[drift.layer]} ({drift.layer}): {drift.problem}", "error")
    if verified.events:
        out.line(
            f"  readable up to event {verified.events}: gptoss replay {session.name} --branch {branch.name} "
            f"--until {verified.events}",
            "dim",
        )
