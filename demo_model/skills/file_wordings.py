"""How people ask for files to be made and changed. Each: wordings of training, of the check, and (where the file can go
without saying) the same two again without a name.
"""

_CAN = "(Can|Could|Would|Will) you [please|kindly]"
_MAKE = "(Create|Make|Write|Add|Start|Generate)"
_A_FILE = "(a|a new|the|one|another|a text) file[ called| named|, call it|, name it]"
_SAYS = (
    "(that says|saying|which says|with the text|with the content|with the contents|containing the text|with the words|"
    "that reads|reading|with the line|with one line:|with this text:|with this line:|that contains the text|and put into it:|"
    "containing|and write|that contains|which contains|holding|whose text is|with just|with only|with)"
)
_LINES = (
    "(with the lines|with|containing|containing the lines|with the items|with the entries|listing|that lists|with lines|"
    "with these lines:|with the following lines:|with the words|holding|that contains|with one line each for|for)"
)
_TO = "(to|into|in)"
_WITH = "(with|by|to)"

CREATE = (
    (
        f"{_MAKE} [me] {_A_FILE} {{file}} {_SAYS} {{text}}.",
        f"{_MAKE} [me] {_A_FILE} {{file}} {_SAYS} {{text}}.",
        f"{_MAKE} {_A_FILE} {{file}} {_SAYS} {{text}}.",
        f"{_CAN} (create|make|write|add) [me] {_A_FILE} {{file}} {_SAYS} {{text}}?",
        f"{_CAN} (create|make|write) {{file}} {_SAYS} {{text}}?",
        f"(I need|I want|I would like|I'd like|Give me|Please make|We need|Let me have) {_A_FILE} {{file}} {_SAYS} {{text}}.",
        f"(Create|Make|Write|Generate) {{file}} {_SAYS} {{text}}.",
        "(Write|Put|Save|Store) {text} (to|into|in) [a|a new|the] file [called|named] {file}.",
        "(Write|Put|Save|Store) {text} (to|into|in) {file}.",
        "(Write|Put|Save|Store) [the|this] (text|line|sentence|words) {text} (to|into|in) (a file|a new file|the file|the new file|) {file}.",
        "(Save|Store|Write down) {text} as {file}.",
        f"{_MAKE} (a|a new|the) [text] file {{file}}: {{text}}",
        "In (a new|the new|a) file [called|named] {file}(,|) (write|put|save) {text}.",
        "The file {file} (should|must|shall) (say|contain|read) {text}(. Create it|. Please create it|. Make it|).",
        f"Please {_MAKE} {_A_FILE} {{file}} {_SAYS} {{text}}.",
        "(New file|Make file|Create file) {file}: {text}",
    ),
    (
        "Create [a|the] file {file} with the content {text}.",
        "Make a new file named {file} that says {text}.",
        "Please (write|save) {text} into a file named {file}.",
        "Could you create a file {file} (saying|with the text) {text}?",
        "I want a file {file} containing {text}.",
        "Create {file} saying {text}.",
    ),
)

CREATE_LIST = (
    (
        f"{_MAKE} [me] {_A_FILE} {{file}} {_LINES} {{items}}.",
        f"{_MAKE} [me] {_A_FILE} {{file}} {_LINES} {{items}}.",
        f"{_MAKE} {{file}} {_LINES} {{items}}.",
        f"{_MAKE} {{file}} {_LINES} {{items}}.",
        f"{_CAN} (create|make|write) {_A_FILE} {{file}} {_LINES} {{items}}?",
        f"{_CAN} (create|make|write) {{file}} {_LINES} {{items}}?",
        f"{_MAKE} (a|a new|my|the) (list|shopping list|to-do list|todo list|word list) [called|named|in] {{file}} {_LINES} {{items}}.",
        f"(I need|I want|I would like|Give me) (a|a new) (list|file|shopping list|to-do list) {{file}} {_LINES} {{items}}.",
        "(Write|Put|Save|List|Store) {items} (to|into|in) [a|a new|the] [file|list] [called|named] {file}.",
        "(Write|Put|Save|Store) the (lines|items|words|entries) {items} (to|into|in) (the file|a file|a new file|) {file}.",
        "(Write|Put|Save) a (shopping list|list|to-do list) (with|of) {items} (to|into|in) {file}.",
        "The file {file} (should|must|shall) (contain|list|have the lines|hold) {items}(. Create it|. Please create it|).",
        f"Please {_MAKE} {{file}} {_LINES} {{items}}.",
        f"(New file|Make file|Create file) {{file}} {_LINES} {{items}}",
    ),
    (
        "Create a (file|list) {file} with the items {items}.",
        "Make {file} with the lines {items}.",
        "Please put {items} into a new file {file}.",
        "Could you create {file} with the lines {items}?",
        "I want a list {file} with {items}.",
    ),
)

CREATE_EMPTY = (
    (
        f"{_MAKE} an empty [text] file[ called| named|, name it] {{file}}.",
        f"{_CAN} (create|make|add) an empty file[ called| named] {{file}}?",
        "(Create|Make|Add) {file} (and leave it empty|but leave it empty|as an empty file|without any text|with nothing in it|empty|, empty).",
        f"{_MAKE} {_A_FILE} {{file}}.",
        f"{_CAN} (create|make) (a|the) file[ called| named] {{file}}?",
        "(Create|Make) {file}.",
        "(I need|I want|I would like|Give me) (an empty|a new) file[ called| named] {file}.",
        "touch {file}",
        "(New|Empty) file: {file}",
    ),
    (
        "Please create an empty file named {file}.",
        "Make an empty file {file}.",
        "Could you create the file {file}?",
        "I want an empty file {file}.",
    ),
)

_SCRIPT = "(a Python script|a script|a program|a Python file|a Python program|a small script|a short program|Python code in|code)"
CREATE_SCRIPT = (
    (
        f"{_MAKE} [me] {_SCRIPT}[ called| named|, call it] {{file}} (that prints|printing|which prints|to print|printing out|that prints out|that outputs) {{text}}.",
        f"{_CAN} (write|create|make) {_SCRIPT}[ called| named] {{file}} (that prints|printing|which prints|to print) {{text}}?",
        "(I need|I want) (a script|a Python script|a program)[ called| named] {file} (that prints|which prints|to print) {text}.",
        "(Write|Create|Make) {file}(, it should print|, which prints| so that it prints| printing| to print) {text}.",
    ),
    (
        "Write a Python program {file} that prints {text}.",
        "Could you write a script {file} which prints {text}?",
        "Create a script named {file} printing {text}.",
    ),
)

_IN = "(in|in the file|inside|inside of|within)"
REPLACE = (
    (
        f"In {{file}}(,|) [please] (replace|change|swap|exchange) {{a}} {_WITH} {{b}}.",
        f"In {{file}}(,|) (replace|change) {{a}} {_WITH} {{b}}.",
        f"In (the file|my file) {{file}}(,|) (replace|swap) {{a}} {_WITH} {{b}}.",
        f"(Replace|Change|Exchange|Substitute|Swap) {{a}} {_WITH} {{b}} {_IN} {{file}}.",
        f"(Replace|Change) the (line|word|text|entry|item) {{a}} {_WITH} {{b}} {_IN} {{file}}.",
        f"(Replace|Change|Swap) {{a}} {_IN} {{file}} (by|to|for) {{b}}.",
        f"{_CAN} (replace|change) {{a}} {_WITH} {{b}} {_IN} {{file}}?",
        f"{_CAN} (change|edit|update) {{file}} (so that it says|to say) {{b}} instead of {{a}}?",
        "(Change|Edit|Update|Fix|Correct) [the file] {file}: (replace|change) {a} (with|by|to) {b}.",
        "(Change|Edit|Update|Fix|Correct) [the file] {file}: {a} (should be|becomes|must be|is now) {b}.",
        "(Edit|Open|Update|Change) {file} and (replace|change|swap) {a} (with|to|by|for) {b}.",
        f"{{a}} {_IN} {{file}} (should|must) be {{b}}.",
        "(Write|Put) {b} instead of {a} (in|into) {file}.",
        "(Turn|Make) {a} into {b} in {file}.",
        "(Instead of {a}|Not {a}, but|In place of {a})[,] {file} should (say|have|contain) {b}.",
        "(I want|I need) {b} instead of {a} in {file}.",
        "The file {file}: {a} -> {b}",
        f"Please (replace|change|swap) {{a}} {_WITH} {{b}} {_IN} {{file}}.",
    ),
    (
        "In the file {file}, change {a} to {b}.",
        "Replace {a} in {file} with {b}.",
        "Could you swap {a} for {b} in {file}?",
        "Update {file} so that {a} becomes {b}.",
        "Please change {a} to {b} in the file {file}.",
    ),
    (
        f"[Now] (replace|change|exchange|swap) {{a}} {_WITH} {{b}}[ in it| there| in the file| in that file| in the list].",
        f"[Now] (Replace|Change|Exchange|Swap) {{a}} {_WITH} {{b}}[ in it| there| in the file| in that file| in the list].",
        "{a} should be {b}[ there| in it].",
        "(I meant|I want|Write|It should say|It must say) {b}(, not|instead of| and not) {a}.",
        f"{_CAN} (replace|change) {{a}} {_WITH} {{b}}[ in it| there]?",
        "(Turn|Make) {a} into {b}.",
    ),
    ("Now swap {a} for {b}.", "In it, replace {a} with {b}.", "Please change {a} to {b} there."),
)

_LINE = "(a line|the line|a new line|the item|an item|the entry|another line|one more line|the text|the word|a line with|one line:|)"
APPEND = (
    (
        f"(Add|Append|Put|Write) {_LINE} {{a}} (to|into|in|at the end of|to the end of|at the bottom of|onto) [the file] {{file}}.",
        f"(Add|Append) {_LINE} {{a}} to {{file}}.",
        "(Add|Append) {a} to [the end of|the bottom of] {file}.",
        "(Add|Append) to {file}[ the line| a line| this line]: {a}",
        f"{_CAN} (add|append|put|write) {_LINE} {{a}} (to|into|at the end of) {{file}}?",
        "The file {file} (also needs|should also have|should also contain|still needs|needs|should have|lacks|is missing) {a}.",
        "(Extend|Complete) {file} (with|by) {a}.",
        "[Also] (put|add|write) {a} (into|to|on|in) {file}[ too| as well| also].",
        "[Also] (Put|Add|Write) {a} (into|to|on|in) {file}[ too| as well| also].",
        "(One more line|Another line|A line) for {file}: {a}",
        "(I want|I need) {a} in {file}[ too| as well].",
        "At the end of {file}(,|) (add|write|put) {a}.",
        f"Please (add|append|write) {_LINE} {{a}} to {{file}}.",
    ),
    (
        "Append the line {a} to the file {file}.",
        "Please put {a} at the end of {file}.",
        "Could you add the line {a} to {file}?",
        "Add {a} to {file} as well.",
        "The file {file} should also contain {a}.",
    ),
    (
        f"[Also|Now] (add|append|put|write) {_LINE} {{a}}[ to it| there| at the end| too| as well| to the list| to the file| to that file| below].",
        f"(Add|Append) {_LINE} {{a}}[ to it| there| at the end| too| as well| to the list| to the file| to that file| below].",
        "(Add|Also add|And add|Now add) {a}.",
        "(It also needs|It should also have|It needs|We also need|I also need) {a}.",
        f"{_CAN} [also] add {{a}}[ to it| there| as well]?",
    ),
    ("Add {a} to it as well.", "Now append the line {a}.", "Please also write {a} there."),
)

INSERT = (
    (
        (
            "(Insert|Put|Add|Write) {b} (after|below|under|behind|right after|directly below) {a} in {file}.",
            "(Insert|Put|Add) the line {b} (after|below) [the line] {a} in [the file] {file}.",
            "In {file}(,|) (insert|put|add|write) {b} (after|below|under|behind|right after) {a}.",
            f"{_CAN} (insert|put|add) {{b}} (after|below|under) {{a}} in {{file}}?",
            "{b} (should|must) (come|go|stand) (after|below) {a} in {file}.",
        ),
        ("Please insert {b} after {a} in {file}.", "In the file {file}, put {b} below {a}."),
        ("(Insert|Put|Add|Write) {b} (after|below|under|behind|right after) {a}.",),
        ("Please put {b} below {a}.",),
    ),
    (
        (
            "(Insert|Put|Add|Write) {b} (before|above|over|in front of|right before|directly above) {a} in {file}.",
            "(Insert|Put|Add) the line {b} (before|above) [the line] {a} in [the file] {file}.",
            "In {file}(,|) (insert|put|add|write) {b} (before|above|over|in front of|right before) {a}.",
            f"{_CAN} (insert|put|add) {{b}} (before|above) {{a}} in {{file}}?",
            "{b} (should|must) (come|go|stand) (before|above) {a} in {file}.",
        ),
        ("Please insert {b} before {a} in {file}.", "In the file {file}, put {b} above {a}."),
        ("(Insert|Put|Add|Write) {b} (before|above|over|in front of|right before) {a}.",),
        ("Please put {b} above {a}.",),
    ),
)

_THE = "(the line|the item|the entry|the word|the text|)"
REMOVE = (
    (
        f"(Remove|Delete|Take|Drop|Cross|Strike|Erase|Cut) {_THE} {{a}} (from|out of|off|in) [the file] {{file}}.",
        f"(Remove|Delete) {_THE} {{a}} (from|in) {{file}}.",
        f"In {{file}}(,|) (remove|delete|drop|erase) {_THE} {{a}}.",
        f"From {{file}}(,|) (remove|delete|take away) {_THE} {{a}}.",
        f"{_CAN} (remove|delete|take) {_THE} {{a}} (from|out of|off) {{file}}?",
        "{a} (can go|is done, remove it|should go|must go|does not belong) (from|in) {file}.",
        "The file {file} (does not need|no longer needs|should not have|should not contain) {a}[ any more| anymore].",
        "(Edit|Change|Update) {file} and (remove|delete) {a}.",
        f"Please (remove|delete|drop) {_THE} {{a}} (from|in) {{file}}.",
    ),
    (
        "Remove the line {a} from the file {file}.",
        "Could you delete {a} from {file}?",
        "In the file {file}, delete the line {a}.",
        "Please take {a} out of {file}.",
    ),
    (
        f"[Now] (remove|delete|drop|erase) {_THE} {{a}}[ from it| there| again| from the list| in it].",
        f"(Remove|Delete|Drop|Erase) {_THE} {{a}}[ from it| there| again| from the list| in it].",
        "{a} (can go|should go|is not needed)[ again].",
        "(Take|Cross) {a} (out|off)[ again].",
    ),
    ("Now take {a} out again.", "Please delete the line {a} there."),
)

DELETE = (
    (
        "(Delete|Remove|Erase|Destroy|Throw away|Get rid of|Drop) [the|my] [file] {file}[ please| for me| now| again| completely].",
        "(Delete|Remove|Erase) the file {file}[ please| for me| now| again].",
        "(Delete|Remove) {file}.",
        f"{_CAN} (delete|remove|erase) [the file] {{file}}[ again]?",
        "(I don't|I do not|I no longer|We no longer) need [the file] {file}[ any more| anymore].",
        "[The file] {file} (can go|is not needed any more|is no longer needed|should be deleted|can be deleted|must go).",
        "rm {file}",
        "(I want|I'd like) {file} (deleted|gone|removed).",
    ),
    (
        "Please delete the file {file}.",
        "Could you remove the file {file}?",
        "Get rid of the file {file}.",
        "The file {file} can be deleted.",
    ),
    (
        "[Now|Please] (delete|remove|erase) (it|the file|that file|this file)[ again| now| please].",
        "(Delete|Remove|Erase) (it|the file|that file|this file)[ again| now| please].",
        "(I don't|I no longer) need (it|that file|the file)[ any more].",
    ),
    ("Please delete that file again.", "Now erase the file."),
)

RENAME = (
    (
        "(Rename|Move) [the|my] [file] {file} (to|into|as) {new}.",
        "(Rename|Move) {file} to {new}.",
        "(Call|Name) [the file] {file} {new}[ instead| from now on| now].",
        "(Change|Alter) the name of [the file] {file} to {new}.",
        "[The file] {file} (should|must|shall) (be called|be named|have the name|be renamed to|become) {new}.",
        f"{_CAN} (rename|move) [the file] {{file}} to {{new}}?",
        "Give [the file] {file} the [new] name {new}.",
        "mv {file} {new}",
        "(I want|I'd like) {file} (to be called|renamed to|to be named) {new}.",
    ),
    (
        "Please rename the file {file} to {new}.",
        "Could you change the name of {file} to {new}?",
        "The file {file} should be named {new}.",
    ),
    (
        "[Now|Please] (rename|move) (it|the file|that file) to {new}.",
        "(Rename|Move) (it|the file|that file) to {new}.",
        "(Call|Name) it {new}[ instead].",
        "It should be (called|named) {new}.",
    ),
    ("Please rename that file to {new}.", "Now call it {new}."),
)

SHOW = (
    (
        "(Show|Print|Read|Display|Give) [me] [the file|the contents of|the content of|the text of] {file}[ please| again| to me].",
        "(Show|Print|Display) [me] {file}.",
        "(What is|What's|What stands|What was) in [the file] {file}[ now| at the moment]?",
        "What does [the file] {file} (say|contain|look like|hold|have in it)[ now| at the moment]?",
        "(What|Which) (lines|text|words) (are|is|stand) in [the file] {file}[ now]?",
        "How does [the file] {file} (look|read)[ now]?",
        f"{_CAN} (show|read|print) [me] [the file] {{file}}[ to me]?",
        "(What are|Tell me|Let me see|Say) the (contents|lines|text) of [the file] {file}.",
        "(Let me see|Look into|Look at|I want to see) [the file] {file}.",
        "cat {file}",
        "(Tell me|Say) what (is|stands) in {file}[ now].",
    ),
    (
        "What is in the file {file}?",
        "Please show me the file {file}.",
        "Could you read {file}?",
        "Tell me what {file} says.",
        "Which lines are in {file}?",
    ),
    (
        "(Show|Print|Read|Display) [me] (it|the file|that file|the list)[ again| please| now].",
        "(What is|What's) in (it|the file|that file)[ now]?",
        "What does (it|the file|that file) (say|contain|look like)[ now]?",
        "How does (it|the file) look[ now]?",
        "(Let me see|Show me) (it|the file|the result)[ now].",
    ),
    ("Please show me that file.", "What does it contain now?", "Now print it."),
)
