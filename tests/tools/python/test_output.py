import base64

from hypothesis import given
from hypothesis import strategies as st

from gptoss.tools.python import texts
from gptoss.tools.python.output import MOST, MOST_IMAGES, SHOWN, Output, shorten

PNG = {"image/png": base64.b64encode(b"picture").decode(), "text/plain": "<Figure>"}


def shown(*messages: tuple[str, dict[str, object]]) -> str:
    output = Output()
    for kind, content in messages:
        output.add(kind, content)
    return output.text()


def stream(text: str, name: str = "stdout") -> tuple[str, dict[str, object]]:
    return "stream", {"name": name, "text": text}


def test_everything_comes_in_order() -> None:
    result = ("execute_result", {"data": {"text/plain": "3"}})
    error = ("error", {"ename": "E", "evalue": "v", "traceback": ["one", "two"]})
    assert (
        shown(stream("a"), stream("b\n", "stderr"), stream("c"), result, stream("d\n"), error)
        == "ab\nc\n3\nd\none\ntwo"
    )


def test_there_are_no_colour_codes() -> None:
    assert shown(stream("\x1b[31mred\x1b[0m \x1b]0;title\x07\x1b[1;4Hplain")) == "red plain"


def test_a_line_that_was_written_over_shows_its_end() -> None:
    assert shown(stream(" 0%\r 50%\r"), stream("100%\r\nnext\r\n")) == "100%\nnext"
    assert shown(stream("x" * 100_000)) == "x" * 100_000


def test_what_was_cleared_is_gone() -> None:
    assert shown(stream("a"), ("clear_output", {"wait": False}), stream("b")) == "b"


def test_pictures_are_kept_and_named() -> None:
    output = Output(images_before=2)
    for _ in range(2):
        output.add("display_data", {"data": PNG})
    output.add("display_data", {"data": {"image/png": "not base64!"}})
    assert output.text() == f"{texts.image('plot-3.png')}\n{texts.image('plot-4.png')}\n{texts.IMAGE_LEFT_OUT}"
    assert [image.data for image in output.images] == [b"picture"] * 2
    for _ in range(MOST_IMAGES):
        output.add("display_data", {"data": PNG})
    assert len(output.images) == MOST_IMAGES


def test_of_interrupted_code_only_cells_are_shown() -> None:
    traceback = ["-----", "KeyboardInterrupt", "Cell In[1], line 1\n...", "File lib.py:1\n...", "KeyboardInterrupt: "]
    assert shown(("error", {"ename": "KeyboardInterrupt", "traceback": traceback})).count("\n") == 4


def test_other_forms_of_data_are_shown_as_text() -> None:
    assert shown(("display_data", {"data": {"text/html": "<b>x</b>"}})) == "<b>x</b>"
    assert shown(("display_data", {"data": {"application/json": {"a": 1}}})) == "{'a': 1}"
    assert shown(("display_data", {"data": {}})) == ""


def test_half_a_character_does_not_get_out() -> None:
    assert shown(stream("\ud83d")) == "?"


def test_too_much_is_not_kept() -> None:
    output = Output()
    output.add(*stream("x" * (MOST + 100)))
    assert output.too_large
    output.add(*stream("y"))
    assert output.text() == "x" * MOST


@given(st.text())
def test_a_long_text_keeps_its_beginning_and_its_end(middle: str) -> None:
    text = "a" * SHOWN + middle + "b" * SHOWN
    short = shorten(text)
    assert short == (f"{'a' * SHOWN}{texts.cut(len(middle))}{'b' * SHOWN}" if middle else text)
