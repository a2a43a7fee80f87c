"""A unigram vocabulary in ERNIE-M's two files, learned from text."""

import re
from collections.abc import Iterable
from pathlib import Path

import sentencepiece

# ERNIE-M cuts pieces at these (see the tokenizer), so a piece that holds one with a neighbour would never be used.
ALONE = re.compile(r"([\u4e00-\u9fff,;:.?!~，；：。？！《》【】]|\d+)")
DELIMITER = "\ue000"  # private use: the normaliser leaves it, and no text has it
RESERVED = 3  # sentencepiece's <unk>, <s>, </s>; ERNIE-M has four entries of its own instead
FIRST_ENTRIES = ("[CLS]", "[PAD]", "[SEP]", "[UNK]")


def learn_vocabulary(
    texts: Iterable[str], folder: Path, *, pieces: int, coverage: float = 0.9995, seed_texts: int = 1_000_000
) -> None:
    """Write `sentencepiece.bpe.model` and `vocab.txt`, learned from the texts.

    Args:
        pieces: entries of the vocabulary, about; [CLS], [PAD], [SEP], [UNK] and [MASK] come on top.
        coverage: share of the characters of the texts that get an entry.
        seed_texts: how many of the texts are looked at.
    """
    folder.mkdir(parents=True, exist_ok=True)
    model = folder / "sentencepiece.bpe.model"
    with model.open("wb") as file:
        sentencepiece.SentencePieceTrainer.train(
            sentence_iterator=(ALONE.sub(rf"{DELIMITER}\1{DELIMITER}", text) for text in texts),
            model_writer=file,
            model_type="unigram",
            vocab_size=pieces,
            character_coverage=coverage,
            pretokenization_delimiter=DELIMITER,
            split_digits=True,
            input_sentence_size=seed_texts,
            hard_vocab_limit=False,
            num_threads=2,
            minloglevel=1,
        )
    learned = sentencepiece.SentencePieceProcessor(model_file=str(model))
    names = [learned.id_to_piece(i) for i in range(RESERVED, learned.get_piece_size())]
    (folder / "vocab.txt").write_text("\n".join([*FIRST_ENTRIES, *names, "[MASK]"]) + "\n", encoding="utf-8")
