"""Which URLs may be fetched at all.

A URL comes from the model, and the model may have it from a page that wants to reach into the user's own network. So
only http and https are fetched, and only from public addresses.
"""

import ipaddress
import re
import socket
import unicodedata
from urllib.parse import urljoin, urlsplit

from gptoss.tools.browser.provider import BrowserError

Address = ipaddress.IPv4Address | ipaddress.IPv6Address

_LOCAL_NAMES = ("localhost", "local", "internal", "intranet", "lan", "home.arpa", "localdomain")
# IPv6 networks that carry an IPv4 address: NAT64 in its last 32 bits (RFC 6052).
_NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
_LONGEST = 2000


def is_public(address: Address) -> bool:
    """Whether an address is reachable for everybody, no matter from where. What carries an IPv4 address is as it is."""
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if address in _NAT64:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(inner)
        if address.teredo is not None or address.scope_id is not None:
            return False
    return address.is_global and not address.is_multicast and not address.is_reserved


def public_url(url: str) -> str:
    """The URL, with https in front if it names no scheme; BrowserError unless it may be public.

    A name may still lead to a private address: whoever connects must check with `is_public` what it connects to.
    """
    url = url if "://" in url else f"https://{url}"
    # Two parsers must not see two hosts in one URL.
    if len(url) > _LONGEST or re.search(r"[\s\\]", url) or not url.isprintable():
        raise BrowserError("this is not a valid URL")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError as error:
        raise BrowserError("this is not a valid URL") from error
    if parts.scheme not in ("http", "https"):
        raise BrowserError("only http and https can be opened")
    if not host or port == 0 or parts.username is not None or parts.password is not None:
        raise BrowserError("this is not a valid URL")
    # Digits and dots of other scripts are read as ordinary ones by whoever resolves the name.
    host = unicodedata.normalize("NFKC", host).rstrip(".")
    literal = literal_address(host)
    if literal is not None and not is_public(literal):
        raise BrowserError("only public addresses can be opened")
    if literal is None and ("." not in host or host.endswith(tuple(f".{name}" for name in _LOCAL_NAMES))):
        raise BrowserError("only public addresses can be opened")
    return url


def literal_address(host: str) -> Address | None:
    """The address that a host spells, in any of the forms that resolvers take (such as 127.1 or 0x7f000001)."""
    try:
        return ipaddress.ip_address(host)
    except ValueError:
        pass
    try:
        return ipaddress.IPv4Address(socket.inet_aton(host)) if re.fullmatch(r"[0-9a-fA-FxX.]+", host) else None
    except OSError:
        return None


def join(base: str, href: str) -> str | None:
    """The URL that a link on the page `base` leads to; None if it is none that a browser opens."""
    href = re.sub(r"[\t\n\r]", "", href.strip()).replace(" ", "%20")
    scheme, _, rest = base.partition("://")
    try:
        named = urlsplit(href).scheme
        if named or href.startswith("//"):
            url = href if named else f"https:{href}"
        else:
            # `urljoin` knows how to join for http, whatever the scheme of the page.
            url = scheme + urljoin(f"http://{rest}", href).removeprefix("http")
        parts = urlsplit(url)
    except ValueError:
        return None
    if parts.scheme not in ("http", "https", scheme) or not parts.netloc or len(url) > _LONGEST:
        return None
    return url if url.isprintable() else None


def domain(url: str) -> str:
    """The host of a URL as a link shows it; empty if it has none."""
    try:
        host = urlsplit(url).netloc
    except ValueError:
        return ""
    return host.translate({ord("【"): "〖", ord("】"): "〗", ord("†"): "‡"})
