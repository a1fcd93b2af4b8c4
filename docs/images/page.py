"""Takes the pictures of the page: `python docs/images/page.py` writes them beside this file.

A session is made by the engine with its real tools: Python draws a plot, a file is patched, notes are searched and
cited. The embedded model answers all but the question for a plot, which nobody taught it: that answer is written here.
The page is then exported and photographed in a headless Chromium.
"""

import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

from gptoss.backends.demo.materialise import materialise
from gptoss.backends.opening import open_generator
from gptoss.backends.scripted import ScriptedGenerator
from gptoss.engine.conversation import Conversation
from gptoss.engine.harmony import Harmony
from gptoss.engine.ports import TokenChunk, TokenGenerator, Tool
from gptoss.engine.settings import Sampling, Settings
from gptoss.storage.memory import MemoryLog
from gptoss.tools.apply_patch.tool import ApplyPatchTool
from gptoss.tools.browser.sources import provider_for
from gptoss.tools.browser.tool import BrowserTool
from gptoss.tools.catalogue import SPECS
from gptoss.tools.python.tool import PythonTool
from gptoss.transcripts.page import page
from gptoss.transcripts.page.feed import Feed
from tests.engine.harmony_text import tokens
from tests.transcripts.chromium import Browser, Tab

HERE = Path(__file__).parent
NAME = "dragon boats"

PLOT = """import matplotlib.pyplot as plt
years = [2019, 2020, 2021, 2022, 2023, 2024]
crews = [31, 12, 18, 27, 36, 41]
plt.figure(figsize=(6, 2.4))
plt.plot(years, crews, marker="o")
plt.fill_between(years, crews, alpha=0.15)
plt.title("Crews at the regatta")
plt.grid(alpha=0.3)
plt.show()
print(f"from {min(crews)} to {max(crews)} crews")"""
CALL = (
    "<|channel|>analysis<|message|>The user wants to see how the regatta grew. I draw the numbers as a line, and look "
    "at the lowest and the highest year.<|end|>"
    f"<|start|>assistant to=python<|channel|>analysis<|message|>{PLOT}<|call|>"
)
ANSWER = (
    "<|channel|>final<|message|>The regatta **more than tripled** after its low in 2020:\n\n"
    "| year | crews | change |\n|---|---|---|\n| 2019 | 31 | |\n| 2020 | 12 | −61 % |\n| 2024 | 41 | +14 % |\n\n"
    "The growth slows down: 9, then 9, then 5 more crews a year.<|return|>"
)
NOTES = {
    "dragon-boats.md": "# Dragon boats\n\nA dragon boat is a long narrow boat.\n\n"
    "The boat is 12 metres long. It is paddled by 20 people.\n",
    "tea.md": "# Tea\n\nGreen tea is brewed at 80 degrees.\n",
}
QUESTIONS = (
    "How has our regatta grown? 31, 12, 18, 27, 36 and 41 crews since 2019.",
    "Create notes.txt with the lines milk and eggs.",
    "In notes.txt replace milk with bread.",
    "Search for dragon boats.",
)


class Paced(ScriptedGenerator):
    """Plays its replies at the pace of a model."""

    def generate(
        self, prompt: Sequence[int], sampling: Sampling, stop_ids: frozenset[int], cancelled: Callable[[], bool]
    ) -> Iterator[TokenChunk]:
        for chunk in super().generate(prompt, sampling, stop_ids, cancelled):
            time.sleep(0.25 if not chunk.ids else 0.012)
            yield chunk


def session(folder: Path, harmony: Harmony) -> MemoryLog:
    log = MemoryLog()
    for name in ("workspace", "notes"):
        (folder / name).mkdir()
    for name, text in NOTES.items():
        (folder / "notes" / name).write_text(text)
    branch = log.start(NAME, Settings(start_date="2026-01-02", tools=tuple(SPECS.values()))).branch
    with ExitStack() as opened:
        blobs = {"put_blob": log.put_blob, "get_blob": log.get_blob}
        python = PythonTool(folder / "files", **blobs)
        opened.callback(python.close)
        tools: dict[str, Tool] = {
            "apply_patch": ApplyPatchTool(folder / "workspace", put_blob=log.put_blob),
            "browser": BrowserTool(provider_for(str(folder / "notes")), encode=harmony.encode, **blobs),
            "python": python,
        }
        embedded = open_generator("torch", materialise(folder / "cache"))
        opened.callback(embedded.close)
        written = Paced([tokens(harmony, reply) for reply in (CALL, ANSWER)])
        for number, question in enumerate(QUESTIONS):
            generator: TokenGenerator = embedded if number else written
            conversation = Conversation(
                log,
                branch,
                harmony=harmony,
                generator=generator,
                sampling=Sampling(temperature=0.0),
                seed=lambda: 7,
                tools=tools,
            )
            list(conversation.say(question))
            conversation.close()
            time.sleep(1)
    return log


def photograph(tab: Tab, name: str) -> None:
    tab.value("new Promise((done) => setTimeout(done, 400))")
    tab.value("[...nearing.keys()].forEach(fillNow)")
    tab.value("new Promise((done) => setTimeout(done, 400))")
    tab.picture(HERE / name)


def main() -> None:
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        harmony = Harmony.load(folder / "cache")
        log = session(folder, harmony)
        file = folder / "page.html"
        file.write_text("".join(page(NAME, Feed(log, log.session(NAME), harmony).more())), encoding="utf-8")
        browser = Browser(folder / "profile")
        try:
            take(browser, file.as_uri())
        finally:
            browser.close()


def take(browser: Browser, address: str) -> None:
    def opened(width: int, height: int, theme: str) -> Tab:
        tab = browser.open(address, ready="'ready' in document.documentElement.dataset", width=width, height=height)
        tab.value(f"document.documentElement.dataset.theme = '{theme}'")
        tab.value("scrollTo(0, 0)")
        return tab

    photograph(opened(1180, 1060, "light"), "page.png")
    tab = opened(1180, 1560, "dark")
    tab.value("[...nearing.keys()].forEach(fillNow)")
    tab.value("document.getElementById(`m${page.conversation.turns[2].seq}`).scrollIntoView()")
    photograph(tab, "tools.png")
    tab = opened(1180, 900, "light")
    tab.click("#tab-xray")
    tab.value("page.xrays.show(page.conversation.generations[1])")
    photograph(tab, "xray.png")
    tab = opened(1180, 860, "light")
    tab.click("#tab-charts")
    photograph(tab, "charts.png")
    tab = opened(400, 860, "dark")
    tab.value("page.player.seek(page.player.total * 0.55)")
    tab.value("page.follow(page.player.newest)")
    photograph(tab, "phone.png")


if __name__ == "__main__":
    main()
