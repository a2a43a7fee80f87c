"""Who is measured: this project's ways, its peers', and the limits of the machine."""

from collections.abc import Sequence
from dataclasses import dataclass

from erniem_lab.errors import InputValueError

REFERENCE = "ours-float32"


@dataclass(frozen=True)
class Contender:
    """A way of doing a job: who does it (`kind`, a key of `own.OWN` or of `foreign.PEERS`), and how.

    `sort` is whether a peer takes texts of like length together; otherwise it takes them as they arrive.
    """

    name: str
    job: str
    kind: str
    precision: str = "float32"
    sort: bool = False

    @property
    def foreign(self) -> bool:
        """Whether it runs in the peer's Python."""
        return self.kind.startswith("hf")


CONTENDERS = (
    Contender(REFERENCE, "embed", "ours"),
    Contender("ours-bfloat16", "embed", "ours", "bfloat16"),
    Contender("ours-int8", "embed", "ours", "int8"),
    Contender("hf-arrival", "embed", "hf"),
    Contender("hf-sorted", "embed", "hf", sort=True),
    Contender("xlmr-float32-arrival", "embed", "xlmr"),
    Contender("xlmr-float32-sorted", "embed", "xlmr", sort=True),
    Contender("xlmr-bfloat16-arrival", "embed", "xlmr", "bfloat16"),
    Contender("xlmr-bfloat16-sorted", "embed", "xlmr", "bfloat16", sort=True),
    Contender("st-sorted", "embed", "sentence-transformers", sort=True),
    Contender("onnx-float32-sorted", "embed", "onnx", sort=True),
    Contender("onnx-int8-sorted", "embed", "onnx", "int8", sort=True),
    Contender("limit-float32", "embed", "limit"),
    Contender("limit-bfloat16", "embed", "limit", "bfloat16"),
    Contender("limit-int8", "embed", "limit", "int8"),
    Contender("ours-tokenizer", "tokenize", "ids"),
    Contender("ours-offsets", "tokenize", "offsets"),
    Contender("sentencepiece", "tokenize", "sentencepiece"),
    Contender("hf-tokenizer", "tokenize", "hf-ids"),
    Contender("ours-load", "load", "load"),
    Contender("read-file", "load", "read"),
    Contender("ours-import", "start", "import erniem_lab"),
    Contender("torch-import", "start", "import torch"),
)


def choose(only: Sequence[str] = ()) -> tuple[Contender, ...]:
    """Those whose name is among `only` or begins with one of it, and the reference; all of them for none.

    Raises:
        InputValueError: a name that fits none.

    >>> [contender.name for contender in choose(["hf-sorted"])]
    ['ours-float32', 'hf-sorted']
    """
    for name in only:
        if not any(one.name.startswith(name) for one in CONTENDERS):
            raise InputValueError(f"only={name!r}: there are {', '.join(one.name for one in CONTENDERS)}")
    wanted = (REFERENCE, *only) if only else ("",)
    return tuple(one for one in CONTENDERS if one.name.startswith(wanted))
