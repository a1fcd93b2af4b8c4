"""Questions about gptoss itself."""

from dataclasses import dataclass

from demo_model.conversation import Turn
from demo_model.session import Session


@dataclass(frozen=True)
class Topic:
    """One thing to know about gptoss. `about` completes "The user asks ..."."""

    about: str
    answer: str
    train: tuple[str, ...]
    held_out: tuple[str, ...]


_HOW = (
    "(How (do|can|could|would|must|should|might|may|shall) (I|one|we|you|people)|How to|What is the (command|option|flag|way|best way) to|"
    "(Show|Tell|Teach) me how to|I (want|need|wish|have|would like|would love|am trying|plan) to|I'd (like|love) to|I'm trying to|I must|"
    "(Can|May|Could|Should|Must) I|Can (one|we|you)|How does one|What (do|must|should|can|would) I (type|do|run|enter|write|use) to|"
    "(Which|What) (command|option|flag|key) (lets me|do I need to|is there to|must I use to|should I use to|can I use to|allows me to)|"
    "Is it possible to|Is there (a|any|some) (way|trick|flag|key|option|possibility|means) to|[Please] explain [to me] how to|"
    "[Please] help me [to]|Would it be possible to|(What is|What's) a way to|[Please] tell me how [I] [can|could] [to]|"
    "(Does|Can) gptoss [let me|help me [to]|allow me to]|[Please] say how to|Do you know how to|Can you (tell|show|explain to) me how to|"
    "What's the (command|way|trick) to|I do not know how to|I don't know how to|I forgot how to)"
)
_HOW_HELD_OUT = "(How could I|Is there a command to|What is the way to|I would like to|Explain how to|How should I)"
_SESSION = (
    "(a session|the session|my session|a conversation|the conversation|my conversation|a chat|this session|this chat|"
    "this conversation|my chat|the chat|sessions|a whole session)"
)


def _how(*tasks: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Wordings of "how do I ...?" for tasks. The last task is for the held-out check only."""
    train = tuple(f"{_HOW} {task}?" for task in tasks[:-1])
    held_out = (*(f"{_HOW_HELD_OUT} {task}?" for task in tasks), f"{_HOW} {tasks[-1]}?")
    return train, held_out


def _thing(name: str) -> tuple[str, ...]:
    """Wordings that ask about a command or an option by its name."""
    return (
        f"What does {name} (do|mean)[ exactly|, please]?",
        f"(Explain|Describe|Tell me about|Tell me more about|Say something about) {name}[ to me| please| briefly].",
        f"What is {name} (good for|used for|about|for|there for)?",
        f"(What|Why) (is there|would I use|do I need|should I use|is) {name}[ for]?",
        f"When (do|should|would|can) (I|one) use {name}?",
        f"(What|How) (does|can) {name} (work|help|do for me)?",
        f"(How|When|Where) (do I|can I|should I) use {name}?",
        f"(Tell me|Say|Explain) what {name} (does|is|means|is for|is good for).",
        f"I (don't|do not) (understand|know) {name}.",
        f"{name}?",
    )


def _topic(
    about: str, answer: str, tasks: tuple[str, ...], train: tuple[str, ...] = (), held_out: tuple[str, ...] = ()
) -> Topic:
    tasks_train, tasks_held_out = _how(*tasks) if tasks else ((), ())
    # Tasks expand to many wordings: they may be drawn more often than the lone questions.
    return Topic(about, answer, (*tasks_train, *tasks_train, *train), (*tasks_held_out, *held_out))


TOPICS: tuple[Topic, ...] = (
    _topic(
        "what gptoss is",
        "gptoss is a chat engine for OpenAI's gpt-oss models. Every conversation is an event log, so nothing is ever lost.",
        (),
        (
            "What is gptoss?",
            "What's gptoss?",
            "(Explain|Describe) gptoss[ to me| briefly].",
            "What does gptoss (do|mean)?",
            "Tell me (about|more about|something about) gptoss.",
            "What is this (program|tool|software|app|application)[ for| about]?",
            "What kind of (program|tool|software) is gptoss?",
            "Why (gptoss|should I use gptoss)?",
            "What is gptoss (good for|used for|for)?",
            "What is special about gptoss?",
            "(Explain|Tell me|Say) what gptoss (does|can do|is good for).",
            "What kind of (app|application|thing) is (this|gptoss)?",
        ),
        (
            "Tell me what gptoss is[ for].",
            "What kind of (app|application) is this?",
            "Say what gptoss does.",
        ),
    ),
    _topic(
        "how to resume a session",
        "Run `gptoss chat --session NAME` again: the session goes on where it stopped, even after a crash.",
        (
            f"(resume|continue|reopen) {_SESSION}",
            f"(go back|come back|return|get back) to {_SESSION}",
            f"(pick up|go on with|carry on with) {_SESSION}[ later| again| tomorrow]",
            "(continue|resume) (an old|an earlier|a previous|yesterday's|my last) (session|conversation|chat)",
            "(continue|go on) (tomorrow|later|another day|where I stopped|where we stopped|where I left off)",
            "(resume|reopen|return to) (an old|my last|a previous) (chat|session)",
        ),
        (
            "Can I (continue|resume) (this|this chat|later|tomorrow|another day)?",
            "Will you (know|recognise) me (tomorrow|later|another day|again)?",
            "(May|Could) I come back [to this] (later|another day|tomorrow)?",
            "Will you remember me (tomorrow|later|next time|another day)?",
            "What happens when I close (the terminal|the window|gptoss|this)?",
        ),
        ("Will you know me next time?", "Can I come back to this tomorrow?"),
    ),
    _topic(
        "how to start a session",
        "`gptoss chat --session NAME` begins a session with that name, or continues it.",
        (
            "(start|begin|open|create|make) a (new|named|fresh) (session|conversation|chat)",
            "(name|give a name to) (a|the|my) (session|conversation|chat)",
            "(start|begin) (over|again|from scratch|afresh|a second session|another session)",
            "(create|begin|open) another (conversation|chat|session)",
            "(start|begin|open|create|make|have|get) (another|one more|a second|a further|the next|a different|a) (chat|session|conversation)[ with a name| next to this one]",
        ),
        (*_thing("--session"), "What is a session?"),
        ("What is --session for?",),
    ),
    _topic(
        "how to branch a session",
        "`gptoss branch NAME --at SEQ` forks a session at any event. Nothing is copied and nothing is lost.",
        (
            f"(branch|fork|split) {_SESSION}",
            f"(make|create|start|open) a (branch|fork)[ of {_SESSION}]",
            "(try|explore|go) (another|a different) (path|way|direction|answer|branch)",
            "(branch|fork) (off|here|from here|at an event|at a turn|from an earlier turn)",
            "(make|create) a (fork|branch) (here|at an event|from here)",
        ),
        (
            "What (is a|are) (branch|fork|branches|forks)?",
            *_thing("(branch|gptoss branch)"),
            "(Explain|Tell me about) (branches|forks|branching).",
        ),
        ("Tell me what (branches|forks) are.", "What does it mean to (branch|fork)?"),
    ),
    _topic(
        "how to undo a turn",
        "`gptoss undo NAME` takes back the last turn. It is a fork, so nothing is lost.",
        (
            "(undo|take back|revert|remove|retract) (a turn|the last turn|my last message|the last message|a message|the last answer)",
            "undo[ something| a mistake| it| that| this]",
            "(go back|step back) (one turn|a turn|one step|a step)",
            "(correct|edit|change|fix) (my last message|a message|what I said|my message)",
            "(take back|revert) (one turn|a mistake|what I said)",
        ),
        (
            *_thing("(undo|gptoss undo)"),
            "Is there an undo?",
            "Is undo possible?",
            "Does gptoss have undo?",
            "Can (I|you|one) undo?",
            "Undo the last turn.",
            "I made a mistake in my last message.",
        ),
        ("Can gptoss undo?", "Is it possible to undo a turn?"),
    ),
    _topic(
        "how to see the branches",
        "`gptoss tree NAME` shows the branches of a session, where each forked and which is current.",
        (
            f"(see|show|list|display|view) (the branches|all branches|the forks|the tree)[ of {_SESSION}]",
            "(find|see) which branch (I am on|is current)",
            "(draw|print) the (tree|branches)",
            "(see|list|show|view|print|find) (my|the|all my|all the|every) (branches|forks|branch|fork)",
            "(see|show|look at) (a tree|the whole tree|the tree) of (forks|the session|all branches|the branches|my branches)",
            "(see|display) (all forks|the tree of branches)",
        ),
        (
            *_thing("(tree|gptoss tree)"),
            "(Which|What) branches (are there|do I have|exist)?",
            "Which branch am I on?",
        ),
        ("What is the tree[ command]?", "Show me all branches."),
    ),
    _topic(
        "how to export a session",
        "`gptoss export NAME --format md -o FILE` writes a session as Markdown; json, jsonl, html and others work too.",
        (
            f"export {_SESSION}[ to a file| as a file]",
            f"(save|write|store|export) {_SESSION} (as|to|in) (Markdown|JSON|HTML|a file|a document|jsonl|text)",
            f"(get|make) a (transcript|copy|file|document) of {_SESSION}",
            f"(share|publish|print|back up) {_SESSION}",
            f"(get|save) {_SESSION} (as a document|out of gptoss)",
        ),
        (
            *_thing("(export|gptoss export|an export|the export)"),
            "(Does gptoss have|Can there be|Do you have) an export?",
            "(Which|What) (export formats|formats) (are there|exist|can you export)?",
            "Can gptoss export (Markdown|JSON|HTML)?",
        ),
        ("Which formats does export know?", "Is there an export?"),
    ),
    _topic(
        "how to import a transcript",
        "`gptoss import FILE` makes a session out of an exported file.",
        (
            "import (a file|a transcript|an export|an exported file|a conversation|a session|a chat)",
            "(load|read|open|restore) (an export|an exported file|a transcript|an exported session)",
            "(bring|move) (a session|a conversation) (from|to) another (machine|computer)",
            "(restore|load) (a transcript|a session) from (a file|an export)",
        ),
        (
            *_thing("(import|gptoss import|an import)"),
            "(Does gptoss have|Can there be) an import?",
            "Can gptoss import (a file|ChatGPT conversations|transcripts)?",
        ),
        ("Is there an import?", "Can I import an exported session?"),
    ),
    _topic(
        "how to replay a session",
        "`gptoss replay NAME` shows a session again as it happened; `--speed X` and `--step` set the pace.",
        (
            f"replay {_SESSION}",
            f"(watch|show|play|see) {_SESSION} again",
            f"(play back|play) {_SESSION}[ slowly| faster| step by step]",
            f"(step|go) through {_SESSION} (step by step|slowly|event by event)",
            f"(watch|replay) {_SESSION} (slowly|faster|step by step)",
        ),
        (
            *_thing("(replay|gptoss replay|the replay)"),
            "Does gptoss have a replay?",
            "What is (a replay|replay)?",
            "(Explain|Tell me about) replay.",
        ),
        ("Is there a replay?", "What is replaying?"),
    ),
    _topic(
        "how to sample an answer again",
        "`gptoss replay NAME --rerun` samples the answers again, on another backend if you like.",
        (
            f"rerun {_SESSION}[ on another backend]",
            "(sample|generate|make) (the|an|all) (answer|answers) again",
            "(get|see|have|try|sample) (another|a second|a new|a different|one more) (answer|sample|version|result|reply)[ to the same question| to the same prompt| again]",
            "(see|get) what (another seed|another backend|another sample) (gives|would say)",
            f"run {_SESSION} again (on|with) another (backend|model)",
            "(get|see) (another|a new|a different) (sample|result) for the same prompt",
        ),
        (*_thing("(--rerun|rerun)"), "What is a rerun?"),
        ("What is --rerun for?",),
    ),
    _topic(
        "how to verify a session",
        "`gptoss verify NAME` checks the hash chain: it finds any event that was altered, lost or reordered.",
        (
            f"(verify|check) {_SESSION}",
            "(check|prove|verify|make sure) that nothing (was|is) (lost|changed|altered|broken)",
            "(check|verify) the (hash chain|integrity|log|history|database)",
            "(prove|check|make sure|verify|show|see) (that|whether|if) (a|the|my) (session|log|chat|history|conversation) (is|was|is still) (intact|unchanged|complete|correct|not altered|ok|whole|genuine)",
            f"(prove|check) that {_SESSION} is (intact|not altered)",
        ),
        (
            *_thing("(verify|gptoss verify)"),
            "How is (the log|the history|a session) (verified|checked)?",
            "How (do you|does gptoss) check the integrity?",
            "What is the hash chain?",
            "(Explain|Tell me about) verify.",
        ),
        ("What is verify for?", "How is the integrity checked?"),
    ),
    _topic(
        "how to search",
        "`gptoss search TEXT` finds what was said in any session, and where.",
        (
            "(search|look) (in|through) (all|my|old|the) (sessions|conversations|chats)",
            "(find|look for) (something|a message|a word|text|what was said) in (my|old|all) (sessions|conversations|chats)",
            "search for (a word|text|a message|something I said)",
            "(find|search) (an old message|something I said|a word)",
        ),
        (
            *_thing("(gptoss search|the search command)"),
            "(Is there|Does gptoss have) a search?",
            "Where did I say something?",
            "Can (I|gptoss) search (old chats|everything|all sessions)?",
        ),
        ("Can gptoss search my conversations?",),
    ),
    _topic(
        "how to list sessions",
        "`gptoss sessions list` shows all sessions, the newest first.",
        (
            "(list|see|show|view|display) (all|my|the|old) (sessions|conversations|chats)",
            "(find|see) (an old|my last|a previous) (session|conversation)",
            "(see|list) (which|what) sessions (I have|there are|exist)",
            "(show|find) (all|my) old (conversations|chats|sessions)",
        ),
        (
            "(Which|What) sessions (do I have|are there|exist)?",
            "(Which|What) (chats|old conversations) (do I have|are there|exist)?",
            "(Show|Display) (my sessions|all conversations).",
            *_thing("(gptoss sessions|sessions list)"),
            "Where are my (sessions|old chats|conversations)?",
        ),
        ("List my sessions.", "Which conversations do I have?"),
    ),
    _topic(
        "how to rename a session",
        "`gptoss sessions rename OLD NEW` gives a session another name.",
        (
            f"rename {_SESSION}",
            f"(change|alter) the name of {_SESSION}",
            f"give {_SESSION} (another|a new|a different|a better) name",
            f"(call|name) {_SESSION} differently",
        ),
        ("Can sessions be renamed?", "Is it possible for a session to get a new name?", *_thing("sessions rename")),
        ("Can a session get another name?",),
    ),
    _topic(
        "how to delete a session",
        "`gptoss sessions delete NAME` really deletes a session: its rows are removed.",
        (
            f"(delete|remove|erase|destroy) {_SESSION}",
            f"(get rid of|throw away|wipe|drop) {_SESSION}",
            "(delete|remove|erase) (all|my|old) (data|sessions|conversations|chats|history)",
            f"(forget|clear) {_SESSION}",
        ),
        (
            "Can sessions be deleted?",
            "(Can|May) (a|my) (session|conversation|chat) be (deleted|erased)?",
            *_thing("sessions delete"),
            "Delete (this session|my data|everything).",
        ),
        ("Can a session be removed?",),
    ),
    _topic(
        "how to follow a session live",
        "`gptoss tail NAME` follows a session live while another window writes to it.",
        (
            f"(follow|watch|tail) {_SESSION} live",
            "(watch|follow|see) (a session|a chat|the session) (from|in) another (window|terminal)",
            "(open|use) (one|the same) session in two (windows|terminals)",
            f"(tail|follow) {_SESSION}",
        ),
        (
            *_thing("(tail|gptoss tail)"),
            "What happens with two windows on one session?",
            "Can two (windows|terminals|people) use one session?",
        ),
        ("What is tail for?",),
    ),
    _topic(
        "how to check the installation",
        "`gptoss doctor` checks SQLite, disk, vocabulary, backends, GPU and sandbox, and says what to do.",
        (
            "(check|test|diagnose) (my|the) (installation|setup|system|machine)",
            "(find|see) (out what is wrong|what is wrong|the problem|what is broken)",
            "(repair|fix) (gptoss|the installation|my setup)",
            "(test|check) whether (gptoss|everything) works",
        ),
        (
            *_thing("(doctor|gptoss doctor)"),
            "gptoss does not work.",
            "Something is broken.",
            "(My|The|Our) (installation|machine|gptoss|install|computer|system|program|database) is (broken|damaged|wrong|not working).",
            "(My|The) setup (does not work|fails|is wrong|has a problem|seems wrong|is not working).",
            "(It|This) (is broken|does not work|fails).",
            "Why does it not work?",
        ),
        ("What is the doctor[ for]?", "My setup is broken."),
    ),
    _topic(
        "which models gptoss runs",
        "gptoss runs gpt-oss-20b and gpt-oss-120b, and me, the tiny demonstration model. `gptoss models` lists what is here.",
        (
            "(list|see|show) (the|all|available) models",
            "(choose|pick|find) a (model|checkpoint)",
            "(see|find) which models (there are|I have|work)",
        ),
        (
            "(Which|What) models (does gptoss (support|run|know)|are supported|are there|can I use|work|do you support|can gptoss run)?",
            "Does gptoss (support|run) (Llama|other models|GPT-4|Mistral|Qwen|20b|120b|gpt-oss-20b|gpt-oss-120b)?",
            *_thing("gptoss models"),
            "Can I use (another|a bigger|a larger|a different) model?",
        ),
        ("Which models are available?", "Tell me which models gptoss runs.", "Does gptoss know other models?"),
    ),
    _topic(
        "how to use a real checkpoint",
        "Run `gptoss chat CHECKPOINT`, where CHECKPOINT is the folder that holds the weights of gpt-oss-20b or 120b.",
        (
            "(use|run|load|open|try) (a real|the real|a big|a bigger|my own|another) (checkpoint|model|gpt-oss|gpt-oss model)",
            "(use|run|load) (gpt-oss-20b|gpt-oss-120b|the 20b|the 120b|20b|120b|my own weights|other weights)",
            "(switch|change|upgrade) to (a real|another|a bigger|a better) (model|checkpoint)",
            "(load|use) (weights|a checkpoint|a folder with weights)",
            "(get|chat with) (a real|a bigger) (model|gpt-oss)",
        ),
        ("Where do I (put|give|name) the (weights|checkpoint)?", "What is a checkpoint?", "What does CHECKPOINT mean?"),
        ("Where does the checkpoint go?", "Tell me how to get a bigger model."),
    ),
    _topic(
        "how to set the reasoning effort",
        "`gptoss chat -r high` makes the model think longer; medium and low are the other efforts, low is the default.",
        (
            "(set|change|choose|raise|lower) the (reasoning effort|effort|reasoning)",
            "make (you|it|the model) (think|reason) (more|longer|harder|less)",
            "(use|get|set) (high|medium|low) (reasoning|effort|reasoning effort)",
            "(get|have) (more|less|longer) (reasoning|thinking)",
        ),
        (
            *_thing("(-r|--reasoning-effort)"),
            "(Which|What) (efforts|reasoning efforts) (are there|exist)?",
            "Think (harder|longer|more).",
            "(Please|Could you|Can you) think (more|a bit more|again).",
            "(Could|Will) you (reason|think) (harder|longer)?",
        ),
        ("What is -r for?", "Can you think (longer|harder)?"),
    ),
    _topic(
        "how to enable python",
        "`gptoss chat -p` enables the python tool: the model then runs Python code in a sandbox.",
        (
            "(enable|turn on|switch on|use|activate|get) (python|the python tool|Python code)",
            "let (you|the model) (run|execute|use) (python|code|Python code)",
            "(allow|permit|turn on|activate|get) (code|running code|the execution of code|code to run|Python)",
            "(switch on|enable|start) (running code|code running|code|the code tool|execution of code)",
            "(allow|give you) (python|code execution|the python tool)",
            "(switch on|allow) code execution",
        ),
        (*_thing("-p"), "What is the python tool?", "(Which|What) flag enables python?"),
        ("What is -p for?", "Which option enables the python tool?"),
    ),
    _topic(
        "how to enable the browser",
        "`gptoss chat -b` enables the browser tool: the model then searches, opens pages and cites them.",
        (
            "(enable|turn on|switch on|use|activate|get) (the browser|browsing|the browser tool|web search)",
            "let (you|the model) (search|browse|use) (the web|the internet|online)",
            "(allow|give you) (web access|internet access|the browser)",
            "(switch on|allow) (web search|browsing)",
        ),
        (*_thing("-b"), "What is the browser tool?", "(Which|What) flag enables (the browser|web search)?"),
        ("What is -b for?", "Which option enables the browser tool?"),
    ),
    _topic(
        "how to enable apply_patch",
        "`gptoss chat -a` enables apply_patch: the model then creates and edits files in your workspace.",
        (
            "(enable|turn on|switch on|use|activate) (apply_patch|the patch tool|patches|file editing)",
            "let (you|the model) (edit|create|change|write) files",
            "(allow|give you) (file access|access to my files|apply_patch)",
            "(switch on|allow) file (editing|access)",
        ),
        (*_thing("-a"), "What is apply_patch?", "(Which|What) flag enables (apply_patch|file editing)?"),
        ("What is -a for?", "Which option enables apply_patch?"),
    ),
    _topic(
        "how to instruct the model",
        "`gptoss chat --developer-message TEXT` gives the model standing instructions.",
        (
            "(set|give|write|add) (a developer message|a system prompt|instructions|standing instructions|a system message)",
            "(instruct|tell) (you|the model) (how to answer|what to do|how to behave)",
            "(change|control) (your|the model's) (behaviour|style|instructions)",
            "(write|give) the model (instructions|a system prompt)",
        ),
        (
            "What is (a|the) developer message?",
            *_thing("--developer-message"),
            "Is there a system prompt?",
            "(Is there|Where is|What is) (a|the) (system message|system prompt)?",
        ),
        ("What is --developer-message for?",),
    ),
    _topic(
        "how long the context is",
        "`gptoss chat -c N` sets the context to N tokens; the default is 8192.",
        (
            "(set|change|raise|increase|enlarge) (the context|the context length|the context size|the context window)",
            "(have|use|get) (a longer|a larger|more) context",
            "(make|get) the context (longer|larger)",
        ),
        (
            *_thing("(-c|--context)"),
            "How (long|large|big) is (the|your) context[ window]?",
            "What happens when the context is full?",
            "How many tokens (fit|can you read|are there|do you remember)?",
        ),
        ("What is -c for?", "How many tokens is the context?"),
    ),
    _topic(
        "how sampling is set",
        "`--temperature`, `--top-p` and `--seed` set the sampling; with the same seed you get the same answer.",
        (
            "(set|change|choose) the (temperature|seed|sampling|randomness|top-p)",
            "(make|get) (the same answer|reproducible answers|deterministic answers|answers reproducible)[ twice| again]",
            "(use|give) (a seed|another seed|a temperature)",
            "(get|have) (less|more) random answers",
        ),
        (
            *_thing("(--temperature|--seed|--top-p)"),
            "What is (the temperature|temperature|a seed|top-p)?",
            "How is (the seed|the sampling|the randomness|top-p) (set|chosen|changed)?",
            "(Where|How) (do you|does one) set the (temperature|seed)?",
            "Where is the temperature (set|changed|chosen)?",
            "Are (answers|your answers) (reproducible|deterministic)?",
        ),
        ("What is (--temperature|--seed) for?", "How is the temperature set?"),
    ),
    _topic(
        "how to choose a backend",
        "`gptoss chat --backend torch`, `triton` or `vllm` picks one; auto takes triton on a CUDA GPU, else torch.",
        (
            "(choose|set|change|pick|select) (the|a|another) backend",
            "(use|run on) (vllm|vLLM|triton|torch|the GPU|a GPU|my GPU|the CPU)",
            "(switch|change) (to|the) (another backend|backend|vllm|triton)",
            "(select|use) (another|the triton|the vllm) backend",
        ),
        (
            "(Which|What) backends (are there|exist|does gptoss have|can I use)?",
            *_thing("--backend"),
            "What is a backend?",
            "(List|Name|Show me) [the|your|all] backends.",
            "Do I need a GPU?",
            "Does (it|gptoss) run on (a CPU|a GPU|my laptop)?",
        ),
        ("What is --backend for?", "Which backends do you have?"),
    ),
    _topic(
        "where the data is",
        "All sessions are in one SQLite database in your data folder; GPTOSS_HOME or `--db` moves it.",
        (
            "(find|see|open) (the database|my data|the log|the files|the database file)",
            "(move|change|set) (the database|the data folder|the database location|where data is stored)",
            "(choose|use|take|set|select|have|give) (a different|another|a new|my own|a second) (database|data folder|folder|database file|place)[ for the data| for my data]",
            "(choose|set|decide) where (the data goes|my data is|the database is|sessions are kept)",
            "(use|choose) another (database|data folder)",
        ),
        (
            "Where (is|are) (my data|my sessions|the data|the sessions|the conversations|the database|the log|everything) (stored|saved|kept)?",
            "(What|Which) database (does gptoss|do you) use?",
            "Where does gptoss (store|save|keep) (its data|my data|sessions|conversations)?",
            "Where is the database?",
            "(Which|What) database (holds|has) (my sessions|my data)?",
            "Where do (you|we) (store|save) (my data|sessions|it)?",
            *_thing("--db"),
            "What is GPTOSS_HOME?",
        ),
        ("In which database are my sessions?", "Where do you keep my data?", "What is --db for?"),
    ),
    _topic(
        "how to ask one question",
        'Run `gptoss chat "PROMPT"`: the answer alone goes to stdout, so it works in scripts and pipes.',
        (
            "(ask|send|run) (one|a single) (question|prompt)",
            "use (gptoss|it|this) in a (script|pipe|shell script|program)",
            "(pipe|send) (text|a file|input|something) (into|to|through) gptoss",
            "get (only the answer|the answer alone|one answer)",
            "(run|use) gptoss (once|in one shot|without a prompt|from a script)",
        ),
        (
            "Does gptoss work in (scripts|pipes)?",
            "Can gptoss read (stdin|a pipe|piped input)?",
            "What is one-shot[ mode]?",
        ),
        ("Can I pipe input to gptoss?", "Is there a one-shot mode?"),
    ),
    _topic(
        "how to get JSON",
        "Add `--json`: the output is then one JSON object a line, made for programs.",
        (
            "(get|print|have) (JSON|the output as JSON|machine readable output|output for programs)",
            "(read|parse) the output (in|with) a program",
            "(make|let) gptoss (print|write) JSON",
        ),
        (*_thing("--json"), "Is there (JSON output|machine readable output)?"),
        ("What is --json for?",),
    ),
    _topic(
        "how to stop an answer",
        "Press Ctrl-C: the answer stops, and what was said so far is kept.",
        (
            "(stop|interrupt|cancel|abort|end) (an answer|the answer|you|the model|a generation|it)",
            "(stop|interrupt) (a long answer|the model while it writes)",
            "(make|let) (you|it|the model) stop",
            "(cancel|abort) (a long answer|the generation)",
        ),
        (
            *_thing("(Ctrl-C|Ctrl C|Control-C)"),
            "What happens when I (press Ctrl-C|interrupt you|interrupt an answer)?",
            "Stop(!|.|)",
        ),
        ("What is Ctrl-C for?", "What happens on Ctrl-C?"),
    ),
    _topic(
        "how to leave",
        "Press Ctrl-D to leave; the session is saved already.",
        (
            "(quit|exit|leave|close) (gptoss|the chat|the program|this|chat|it)",
            "(save|store|keep) (my work|the session|this|everything) before I (leave|quit|exit)",
            "get out[ of here| of gptoss| of this]",
            "(quit|exit|leave|stop|end|close) (here|now|the program|this program|everything|the session|the conversation|my session|this session)",
            "(end|stop|finish) (this|the chat|gptoss|the conversation)",
            "(leave|quit) (this program|now|here)",
        ),
        (
            "(exit|quit)",
            *_thing("(Ctrl-D|Ctrl D|Control-D)"),
            "Do I have to save[ anything| the session]?",
            "(Should|Must) I save[ this| anything| it| my work]?",
            "How is (the session|this|everything) saved?",
        ),
        ("What is Ctrl-D for?", "Must I save the session?"),
    ),
    _topic(
        "what happens in a crash",
        "Nothing is lost: every token is in the log before you see its effect, and the next start continues at the exact token.",
        (
            "recover (from a crash|after a crash|a crashed session|a lost answer)",
            "get (my session|my answer|the conversation) back after a crash",
            "(save|rescue|recover|restore|get back) (a session|the session|my session|a chat|an answer|my work|a conversation|data) (after a crash|that crashed|from a crash|after a power cut)",
            "(restore|get back|repair) a crashed (chat|conversation|answer|session)",
            "(save|rescue) a crashed session",
        ),
        (
            "What happens (when|if) (gptoss|it|the machine|my computer|the program|the power) (crashes|dies|fails|is killed|goes out)?",
            "What happens (in|on|during) a crash?",
            "What if (gptoss|the machine|it) (dies|crashes|fails)?",
            "(Is|Will) (anything|my conversation|my session|something) (be|get) lost (when|if|after|in) (it crashes|a crash)?",
            "What if (the power goes out|it crashes|my computer crashes|I kill it)?",
            "Can (I|anything|something) (lose|be lost|get lost)[ anything| data]?",
            "Is (it|gptoss|my data) (safe|crash safe|reliable|durable)?",
        ),
        ("What happens after a crash?", "What if gptoss is killed?"),
    ),
    _topic(
        "what the event log is",
        "The conversation is an append-only log of events in SQLite; resume, replay and export are folds over it.",
        (),
        (
            "What is (the|an) event log?",
            "(Explain|Describe|Tell me about) (the|an) event log.",
            "(What|Which) (events|kinds of events) (are there|exist|do you store)?",
            "What is (event sourcing|an event|a fold)?",
            "How does gptoss (work|store conversations|store a conversation)[ inside| internally]?",
            "(Explain|Describe) how gptoss works.",
            "(Say|Explain|Tell me) what (an event log|an event|event sourcing) is.",
        ),
        ("Tell me what the event log is.", "How does the event log work?"),
    ),
    _topic(
        "what Harmony is",
        "Harmony is the message format of gpt-oss: it has roles and the channels analysis, commentary and final.",
        (),
        (
            "What is (Harmony|the Harmony format|harmony)?",
            "(Explain|Describe|Tell me about) (Harmony|the Harmony format|the message format).",
            "What (is|are) (the|a) (channel|channels|analysis channel|final channel|message format)?",
            "(Which|What) channels (are there|exist)?",
            "(Say|Explain) what (Harmony|the Harmony format|a channel) is.",
            "What format do (you|the models|messages) (use|have)?",
        ),
        ("Tell me what Harmony is.", "Which message format do you use?"),
    ),
    _topic(
        "how to read a session in a web browser",
        "`gptoss view NAME` opens a session as a page in your web browser, on this machine alone, and follows it live.",
        (
            f"(view|read|open|see|look at) {_SESSION} (in a web browser|as a web page|as a page|in Firefox|in my web browser|in a window)",
            f"(make|get) a (web page|page) (of|from) {_SESSION}",
            "(open|see) the (web page|web view|page|viewer)",
            f"(open|show) {_SESSION} as (HTML|a web page) (live|on screen)",
        ),
        (*_thing("(view|gptoss view|the viewer)"), "Is there a (web page|viewer|web view|graphical view)?"),
        ("What is gptoss view for?", "Does gptoss have a viewer?"),
    ),
    _topic(
        "how to run a tool by hand",
        "`gptoss tool RECIPIENT` runs one tool call by hand, as a model's would run, with the arguments from standard input.",
        (
            "(run|call|try|test|start|debug) (a tool|one tool|a tool call|one tool call|tools) (by hand|myself|manually|without a model|on the command line)",
            "(make|do) a tool call (by hand|myself|manually)",
            "(debug|try out|test) (a tool|the tools|my tools|a tool call)",
            "(call|use) a tool without the model",
        ),
        (*_thing("(gptoss tool|the tool command)"), "Can tools be run by hand?"),
        ("What is gptoss tool for?", "Can I call a tool myself?"),
    ),
    _topic(
        "how to remove one message",
        "`gptoss redact NAME --at SEQ` removes the text of one event for good; the hash chain still verifies.",
        (
            "(redact|black out|blank) (a message|an event|one message|a secret|something|a password|one event)",
            "(remove|delete|erase) (a secret|a password|one message|a single message|one event|a single event) (from|in) (a session|the log|the history|my session)",
            "(remove|hide) (something secret|a secret|private data|a password)",
            "(redact|remove) (sensitive|private) (data|text|messages)",
        ),
        (*_thing("(redact|gptoss redact|redaction)"), "I (pasted|typed|said) a (password|secret)."),
        ("What is redact for?", "Can a single message be removed?"),
    ),
    _topic(
        "how to free disk space",
        "`gptoss gc` gives back the disk space of what was deleted.",
        (
            "(free|reclaim|get back|save|recover) [disk|some] space",
            "(shrink|compact|clean|clean up|vacuum) the (database|data folder|database file)",
            "make the database smaller",
            "(reduce|lower) the size of the database",
        ),
        (
            *_thing("(gc|gptoss gc)"),
            "(Why is|My) [the] database [is] [so|too] (big|large)?",
            "The disk is [almost] full.",
        ),
        ("What is gc for?", "Can I shrink the database?"),
    ),
)

SKILL = "guide"


def guide(session: Session) -> Turn:
    topic = session.rng.choice(TOPICS)
    user = session.says(topic.train, topic.held_out)
    thoughts = session.think(
        f"The user asks {topic.about}.",
        "I know gptoss.",
        "I will name the command or the fact itself.",
        "One or two sentences are enough.",
    )
    return session.turn(SKILL, user, thoughts, topic.answer)
