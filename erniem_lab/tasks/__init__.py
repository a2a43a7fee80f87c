"""One wing for each kind of answer: examples in, a trained head, its predictions and their scores out."""
