"""Notebook 4 made quick for the tests: few sentences, three languages, and a text that would be markup."""

from notebook_samples import HOSTILE

NAME = "04_who_looks_at_whom"
VALUES: dict[str, object] = {
    "typed": [f"The black cat sleeps. {HOSTILE}", "القطة السوداء تنام."],
    "languages": ["en", "ar", "th"],
    "shown": ["ar", "th"],
    "sentences": 4,
}
VIEWS = 1 + 2 + 2  # the first, one for each language shown, one for each objective
