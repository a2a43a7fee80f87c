"""Readers of the field's file formats, and the bundled small world; no torch here."""
