"""The parts of the tokenizer, from the cutting of a piece to rows of equal length."""
