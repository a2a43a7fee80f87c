"""Damaged files of every form are refused as a fault of the file or read as something else; nothing else is raised."""

import json
import random

import pytest

from erniem_lab.corpora.choices import read_choices
from erniem_lab.corpora.classification import read_entailment, read_labelled, read_pairs_labelled
from erniem_lab.corpora.conllu import read_conllu
from erniem_lab.corpora.extraction import read_doccano, read_prompts
from erniem_lab.corpora.intents import read_intents
from erniem_lab.corpora.questions import read_questions
from erniem_lab.corpora.tagging import read_byte_spans, read_entities, read_tagged
from erniem_lab.errors import ErnieMLabError

ENTITIES = [{"id": 1, "start_offset": 0, "end_offset": 4, "label": "who"}, {"id": 2, "start_offset": 5, "end_offset": 8,
            "label": "it"}]  # fmt: skip
ASKED = {"id": "q", "question": "Who?", "answers": [{"text": "Anna", "answer_start": 0}], "is_impossible": False}
FILES = {
    read_entailment: "premise\thypothesis\tlabel\nAnna sings.\tBo sings.\tneutral\nAnna\tBo\tentailment\n",
    read_pairs_labelled: "Anna sings.\tBo sings.\t0\n\nNS\tNS\t1\n",
    read_labelled: "tweet\tlabel\nAsante sana\tpositive\n",
    read_tagged: "Anna\tPROPN\nsings\tVERB\n\nBo\tPROPN\n",
    read_entities: "Anna B-PER\nEva I-PER\nsings O\n\nUlm S-LOC\n",
    read_byte_spans: '{"text": "é Oslo", "language": "amh", '
    '"spans": [{"start_byte": 3, "limit_byte": 7, "label": "LOC"}]}',
    read_conllu: "# sent_id = n1\n# text = Im Haus\n1-2\tIm\t_\t_\t_\t_\t_\t_\t_\t_\n"
    "1\tin\tin\tADP\t_\t_\t3\tcase\t_\t_\n2\tdem\tder\tDET\t_\tCase=Dat\t3\tdet\t_\t_\n"
    "3\tHaus\tHaus\tNOUN\t_\t_\t0\troot\t_\t_\n3.1\tx\tx\tX\t_\t_\t_\t_\t_\t_\n",
    read_intents: "# id = 1\n# text-en = wake me\n# text = weck mich\n# intent = wake\n"
    "1\tweck\twake\tO\n2\tmich\twake\tB-who\n",
    read_choices: json.dumps({"premise": "a", "choice1": "b", "choice2": "c", "question": "cause", "label": 0}),
    read_questions: json.dumps({"data": [{"paragraphs": [{"context": "Anna sings.", "qas": [ASKED]}]}]}),
    read_doccano: json.dumps({"text": "Anna did.", "entities": ENTITIES,
                              "relations": [{"from_id": 1, "to_id": 2, "type": "of"}]}),
    read_prompts: json.dumps({"content": "Anna", "prompt": "a[b]",
                              "result_list": [{"text": "b", "start": -3, "end": -2}]}),
}  # fmt: skip
PIECES = [b"\t", b"\n", b"\r", b" ", b"-", b"0", b"9" * 21, b"null", b"[]", b"{}", b'"', b"\xff", b"\xef\xbb\xbf",
          b"\x1c", b"\xe2\x80\xa8", b"\x00", b"#", b"NaN", b"-1", b"\\ud800", b"true", b"1e999", b"+1"]  # fmt: skip


def damaged(data: bytes, draw: random.Random) -> bytes:
    """One to three cuts and insertions, or the end cut off."""
    for _ in range(draw.randint(1, 3)):
        start = draw.randrange(len(data) + 1)
        end = draw.choice([start, start + draw.randint(1, 6), len(data)])
        data = data[:start] + draw.choice([b"", *PIECES]) + data[end:]
    return data


@pytest.mark.parametrize("read", FILES)
def test_an_unharmed_file_is_read(read, tmp_path):
    path = tmp_path / "file.tsv"
    path.write_text(FILES[read], encoding="utf-8")
    assert list(read(path, "en"))


@pytest.mark.parametrize("read", FILES)
def test_a_damaged_file_raises_faults_of_this_library_only(read, tmp_path):
    draw, path = random.Random(0), tmp_path / "file.tsv"
    messages = []
    for _ in range(150):
        path.write_bytes(damaged(FILES[read].encode(), draw))
        try:
            list(read(path, "en"))
        except ErnieMLabError as fault:
            messages.append(str(fault))
    assert len(messages) > 15
    assert all(message.startswith(str(path)) for message in messages)
