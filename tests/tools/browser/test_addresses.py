"""Which URLs may be fetched at all."""

from ipaddress import IPv4Address, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gptoss.tools.browser.addresses import is_public, join, literal_address, public_url
from gptoss.tools.browser.provider import BrowserError

PRIVATE = [
    *("127.0.0.1", "127.255.0.1", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "169.254.169.254"),
    *("0.0.0.0", "100.64.0.1", "192.0.2.1", "198.18.0.1", "224.0.0.1", "239.1.1.1", "240.0.0.1", "255.255.255.255"),
    *("::", "::1", "fe80::1", "fe80::1%eth0", "fc00::1", "fd12:3456::1", "ff02::1", "2001:db8::1"),
    *("::ffff:127.0.0.1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "64:ff9b::a00:1", "2002:7f00:1::", "2001:0:1::1"),
]
PUBLIC = ["93.184.216.34", "8.8.8.8", "172.32.0.1", "2606:2800:220:1:248:1893:25c8:1946", "64:ff9b::808:808"]


@pytest.mark.parametrize("address", PRIVATE)
def test_a_private_address_is_refused_in_any_form(address: str) -> None:
    assert not is_public(ip_address(address))
    host = f"[{address}]" if ":" in address else address
    for url in (f"http://{host}/", f"https://{host}:8080/x", host):
        with pytest.raises(BrowserError, match=r"only public addresses|not a valid URL"):
            public_url(url)


@pytest.mark.parametrize("address", PUBLIC)
def test_a_public_address_is_not(address: str) -> None:
    assert is_public(ip_address(address))
    url = f"http://[{address}]/" if ":" in address else f"http://{address}/"
    assert public_url(url) == url


@pytest.mark.parametrize(
    "host",
    [
        *("127.1", "2130706433", "0x7f000001", "0x7F.1", "0177.0.0.1", "017700000001", "127.0.0.1.", "10.1", "0"),
        *(
            "１２７.０.０.１",
            "127。0。0。1",
            "①②⑦.⓪.⓪.①",
            "localhost",
            "LOCALHOST",
            "localhost.",
            "a.localhost",
            "printer.local",
        ),
        *("db.internal", "router.lan", "nas.home.arpa", "intranet", "metadata"),
    ],
)
def test_other_spellings_and_local_names_are_refused(host: str) -> None:
    with pytest.raises(BrowserError, match="only public addresses"):
        public_url(f"http://{host}/")


@pytest.mark.parametrize(
    "url",
    [
        *(
            "http://user@a.example/",
            "http://user:pw@a.example/",
            "http://a.example\\@127.0.0.1/",
            "http://a.example:0/",
        ),
        *(
            "http://a.example:x/",
            "http://a b.example/",
            "http://a.example/\n",
            "http://a.example/\ud800",
            "http://",
            "",
            "http:///x",
            "http://[/",
        ),
        *("https://a.example/" + "x" * 2000, "ftp://a.example/", "file://a.example/x", "gopher://a.example/"),
    ],
)
def test_what_is_no_web_address_is_refused(url: str) -> None:
    with pytest.raises(BrowserError, match=r"not a valid URL|only http and https|only public"):
        public_url(url)


def test_a_scheme_is_added() -> None:
    assert public_url("a.example/x") == "https://a.example/x"
    assert public_url("HTTP://a.example:8080") == "HTTP://a.example:8080"


@given(st.integers(0, 2**32 - 1), st.sampled_from("dhof"))
def test_numbers_are_read_as_the_system_reads_them(number: int, form: str) -> None:
    address = IPv4Address(number)
    a, b, c, d = address.packed
    spelled = {
        "d": str(number),
        "h": f"0x{a:x}.{b}.0{c:o}.0x{d:X}",
        "o": f"0{number:o}",
        "f": f"{a}.{number & 0xFFFFFF}",
    }[form]
    assert literal_address(spelled) == address


@given(st.text(max_size=40), st.text(max_size=40))
def test_joining_never_raises_and_never_leaves_the_web(base: str, href: str) -> None:
    for page in (f"https://a.example/{base}", f"local://notes/{base}"):
        joined = join(page, href)
        assert joined is None or joined.startswith(("http://", "https://", page[:8]))
