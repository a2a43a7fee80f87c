"""Readers of the field's file formats, and the bundled small world; no torch here. README.md has a table of them."""

from erniem_lab.corpora.check import gather
from erniem_lab.corpora.loading import load

__all__ = ["gather", "load"]
