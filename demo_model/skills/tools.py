"""Asked for what needs a tool that is not enabled, the model names the flag that enables it."""

from demo_model.conversation import Turn
from demo_model.session import Session

_FILES = (
    (
        "(Create|Write|Make|Add) a file [called|named] {file}.",
        "(Edit|Change|Update|Delete|Rename|Patch|Fix) [the file] {file}.",
        "(Create|Make|Write) (a|the) file {file} (with|that says|containing) {words}.",
        "(Can|Could) you (create|edit|change|delete|write) [a|the] file [{file}]?",
        "(Put|Write|Save) {words} (in|into|to) [the file] {file}.",
        "(Replace|Change) {words} (with|to|by) {words} in {file}.",
        "Apply (a|this|the) patch[ to {file}].",
        "Save (this|that|it) (in|to|as) (a file|{file}).",
        "(Can|Could|Would) you (fix|update|edit|patch|delete) [the file] {file}[ for me]?",
        "(Add|Append|Write) {words} to (a|the) file[ {file}].",
    ),
    (
        "(Create|Write) [the] file {file} that contains {words}.",
        "Could you (change|update|fix) {file}?",
        "(Add|Save) {words} to the file {file}.",
    ),
)
_WEB = (
    (
        "(Search|Browse) (the web|the internet|online) for {words}.",
        "(Google|Look up|Search for) {words}[ online| on the web| on the internet].",
        "(Open|Visit|Read|Fetch|Load) (the page|the website|the site|the URL) {words}.",
        "(Can|Could|Would) you (search|browse) (the web|the internet|online)[ for {words}]?",
        "(Can|Could|Would|Will) you (search for|find|open|visit|google) {words}[ online| on the web]?",
        "(Google|Look up) {words} (for me|please|now)[, please].",
        "(Look|Search) (on|in) the (web|internet|net)[ for {words}].",
        "(Go to|Open|Show me|Read) the (page|website|site|web page) {words}.",
        "(Find|Look) [for] {words} (online|on the web|on the internet).",
        "What (is|are) (the news|today's news|the latest news)[ about {words}]?",
        "What does the (web|internet) say about {words}?",
        "(Open|Visit|Read|Go to|Look at) (https://|www.|){host}.com",
    ),
    (
        "(Can|Could) you (google|look up) {words}[ online]?",
        "(Search|Look) on the (web|internet) for {words}.",
        "Visit the (page|website) {words}.",
    ),
)


def missing(session: Session) -> Turn:
    rng = session.rng
    suffix = rng.choice(("py", "txt", "md", "json", "c", "rs", "html", "toml", "js"))
    values = {
        "words": lambda: session.words.phrase(rng, 3),
        "file": lambda: f"{session.words.lower(rng)}.{suffix}",
        "host": lambda: session.words.lower(rng),
    }
    if rng.random() < 0.5:
        user = session.says(*_FILES, **values)
        need, flag = "apply_patch", "-a"
        thought = "The user wants me to change files."
    else:
        user = session.says(*_WEB, **values)
        need, flag = "browser", "-b"
        thought = "The user wants me to look at the web."
    thoughts = session.think(
        thought,
        f"That needs the {need} tool, which is not enabled.",
        f"The flag {flag} enables it.",
        "I will say so instead of pretending.",
    )
    return session.turn(
        "tool missing", user, thoughts, f"That needs the {need} tool: start me with `gptoss chat {flag}`."
    )
