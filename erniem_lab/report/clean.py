"""HTML from notebooks with everything taken out that could run, load or leave the page."""

import re
from functools import cache
from typing import Any

TAG_NAMES = (
    "a abbr b bdi bdo blockquote br caption code col colgroup dd del details div dl dt em figcaption figure h1 h2 h3 h4"
    " h5 h6 hr i img ins kbd li mark ol p pre q rp rt ruby s samp small span strong sub summary sup table tbody td"
    " tfoot th thead tr u ul var wbr"
)
ANYWHERE = frozenset({"class", "dir", "lang", "style", "title", "role"})
BY_TAG = {
    "col": {"span"},
    "details": {"open"},
    "img": {"alt", "height", "width"},
    "ol": {"start"},
    "td": {"colspan", "rowspan"},
    "th": {"colspan", "rowspan", "scope"},
}
STYLE_NAMES = (
    "background background-color border border-bottom border-collapse border-left border-radius border-right"
    " border-top color column-gap direction display flex flex-wrap font-family font-size font-style font-variant"
    " font-weight gap grid-template-columns height letter-spacing line-height margin margin-bottom margin-left"
    " margin-right margin-top max-width min-width opacity overflow overflow-x padding padding-bottom padding-left"
    " padding-right padding-top text-align text-decoration unicode-bidi vertical-align white-space width"
)
WITH_CONTENT = re.compile(r"<(script|style|template|noscript)\b.*?</\1\s*>", re.IGNORECASE | re.DOTALL)
PICTURE = re.compile(r"data:image/(png|jpeg|gif|webp|svg\+xml)[;,]", re.IGNORECASE)
LINK = re.compile(r"(https?://|mailto:|#)", re.IGNORECASE)


def clean_html(markup: str) -> str:
    """The markup without scripts, frames, forms, event handlers, style sheets, or pictures from elsewhere.

    >>> clean_html('<b onclick="x()">bold</b><script>alert(1)</script><img src="http://a/b.png">')
    '<b>bold</b><img>'
    """
    return _cleaner().clean(WITH_CONTENT.sub("", markup))


@cache
def _cleaner() -> Any:
    from bleach.css_sanitizer import CSSSanitizer  # type: ignore[import-untyped]
    from bleach.sanitizer import Cleaner  # type: ignore[import-untyped]

    return Cleaner(
        tags=set(TAG_NAMES.split()),
        attributes=_keeps,
        protocols={"http", "https", "mailto", "data"},
        strip=True,
        css_sanitizer=CSSSanitizer(allowed_css_properties=STYLE_NAMES.split()),
    )


def _keeps(tag: str, name: str, value: str) -> bool:
    if tag == "img" and name == "src":
        return PICTURE.match(value) is not None
    if tag == "a" and name == "href":
        return LINK.match(value) is not None
    if name == "style":
        return "url(" not in value.lower()
    return name in ANYWHERE or name in BY_TAG.get(tag, ())
