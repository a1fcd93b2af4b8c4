"""Going on, back and elsewhere in the tree of one session. Each docstring is the command's help."""

from gptoss.cli.branches import show_tree
from gptoss.cli.editing import edit as edited
from gptoss.cli.putting_back import put_back_files
from gptoss.cli.slash.arguments import number, one, words
from gptoss.cli.slash.dialogue import Dialogue
from gptoss.engine.branching import fork, parse_point, turn_seqs
from gptoss.engine.branching import switch as switch_to
from gptoss.engine.branching import undo as undone
from gptoss.engine.conversation import next_step
from gptoss.engine.errors import UsageError
from gptoss.engine.message import Message
from gptoss.engine.ports import BranchInfo, EventLog, SessionInfo


def go_on(dialogue: Dialogue, argument: str) -> None:
    """go on with an answer that was cut off"""
    conversation = dialogue.chat.conversation()
    if next_step(conversation.state) is None:
        dialogue.display.notice("There is nothing to go on with: the last answer is whole.")
    else:
        dialogue.watch(conversation.proceed())


def undo(dialogue: Dialogue, argument: str) -> None:
    """[N] · go back to before the last turn, or the last N, on a new branch"""
    turns = number(argument, "/undo")

    def operation(log: EventLog, session: SessionInfo) -> BranchInfo:
        workspace = dialogue.chat.tool_options.workspace
        put_back_files(dialogue.adapters, log, session, turns, dialogue.out, workspace=workspace)
        return undone(log, session, turns)

    branch = dialogue.chat.move(operation)
    what = "The last turn is" if turns == 1 else f"The last {turns} turns are"
    dialogue.display.notice(f"{what} undone; the way back: /switch {dialogue.came_from(branch.id)}")


def retry(dialogue: Dialogue, argument: str) -> None:
    """have the last message answered once more, on a new branch"""
    text = dialogue.last_message()
    dialogue.chat.move(undone)
    dialogue.say(text)


def edit(dialogue: Dialogue, argument: str) -> None:
    """change your last message in your editor and send it, on a new branch"""
    before = dialogue.last_message()
    text = edited(before).strip()
    if not text or text == before.strip():
        dialogue.display.notice("Nothing was changed.")
        return
    dialogue.chat.move(undone)
    dialogue.display.message(Message(role="user", content=text))
    dialogue.say(text)


def branch(dialogue: Dialogue, argument: str) -> None:
    """[SEQ|TURN] [NAME] · go on from an earlier point, such as t2, on a new branch"""
    given = words(argument)
    if len(given) > 2:
        raise UsageError("/branch takes a point such as t2, and a name")
    point, name = [*given, None, None][:2]

    def operation(log: EventLog, session: SessionInfo) -> BranchInfo:
        seq = log.branch(session.branch).head if point is None else parse_point(log, session.branch, point)
        return fork(log, session, seq, name)

    new = dialogue.chat.move(operation)
    dialogue.display.notice(f"This is the branch {new.name}; the way back: /switch {dialogue.came_from(new.id)}")


def switch(dialogue: Dialogue, argument: str) -> None:
    """BRANCH · go on with another branch"""
    name = one(argument, "/switch", "a branch; /tree lists them")
    before = dialogue.chat.settings.tools
    found = dialogue.chat.move(lambda log, session: switch_to(log, session, name), keep_settings=False)
    dialogue.display.notice(f"This is the branch {found.name}.")
    if dialogue.chat.settings.tools != before:
        dialogue.show_tools()
    dialogue.show_last_turn()


def clear(dialogue: Dialogue, argument: str) -> None:
    """begin anew in this session; what was said stays on its branch"""

    def to_the_beginning(log: EventLog, session: SessionInfo) -> BranchInfo:
        begins = turn_seqs(log, session.branch)
        return fork(log, session, begins[0] - 1) if begins else log.branch(session.branch)

    new = dialogue.chat.move(to_the_beginning)
    dialogue.display.notice(f"Nothing has been said here; the way back: /switch {dialogue.came_from(new.id)}")


def tree(dialogue: Dialogue, argument: str) -> None:
    """the branches of this session and where each was forked"""
    dialogue.existing()
    show_tree(dialogue.adapters, dialogue.database, dialogue.chat.name, dialogue.out, as_json=False)
