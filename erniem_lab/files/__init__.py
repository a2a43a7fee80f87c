"""Files on disk: read so that nothing in them is trusted, written so that nothing is left half done."""
