"""One HTML file that needs nothing but a browser: what is written in it runs, and nothing else runs or loads."""

from collections.abc import Sequence
from html import escape
from pathlib import Path
from string import Template

from erniem_lab.errors import FileFaultError
from erniem_lab.files.atomic import write_atomically
from erniem_lab.files.html import policy

PAGE = Template("""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="$policy">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="referrer" content="no-referrer">
<link rel="icon" href="data:,">
<title>$title</title>
<style>$style</style>
</head>
<body>
$body
$scripts
</body>
</html>
""")


def page(title: str, body: str, *, style: str, scripts: Sequence[str], kind: str = "text/javascript") -> str:
    """A whole document; only the title is escaped, and only these scripts may run.

    >>> page("<b>", "", style="", scripts=["1"]).count("sha256-"), "<b>" in page("<b>", "", style="", scripts=[])
    (1, False)
    """
    tags = "\n".join(f'<script type="{kind}">{script}</script>' for script in scripts)
    return PAGE.substitute(policy=policy(scripts), title=escape(title), style=style, body=body, scripts=tags)


def save_page(path: str | Path, document: str) -> Path:
    """Write a document whole or not at all.

    Raises:
        FileFaultError: the name does not end in .html, or nothing can be written there.
    """
    place = Path(path)
    if place.suffix.lower() not in (".html", ".htm"):
        raise FileFaultError(f"{place}: give a name that ends in .html")
    try:
        write_atomically(place, lambda file: file.write(document.encode("utf-8", "replace")))
    except OSError as fault:
        raise FileFaultError(f"{place}: cannot be written ({fault.strerror}); give another place") from fault
    return place
