"""Who is measured: this project's ways, its peers', and the limits of the machine."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from erniem_lab.errors import InputValueError

FLOAT, HALF = 0.99999, 0.999  # cosines, at least, to the vectors of `ours-float32`
ROUGH = 0.99
REFERENCE = "ours-float32"
PEER_HINT = "give --peer PYTHON, of an environment with transformers==4.40.2, sentencepiece and torch"
JOBS = ("embed", "tokenize", "load", "start")


@dataclass(frozen=True)
class Contender:
    """A way of doing a job: who does it (`kind`, one of `own.OWN`), how, and what it must have installed.

    Args:
        process: contenders of one name share a process, for those whose memory says nothing; alone if empty.
        folder: the checkpoint that it reads with, if not the one that all share.
        batch: texts at a time; for `ours` tokens, with 0 for its own choice.
        agreement: the smallest cosine that its vectors may have to the reference's; 0 where there are no vectors.
        foreign: whether it runs in the peer's Python.
        hint: what to do where it cannot be loaded.
    """

    name: str
    job: str
    kind: str
    precision: str = "float32"
    sort: bool = False
    batch: int = 32
    agreement: float = 0.0
    foreign: bool = False
    engine: str = ""
    code: str = ""
    process: str = ""
    folder: str = ""
    hint: str = field(default="", compare=False)

    @property
    def curved(self) -> bool:
        """Whether it reads texts, so that its cost grows with them; of those that read in any order only the best."""
        return self.job == "embed" and self.kind != "limit" and not self.name.endswith("-arrival")


def _ours(precision: str, agreement: float) -> Contender:
    return Contender(f"ours-{precision}", "embed", "ours", precision, batch=0, agreement=agreement)


def _peer(name: str, kind: str, way: str, precision: str, agreement: float, hint: str) -> Contender:
    foreign, sort = kind == "hf", way == "sorted"
    process = "onnx" if kind == "onnx" else ""
    how = (precision, sort, 32, agreement, foreign)
    return Contender(f"{name}-{way}", "embed", kind, *how, process=process, hint=hint)


def _limit(precision: str, engine: str) -> Contender:
    name = f"limit-{precision}-{engine.removesuffix('-int8')}"
    return Contender(name, "embed", "limit", precision, engine=engine, process="limits")


_NAMES = "import torch, erniem_lab as el; el.ErnieMModel, el.ErnieMTokenizer, el.embed"
_EXTRA = "pip install 'erniem-lab[bench]'"
_XLMR = "pip install 'transformers>=5'"

CONTENDERS = (
    _ours("float32", FLOAT),
    _ours("bfloat16", HALF),
    _ours("int8", ROUGH),
    _peer("hf", "hf", "arrival", "float32", FLOAT, PEER_HINT),
    _peer("hf", "hf", "sorted", "float32", FLOAT, PEER_HINT),
    _peer("xlmr-float32", "xlmr", "arrival", "float32", FLOAT, _XLMR),
    _peer("xlmr-float32", "xlmr", "sorted", "float32", FLOAT, _XLMR),
    _peer("xlmr-bfloat16", "xlmr", "arrival", "bfloat16", HALF, _XLMR),
    _peer("xlmr-bfloat16", "xlmr", "sorted", "bfloat16", HALF, _XLMR),
    _peer("st", "sentence-transformers", "sorted", "float32", FLOAT, _EXTRA),
    _peer("onnx-float32", "onnx", "sorted", "float32", FLOAT, _EXTRA),
    _peer("onnx-int8", "onnx", "sorted", "int8", ROUGH, _EXTRA),
    _limit("float32", "mm"),
    _limit("float32", "onednn"),
    _limit("bfloat16", "mm"),
    _limit("bfloat16", "onednn"),
    _limit("int8", "onednn-int8"),
    Contender("ours-tokenizer", "tokenize", "tokenizer", process="tokenizers"),
    Contender("ours-offsets", "tokenize", "offsets", process="tokenizers"),
    Contender("sentencepiece", "tokenize", "sentencepiece", process="tokenizers"),
    Contender("hf-tokenizer", "tokenize", "hf-tokenizer", batch=0, foreign=True, hint=PEER_HINT),
    Contender("ours-load", "load", "load", process="files"),
    Contender("read-file", "load", "read", process="files"),
    Contender("hf-load", "load", "hf-load", foreign=True, hint=PEER_HINT),
    Contender("ours-import", "start", "start", code="import torch, erniem_lab", process="starts"),
    Contender("ours-names", "start", "start", code=_NAMES, process="starts"),
    Contender("torch-import", "start", "start", code="import torch", process="starts"),
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


def together(contenders: Sequence[Contender]) -> tuple[Contender, ...]:
    """The same with one process for all of a kind: they start sooner, and their memory is no longer their own.

    >>> len({one.process for one in together(choose(["ours-int8"]))})
    1
    """
    return tuple(replace(one, process=one.process or one.kind) for one in contenders)
