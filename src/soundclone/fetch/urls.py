"""Checks of the text of a `fileUrl`, before it is fetched."""

from urllib.parse import urlsplit

from ..errors import InvalidParameter

LONGEST = 2048


def check_source_url(url: str, field: str = "fileUrl") -> str:
    """Return `url` if it may name a recording on the web.

    Only the text is checked. `fetch.download` checks the host's addresses.

    Args:
        url: Value of the field.
        field: Name of the field in the request, for messages.

    Raises:
        InvalidParameter: The text is not an acceptable URL.
    """
    if not url.strip():
        raise InvalidParameter(
            f"{field} is empty; the public http(s) URL of a recording is needed", param=field
        )
    if len(url) > LONGEST:
        raise InvalidParameter(
            f"{field} has {len(url)} characters; at most {LONGEST} are taken", param=field
        )
    foreign = next((c for c in url if not "!" <= c <= "~"), None)
    if foreign is not None:
        what = "Chinese characters" if "㐀" <= foreign <= "鿿" else "characters beyond ASCII"
        if foreign in " \t\r\n":
            what = "white space"
        raise InvalidParameter(
            f"{field} has {what} ({foreign!r}); percent-encode them", param=field
        )
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname, parts.port
    except ValueError as error:
        raise InvalidParameter(f"{field} is not a URL: {error}", param=field) from error
    if parts.scheme.lower() not in ("http", "https"):
        raise InvalidParameter(
            f"{field} begins with {(parts.scheme or url)[:20]!r}; an http:// or https:// URL is "
            "needed: a file of your own goes through /files/upload first",
            param=field,
        )
    if not host:
        raise InvalidParameter(
            f"{field} names no host; it is like https://example.com/voice.mp3", param=field
        )
    if parts.username is not None or parts.password is not None:
        raise InvalidParameter(
            f"{field} holds a user name or password; a public URL is needed", param=field
        )
    return url
