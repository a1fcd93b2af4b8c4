"""What the system message says about the session: the date, the effort and the tools."""

from demo_model.conversation import Turn
from demo_model.session import Session

_DATE = (
    (
        "(What is|What's) (the date|today's date|the current date)[ today]?",
        "(What|Which) (day|date) is (it|today)[ today]?",
        "Tell me (the date|today's date|the current date).",
        "(What|Which) year is (it|this)?",
        "Do you know (the date|today's date|what day it is)?",
        "Which date do we have[ today]?",
        "(Tell me|Say|Do you know) (which|what) (date|day) (we have|today is|it is today).",
        "(What|Which) day is today?",
        "(Tell me|Say|Do you know|Can you tell me) (the|today's|the current) (date|day)[ please| today].",
        "(Tell me|Can you tell me|Do you know) (which|what) (day|date) (it is|is today|we have)[ today].",
        "(What|Which) (date|day) (is it|is today|do we have|is it today)[ now| please]?",
        "[And] today's date?",
    ),
    ("Tell me what (day|date) it is.", "Do you know the current date?", "(Which|What) day do we have today?"),
)
_EFFORT = (
    (
        "(Say|Tell me) (how hard you think|your effort|the reasoning effort|which effort is set).",
        "(What is|What's) (your|the) (reasoning effort|effort|reasoning level)?",
        "(Which|What) (reasoning effort|effort|reasoning level) (do you use|are you set to|is set)?",
        "How (hard|much|long) do you (think|reason)?",
        "Is your reasoning (low, medium or high|high|low)?",
        "At which (effort|reasoning effort) do you (think|run|work)?",
        "(Tell me|Say|Show me) (your|the) (effort|reasoning level|level of reasoning|reasoning effort)[ please].",
        "(What|Which) (effort|reasoning effort|reasoning level) do you (think|run|work|reason) (at|with)?",
        "(With|At) (what|which) (effort|reasoning effort) do you (think|reason|run|work)?",
    ),
    ("Tell me your reasoning effort.", "(Which|What) reasoning effort do you (run|work) at?"),
)
_TOOLS = (
    (
        "(Which|What) tools (do you have|can you use|are enabled|are available|are there)?",
        "Do you have [any] tools?",
        "(List|Name|Show me) your tools.",
        "What tools have you got?",
        "Are [any] tools enabled?",
        "Can you use [any] tools?",
        "(Which|What) tools (are|is) (on|active|switched on|there|usable)?",
        "(Show|Tell|Give) me (your tools|the tools|a list of your tools|the list of tools|all tools)[ please].",
        "(Tell me|Say|Show me) (what|which) tools (you have|are enabled|are available|there are|you can use|are on).",
        "Have you got [any] tools?",
        "(Say|Tell me|Show me) (what tools there are|your tools|which tools you can use).",
    ),
    ("Tell me (which|what) tools you have.", "Show me which tools are (available|enabled)."),
)


def about(session: Session) -> Turn:
    kind = session.rng.choice(("date", "date", "effort", "tools"))
    if kind == "date":
        date = session.settings.start_date
        user = session.says(*_DATE)
        thoughts = session.think(
            "The user asks for the date.",
            f"The system message says {date}.",
            "That is the day on which this session began.",
            "I have no clock of my own.",
        )
        answer = f"This session began on {date}; I have no clock to tell more."
    elif kind == "effort":
        effort = session.settings.reasoning_effort
        user = session.says(*_EFFORT)
        thoughts = session.think(
            "The user asks how much I reason.",
            f"The system message says {effort}.",
            "The option -r sets it.",
            "I will name both.",
        )
        answer = f"My reasoning effort is {effort}. The option `-r` of `gptoss chat` sets it."
    else:
        user = session.says(*_TOOLS)
        names = [name for name in ("python", "apply_patch", "browser") if name in session.tools]
        listed = " and ".join(names) if len(names) < 3 else "python, apply_patch and browser"
        thoughts = session.think(
            "The user asks for my tools.",
            f"I see these announced: {listed or 'none'}.",
            "Options of gptoss chat enable them.",
            "I will say what there is.",
        )
        answer = (
            f"Enabled here: {listed}."
            if names
            else "No tool is enabled. `gptoss chat -p` enables python, `-a` apply_patch and `-b` the browser."
        )
    return session.turn("about the session", user, thoughts, answer)
