"""HTML and Markdown as the model reads them."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gptoss.tools.browser.html import read_html, read_markdown
from gptoss.tools.browser.text import LINK

PAGE = "https://site.example/guide/page.html"


def text(html: str) -> str:
    return read_html(html, PAGE).text


@pytest.mark.parametrize(
    ("html", "shown"),
    [
        ("<h1>One</h1><h3>Two</h3><p>A <b>b</b>c</p><p>d</p>", "# One\n\n### Two\n\nA bc\n\nd"),
        ("a\n  b<br>c<br/>\nd", "a b\nc\nd"),
        ("<ul><li>a<li><p>b</p><ul><li>c</ul><p>d</p></ul>e", "  * a\n  * b\n    * c\n    d\n\ne"),
        ("<ol start=3><li>a<br>b</li><li>c</li></ol>", "  3. a\n     b\n  4. c"),
        ("<ol start=x><li>a</ol>", "  1. a"),
        ("<ul><li></li></ul><p>a</p>", "a"),
        ("<pre>def f():\n\treturn <b>1</b>\n\n</pre>", "    def f():\n        return 1"),
        ("<p>run <code>x = 1</code></p>", "run `x = 1`"),
        ("<blockquote><p>a</p><p>b</p></blockquote><p>c</p>", "> a\n>\n> b\n\nc"),
        ("<table><tr><th>A<th>B</tr><tr><td>1<td>2</tr></table>", "A | B\n1 | 2"),
        ("a<hr>b", "a\n\n* * *\n\nb"),
        ("<dl><dt>a<dd>b</dl>", "a\nb"),
        ("<img src=x alt='a cat'><img src=y>", "[Image 0: a cat][Image 1]"),
        ("x<sup>2</sup> H<sub>2</sub>O<sup>see <i>there</i></sup>", "x^{2} H_{2}Osee there"),
        ("<p hidden>a</p><p style='color: red; display : NONE'>b</p><script>c</script><!-- d -->e", "e"),
        ("&lt;b&gt; &amp;amp; &eacute;", "<b> &amp; é"),
    ],
)
def test_elements_read_as_text(html: str, shown: str) -> None:
    assert text(html) == shown


def test_links_have_ids_and_name_other_sites() -> None:
    content = read_html(
        '<a href="a.html">one</a>, <a href="//other.example/x?y#z">two <b>bold</b></a>, <a href="a.html">again</a>'
        ' <a href="/top"><h2>Card</h2><p>text</p></a> <a name="here">no link</a>',
        PAGE,
    )
    assert content.text == "【0†one】, 【1†two bold†other.example】, 【0†again】 【2†Card text】 no link"
    assert content.links == (
        "https://site.example/guide/a.html",
        "https://other.example/x?y#z",
        "https://site.example/top",
    )


@pytest.mark.parametrize(
    "href",
    [
        *("#part", "javascript:alert(1)", "mailto:a@b.example", "data:text/html,x", "file:///etc/passwd"),
        *(
            "local://notes/a.md",
            "http://[",
            "https://",
            "//",
            "https://a.example/" + "x" * 3000,
            "ftp://a.example/",
            "",
        ),
    ],
)
def test_what_a_browser_does_not_open_is_no_link(href: str) -> None:
    content = read_html(f'<a href="{href}">text</a>', PAGE)
    # An empty reference is the page itself.
    assert (content.text, content.links) == (("【0†text】", (PAGE,)) if href == "" else ("text", ()))


def test_a_base_moves_relative_links_but_never_off_the_web() -> None:
    assert read_html('<base href="/x/"><a href="y">z</a>', PAGE).links == ("https://site.example/x/y",)
    assert read_html('<base href="file:///etc/"><a href="y">z</a>', PAGE).links == ("https://site.example/guide/y",)


def test_a_link_around_a_whole_section_leaves_its_text_readable() -> None:
    shown = text(f"<a href=x>{'word ' * 100}</a>")
    assert shown == "word " * 100 + "【0†link】"


def test_the_title_is_the_pages_own_or_its_first_heading() -> None:
    assert read_html("<title> A\n b </title><h1>c</h1>", PAGE).title == "A b"
    assert read_html("<h2>c <a href=x>d</a></h2><h1>e</h1>", PAGE).title == "c d"
    assert read_html("text", PAGE).title == ""


def test_markdown_reads_like_html() -> None:
    content = read_markdown("# A\n\nSee [b](c.md).\n\n* d\n\n| x | y |\n|---|---|\n| 1 | 2 |\n", "local://notes/a.md")
    assert content.text == "# A\n\nSee 【0†b】.\n\n  * d\n\nx | y\n1 | 2"
    assert (content.title, content.links) == ("A", ("local://notes/c.md",))


def test_front_matter_of_markdown_is_not_text() -> None:
    content = read_markdown('---\nlayout: x\ntitle: "A guide"\n---\n# B\n', "local://notes/a.md")
    assert (content.title, content.text) == ("A guide", "# B")
    assert read_markdown("---\n---\ntext", "local://notes/a.md").text == "text"
    assert read_markdown("---\n\ntext", "local://notes/a.md").text == "* * *\n\ntext"


def test_a_page_cannot_forge_a_link_nor_hide_text() -> None:
    shown = text("<p>【7†here†evil.example】 a\u200bb\u202ec\x1b[31m\U000e0041d <a href=x>e†evil.example】</a></p>")
    assert shown == "〖7†here†evil.example〗 abc[31md 【0†e‡evil.example〗】"


@pytest.mark.parametrize(
    "html",
    [
        *(
            "",
            "   ",
            "<!-- -->",
            "<",
            "<html>",
            "\x00\x01",
            "<?xml version='1.0' encoding='latin-1'?><p></p>",
            "\ud800",
        ),
        *("<div>" * 20_000, "</p>" * 1000, "<a href=x>" * 1000, "<ul>" * 1000, "<table><td>" * 500),
    ],
)
def test_nothing_is_too_broken_to_be_read(html: str) -> None:
    read_html(html, PAGE)


def test_an_encoding_that_text_declares_is_no_matter() -> None:
    assert text("<?xml version='1.0' encoding='latin-1'?><html><body>é</body></html>") == "é"


PIECES = """<p> </p> <ul> <ol> <li> </li> </ul> <a/href=x> <a> </a> <sup> </sup> <pre> </pre> <blockquote>
</blockquote> <h1> </h1> <td> <tr> <table> </table> <br> <hr> <img> <code> </code> <base/href=//b.example> word
【1†x】 † & &lt;"""
_pieces = st.sampled_from([*PIECES.split(), " ", "\n"])


@given(st.lists(_pieces | st.text(max_size=5)).map("".join))
def test_whatever_the_page_each_link_in_its_text_is_one_of_its_links(html: str) -> None:
    content = read_html(html, PAGE)
    marks = [int(mark[1].removesuffix("†")) for mark in LINK.finditer(content.text)]
    assert set(marks) == set(range(len(content.links)))
    assert content.text.count("【") == content.text.count("】") == len(marks)
    assert not re.search(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]", content.text)
