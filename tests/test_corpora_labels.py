"""Labels, choices, questions, intents and extractions of the field's files become examples, or the line is named."""

import json

import pytest

from erniem_lab.corpora.check import faults, gather
from erniem_lab.corpora.choices import read_choices
from erniem_lab.corpora.classification import read_entailment, read_labelled, read_pairs_labelled
from erniem_lab.corpora.examples import (
    ChoiceExample,
    EntailmentExample,
    ExtractionExample,
    LabelledPair,
    LabelledText,
    Mention,
    OpenQuestion,
    QuestionExample,
    Relation,
    Sentence,
    Span,
    TaggedSentence,
)
from erniem_lab.corpora.extraction import read_doccano, read_prompts
from erniem_lab.corpora.intents import read_intents
from erniem_lab.corpora.questions import read_questions
from erniem_lab.corpora.text import Text, TextPair
from erniem_lab.corpora.world import World
from erniem_lab.errors import FileFaultError, InputTypeError, InputValueError

XNLI = "language\tgold_label\tsentence1_parse\tsentence1\tsentence2\tgenre\tlabel1\tmatch\n"
UTTERANCE = """# id = 7
# text-en = wake #1 now
# text = Weck #1 jetzt
# intent = alarm/set
1\tWeck\talarm/set\tO
2\t\talarm/set\tO
3\t#1\talarm/set\tI-who
4\tjetzt\talarm/set\tO
"""


@pytest.fixture
def write(tmp_path):
    def fill(text: str, name: str = "dev.tsv"):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8", newline="")
        return path

    return fill


def test_entailment_is_read_from_each_of_its_tables(write):
    wanted = [EntailmentExample("sw", "a", "b", "contradiction")]
    texts = (
        "a\tb\tcontradiction\r\n",
        "premise\thypo\tlabel\na\tb\tcontradictory\n",
        "id\tlanguage\tpremise\thypothesis\tlabel\n1\tswh\ta\tb\tcontradiction\n",
        f"{XNLI}sw\tcontradiction\t\ta\tb\tfiction\tneutral\tTrue\n",
    )
    assert [list(read_entailment(write(text), "sw")) for text in texts] == [wanted] * 4


def test_rows_without_a_consensus_are_left_out(write):
    path = write(f"{XNLI}en\t-\t\ta\tb\tfiction\tneutral\tTrue\nen\tneutral\t\tc\td\tfiction\tneutral\tTrue\n")
    assert [example.premise for example in read_entailment(path, "en")] == ["c"]


def test_pairs_without_labels_are_pairs_of_texts(write):
    wanted = [TextPair.of(("de", "de"), "a", "b")]
    assert list(read_pairs_labelled(write("a\tb\n"), "de")) == wanted == list(read_entailment(write("a\tb\n"), "de"))


def test_a_sentence_that_is_only_a_placeholder_is_kept_as_it_stands(write):
    path = write('NS\tNS\t0\n"NA"\tnull\t1\n')
    assert list(read_pairs_labelled(path, "de")) == [LabelledPair("de", "NS", "NS", "0"),
                                                      LabelledPair("de", '"NA"', "null", "1")]  # fmt: skip


def test_further_columns_of_labelled_texts_are_ignored(write):
    path = write("ID\ttweet\tlabel\nor_1\tAkkam?\tneutral\n")
    assert list(read_labelled(path, "om")) == [LabelledText("om", "Akkam?", "neutral")]


def test_a_file_that_is_only_a_header_holds_nothing(write):
    assert list(read_labelled(write("tweet\tlabel"), "ti")) == []


@pytest.mark.parametrize(("value", "label"), [('"good"', "good"), ("3", 3.0), ("[]", ()), ('["a", "b"]', ("a", "b"))])
def test_a_label_is_a_name_a_number_or_names(write, value, label):
    assert list(read_labelled(write(f'{{"data": "x", "label": {value}}}', "a.jsonl"), "en")) == [
        LabelledText("en", "x", label)
    ]


def test_json_lines_without_labels_are_texts(write):
    assert list(read_labelled(write('{"text": "x"}', "a.jsonl"), "en")) == [Text("en", "x")]


@pytest.mark.parametrize(("read", "name", "text", "error", "named"), [
    (read_entailment, "d.tsv", "a\tb\tneutral\na\tb\tmaybe\n", InputValueError, "d.tsv:2: label 'maybe'; expected"),
    (read_entailment, "d.tsv", "a\tb\t\n", InputValueError, "d.tsv:1: label is empty"),
    (read_entailment, "d.tsv", "a\t \tneutral\n", InputValueError, "d.tsv:1: hypothesis is empty"),
    (read_pairs_labelled, "d.tsv", "a\tb\t1\na\tb\n", InputValueError, "d.tsv:2: cells: 2, in the first line 3"),
    (read_labelled, "d.tsv", "tweet\tlabel\nx\t\n", InputValueError, "d.tsv:2: label is empty"),
    (read_labelled, "d.tsv", "words\tlabel\nx\ty\n", InputValueError, "d.tsv:2: no text or tweet"),
    (read_labelled, "d.jsonl", '{"text": "x", "label": null}', InputTypeError, "d.jsonl:1: label None"),
    (read_labelled, "d.jsonl", '{"text": "x", "label": NaN}', InputValueError, "d.jsonl:1: the label is nan"),
    (read_labelled, "d.jsonl", '{"text": "x", "label": [1]}', InputTypeError, "d.jsonl:1: label is 1"),
])  # fmt: skip
def test_labels_that_are_missing_or_unknown_are_named_with_the_line(write, read, name, text, error, named):
    with pytest.raises(error, match=named):
        list(read(write(text, name), "en"))


COPA = {"premise": "p", "choice1": "a", "choice2": "b", "question": "cause", "label": 1, "idx": 0, "changed": False}


def test_choices_are_read_in_their_order(write):
    rows = f"{json.dumps(COPA)}\r\n{json.dumps({**COPA, 'choice3': 'c', 'label': 2})}\n"
    first, second = read_choices(write(rows), "sw")
    assert first == ChoiceExample("sw", "p", "cause", ("a", "b"), 1)
    assert second.choices == ("a", "b", "c")


@pytest.mark.parametrize(("change", "error", "named"), [
    ({"question": "why"}, InputValueError, "dev.tsv:1: question 'why'; expected cause or effect"),
    ({"label": 2}, InputValueError, "dev.tsv:1: label 2 for 2 options"),
    ({"label": "one"}, InputTypeError, "dev.tsv:1: label is 'one'"),
    ({"choice2": ""}, InputValueError, "dev.tsv:1: choice2 is empty"),
    ({"premise": None}, InputTypeError, "dev.tsv:1: premise is None"),
])  # fmt: skip
def test_choices_that_do_not_fit_are_named(write, change, error, named):
    with pytest.raises(error, match=named):
        list(read_choices(write(json.dumps({**COPA, **change})), "sw"))


def squad(*asked: dict) -> str:
    questions = [{"id": number, "question": "Who?", **fields} for number, fields in enumerate(asked)]
    return json.dumps({"version": 1.0, "data": [{"paragraphs": [{"context": "Anna sings.", "qas": questions}]}]})


ANNA = {"text": "Anna", "answer_start": 0}


def test_questions_are_answered_open_or_beyond_their_context(write):
    text = squad({"answers": [ANNA, ANNA]}, {"answers": [{"text": "", "answer_start": 0}]}, {"answers": []},
                 {"answers": [ANNA], "is_impossible": True})  # fmt: skip
    told, open_, none, impossible = read_questions(write(text), "de", "en")
    span = Span(0, 4, "Anna")
    assert told == QuestionExample("de", "Who?", "Anna sings.", (span, span), "0", "en")
    assert open_ == OpenQuestion("de", "Who?", "Anna sings.", "1", "en")
    assert isinstance(none, QuestionExample)
    assert isinstance(impossible, QuestionExample)
    assert none.answers == impossible.answers == ()


def test_the_language_of_a_question_is_told_only_where_it_differs(write):
    assert [one.question_language for one in read_questions(write(squad({"answers": []})), "de", "de")] == [""]


def test_question_ids_may_repeat(write):
    text = squad({"id": "a", "answers": [ANNA]}, {"id": "a", "answers": [ANNA]})
    assert [example.id for example in read_questions(write(text), "en")] == ["a", "a"]


@pytest.mark.parametrize(("text", "error", "named"), [
    (squad({"answers": [{"text": "Bob", "answer_start": 0}]}), InputValueError,
     r"dev.tsv: data\[0\]: paragraphs\[0\]: qas\[0\] \(id 0\): characters 0 to 3 of 11 are 'Ann', not 'Bob'"),
    (squad({"answers": [{"text": "sings.", "answer_start": 6}]}), InputValueError, "characters 6 to 12 of 11"),
    (squad({"answers": [{"text": "Anna", "answer_start": -11}]}), InputValueError, "characters -11 to -7"),
    (squad({"answers": [{"text": None, "answer_start": 0}]}), InputTypeError, r"answers\[0\]: text is None"),
    (squad({"answers": {"text": ["Anna"], "answer_start": []}}), InputValueError, "answers: 1 texts, 0 offsets"),
    (squad({"answers": {"text": ["Anna"], "answer_start": ["x"]}}), InputTypeError, "answer_start is 'x'"),
    (squad({"answers": [{"text": "Anna"}]}), InputValueError, r"answers\[0\]: no answer_start; there are text"),
    (squad({"question": None, "answers": []}), InputTypeError, "question is None"),
    (squad({}), InputValueError, r"qas\[0\]: no answers"),
    ('{"data": []}', InputValueError, "dev.tsv: no question in it"),
    ("{", FileFaultError, "dev.tsv:1: not JSON"),
])  # fmt: skip
def test_questions_that_do_not_fit_are_named(write, text, error, named):
    with pytest.raises(error, match=named):
        list(read_questions(write(text), "en"))


def test_intents_are_read_with_their_slots(write):
    (example,) = read_intents(write(UTTERANCE), "de")
    assert (example.id, example.intent, example.english) == ("7", "alarm/set", "wake #1 now")
    assert example.sentence.surfaces == ("Weck", "#1", "jetzt")
    assert example.tags == ("O", "B-who", "O")


def test_english_utterances_are_counted_and_are_their_own_english(write):
    text = "# text = go\n# intent = go\n# slots: 0:2:go\n1\tgo\tgo\tB-go\n\n"
    assert [(one.id, one.english) for one in read_intents(write(text * 2), "en")] == [("1", "go"), ("2", "go")]


@pytest.mark.parametrize(("old", "new", "named"), [
    ("# intent = alarm/set\n", "", "dev.tsv:1: no comment 'intent'"),
    ("\tI-who", "\twho", "dev.tsv:7: tag 'who'"),
    ("alarm/set\tI-who", "I-who", "dev.tsv:7: .*expected number, word, intent and tag"),
    ("2\t\talarm/set\tO", "2\t\talarm/set\tB-who", "dev.tsv:6: "),
    ("jetzt\n", "nun\n", "dev.tsv:1: the text ' nun' does not go on with the word 'jetzt'"),
])  # fmt: skip
def test_utterances_that_do_not_fit_are_named(write, old, new, named):
    with pytest.raises(InputValueError, match=named):
        list(read_intents(write(UTTERANCE.replace(old, new, 1)), "de"))


ENTITIES = [{"id": 5, "start_offset": 0, "end_offset": 4, "label": "person"},
            {"id": 9, "start_offset": 14, "end_offset": 19, "label": "city"}]  # fmt: skip
LIVES = {"text": "Anna lives in Paris", "entities": ENTITIES, "relations": [{"from_id": 5, "to_id": 9, "type": "home"}]}


def test_exports_of_doccano_hold_mentions_and_relations(write):
    anna, paris = Span(0, 4, "Anna"), Span(14, 19, "Paris")
    assert list(read_doccano(write(json.dumps(LIVES, ensure_ascii=False)), "en")) == [
        ExtractionExample(
            "en", LIVES["text"], (Mention("person", anna), Mention("city", paris)), (Relation(anna, "home", paris),)
        )
    ]


@pytest.mark.parametrize(("change", "error", "named"), [
    ({"entities": [{**ENTITIES[0], "end_offset": 99}], "relations": []}, InputValueError, "characters 0 to 99 of 19"),
    ({"entities": [ENTITIES[0], ENTITIES[0]]}, InputValueError, "an id of entities is there twice"),
    ({"entities": ENTITIES[:1]}, InputValueError, r"relations\[0\]: from 5 to 9; expected ids of entities"),
    ({"entities": [{**ENTITIES[0], "label": ""}], "relations": []}, InputValueError, r"entities\[0\]: label is empty"),
])  # fmt: skip
def test_exports_that_do_not_fit_are_named(write, change, error, named):
    with pytest.raises(error, match=f"dev.tsv:1: .*{named}"):
        list(read_doccano(write(json.dumps({**LIVES, **change})), "en"))


def test_exports_of_entities_alone_are_lists(write):
    (example,) = read_doccano(write('{"text": "Anna sings.", "label": [[0, 4, "person"]]}'), "en")
    assert example.mentions == (Mention("person", Span(0, 4, "Anna")),)
    with pytest.raises(InputValueError, match=r"dev.tsv:1: label\[0\] is \[0, 4\]; expected start, end and label"):
        list(read_doccano(write('{"text": "Anna sings.", "label": [[0, 4]]}'), "en"))


def prompt(**fields) -> str:
    return json.dumps({"content": "Anna sings.", "prompt": "mood[good,bad]", "result_list": [], **fields})


def test_prompts_are_answered_in_the_text_or_in_themselves(write):
    found, chosen = {"text": "Anna", "start": 0, "end": 4}, {"text": "bad", "start": -5, "end": -2}
    answered, negative = read_prompts(write(f"{prompt(result_list=[found, chosen])}\n{prompt()}\n"), "en")
    assert (answered.found, answered.chosen) == ((Span(0, 4, "Anna"),), (Span(10, 13, "bad"),))
    assert (negative.found, negative.chosen) == ((), ())


@pytest.mark.parametrize("span", [{"text": "Anna", "start": 1, "end": 5}, {"text": "bad", "start": -4, "end": -1}])
def test_answers_of_prompts_that_are_elsewhere_are_named(write, span):
    with pytest.raises(InputValueError, match=r"dev.tsv:1: characters \d+ to \d+ of \d+ are .*, not '"):
        list(read_prompts(write(prompt(result_list=[span])), "en"))


WORDS = Sentence("en", "Anna sings", ((0, 4), (5, 10)))


@pytest.mark.parametrize(("examples", "kind", "error", "named"), [
    ([], LabelledText, InputValueError, "examples: none, where LabelledText is expected"),
    ([WORDS], TaggedSentence, InputTypeError, "1 of 1 are no TaggedSentence; example 0 is a Sentence"),
    ([LabelledText("en", "x", "a"), LabelledText("en", "x", 1.0)], LabelledText, InputTypeError,
     r"labels of several kinds: str \(1\), float \(1\)"),
    ([LabelledText("en", "x", "")], LabelledText, InputValueError, "example 0: the label is ''"),
    ([ChoiceExample("en", "x", "cause", ("a", "b"), 0), ChoiceExample("en", "x", "cause", ("a", "b", "c"), 0)],
     ChoiceExample, InputValueError, "choices of several kinds: 2 .*3"),
    ([TaggedSentence(WORDS, ("O",))], TaggedSentence, InputValueError, "example 0: 2 words, 1 tags"),
    ([QuestionExample("en", "q", "Anna", (Span(0, 3, "Bob"),))], QuestionExample, InputValueError, "'Ann', not 'Bob'"),
])  # fmt: skip
def test_faults_of_a_data_set_are_one_clear_error(examples, kind, error, named):
    with pytest.raises(error, match=named):
        gather(examples, kind)


@pytest.mark.parametrize("example", [
    TaggedSentence(WORDS, ("B-PER", "O")), LabelledText("en", "x", ("B-PER", "O")), LabelledPair("en", "x", "y", "O"),
    EntailmentExample("en", "x", "y", "neutral"),
])  # fmt: skip
def test_an_unknown_label_is_named_where_labels_are_given(example):
    assert gather([example], type(example)) == gather([example], type(example), labels=["B-PER", "O", "neutral"])
    with pytest.raises(InputValueError, match=r"example 0: label '.*' is not one of B-LOC"):
        gather([example], type(example), labels=["B-LOC"])


def test_many_faults_are_counted():
    wrong = [LabelledText("en", "x", "")] * 8
    with pytest.raises(InputValueError, match=r"8 of 9 examples are not sound; .*example 5: .*; and 3 more"):
        gather([LabelledText("en", "x", "a"), *wrong], LabelledText)


def test_extractions_are_asked_for_each_of_their_spans():
    good, bad = Span(0, 4, "Anna"), Span(0, 4, "Bob")
    example = ExtractionExample("en", "Anna sings", (Mention("person", bad),), (Relation(good, "sister", bad),))
    assert len(list(faults(example))) == 2


@pytest.mark.parametrize(("draw", "kind"), [
    ("tagged", TaggedSentence), ("questions", QuestionExample), ("entailment", EntailmentExample),
    ("choices", ChoiceExample), ("extraction", ExtractionExample),
])  # fmt: skip
def test_examples_of_the_bundled_world_are_sound(draw, kind):
    examples = [one for code in ("ar", "en", "zh") for one in getattr(World.load(), draw)(code, 20)]
    assert gather(examples, kind) == tuple(examples)
