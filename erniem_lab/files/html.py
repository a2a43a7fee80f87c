"""What an HTML file of ours may run, and data inside it that no parser takes for markup."""

import base64
import hashlib
import json
from collections.abc import Sequence


def policy(scripts: Sequence[str], *, modules: bool = False) -> str:
    """The content security policy under which these scripts run, and nothing else runs or loads.

    Args:
        modules: whether these scripts may make further ones, as those that import a widget's program do.

    >>> policy(["1"]).count("sha256-"), policy([]).endswith("script-src 'none'")
    (1, True)
    """
    digests = (hashlib.sha256(script.encode()).digest() for script in scripts)
    allowed = [f"'sha256-{base64.b64encode(digest).decode()}'" for digest in digests] + (["blob:"] if modules else [])
    return (
        "default-src 'none'; img-src data: blob:; style-src 'unsafe-inline'; font-src data:; base-uri 'none'; "
        f"form-action 'none'; script-src {' '.join(allowed) or chr(39) + 'none' + chr(39)}"
    )


def json_in_html(value: object) -> str:
    """JSON that no HTML parser mistakes for markup, whatever its strings hold.

    >>> json_in_html("</script>")
    '"\\\\u003c/script\\\\u003e"'
    """
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text
