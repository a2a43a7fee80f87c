"""Code as the model's documentation shows it runs on a small folder, changed in its import and its path only.

Through the bridge, classes come from `transformers` and `erniem_lab.transformers_bridge`; through the core all of them
come from `erniem_lab`, where `ErnieMTokenizer` stands for `AutoTokenizer` and the class by name for its Auto class.
"""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
import transformers
from bridge_samples import checkpoint

import erniem_lab as el
from erniem_lab import transformers_bridge as bridge

ENCODER = """
tokenizer = AutoTokenizer.from_pretrained(PATH)
model = ErnieMModel.from_pretrained(PATH)
inputs = tokenizer("Hello, my dog is cute", return_tensors="pt")
outputs = model(**inputs)
last_hidden_states = outputs.last_hidden_state
"""

AUTO_MODEL = """
tokenizer = AutoTokenizer.from_pretrained(PATH)
model = AutoModel.from_pretrained(PATH)
inputs = tokenizer(["Hello, my dog is cute", "Bonjour"], padding=True, truncation=True, return_tensors="pt")
with torch.no_grad():
    outputs = model(**inputs)
cls_state, pooled = outputs[0][:, 0], outputs[1]
"""

ONE_LABEL = """
tokenizer = AutoTokenizer.from_pretrained(PATH)
model = ErnieMForSequenceClassification.from_pretrained(PATH)
inputs = tokenizer("Hello, my dog is cute", return_tensors="pt")
with torch.no_grad():
    logits = model(**inputs).logits
predicted_class_id = logits.argmax().item()
num_labels = len(model.config.id2label)
model = ErnieMForSequenceClassification.from_pretrained(PATH, num_labels=num_labels)
labels = torch.tensor([1])
loss = model(**inputs, labels=labels).loss
"""

SEVERAL_LABELS = """
tokenizer = AutoTokenizer.from_pretrained(PATH)
model = ErnieMForSequenceClassification.from_pretrained(PATH, problem_type="multi_label_classification")
inputs = tokenizer("Hello, my dog is cute", return_tensors="pt")
with torch.no_grad():
    logits = model(**inputs).logits
predicted_class_ids = torch.arange(0, logits.shape[-1])[torch.sigmoid(logits).squeeze(dim=0) > 0.5]
num_labels = len(model.config.id2label)
model = ErnieMForSequenceClassification.from_pretrained(
    PATH, num_labels=num_labels, problem_type="multi_label_classification"
)
labels = torch.sum(
    torch.nn.functional.one_hot(predicted_class_ids[None, :].clone(), num_classes=num_labels), dim=1
).to(torch.float)
loss = model(**inputs, labels=labels).loss
"""

CHOICES = """
tokenizer = AutoTokenizer.from_pretrained(PATH)
model = ErnieMForMultipleChoice.from_pretrained(PATH)
prompt = "In Italy, pizza served in formal settings, such as at a restaurant, is presented unsliced."
choice0 = "It is eaten with a fork and a knife."
choice1 = "It is eaten while held in the hand."
labels = torch.tensor(0).unsqueeze(0)
encoding = tokenizer([prompt, prompt], [choice0, choice1], return_tensors="pt", padding=True)
outputs = model(**{k: v.unsqueeze(0) for k, v in encoding.items()}, labels=labels)
loss = outputs.loss
logits = outputs.logits
"""

TOKENS = """
tokenizer = AutoTokenizer.from_pretrained(PATH)
model = ErnieMForTokenClassification.from_pretrained(PATH)
inputs = tokenizer(
    "HuggingFace is a company based in Paris and New York", add_special_tokens=False, return_tensors="pt"
)
with torch.no_grad():
    logits = model(**inputs).logits
predicted_token_class_ids = logits.argmax(-1)
predicted_tokens_classes = [model.config.id2label[t.item()] for t in predicted_token_class_ids[0]]
labels = predicted_token_class_ids
loss = model(**inputs, labels=labels).loss
"""

QUESTIONS = """
tokenizer = AutoTokenizer.from_pretrained(PATH)
model = ErnieMForQuestionAnswering.from_pretrained(PATH)
question, text = "Who was Jim Henson?", "Jim Henson was a nice puppet"
inputs = tokenizer(question, text, return_tensors="pt")
with torch.no_grad():
    outputs = model(**inputs)
logits = torch.cat([outputs.start_logits, outputs.end_logits])
answer_start_index = outputs.start_logits.argmax()
answer_end_index = outputs.end_logits.argmax()
predict_answer_tokens = inputs.input_ids[0, answer_start_index : answer_end_index + 1]
answer = tokenizer.decode(predict_answer_tokens, skip_special_tokens=True)
target_start_index = torch.tensor([14])
target_end_index = torch.tensor([15])
outputs = model(**inputs, start_positions=target_start_index, end_positions=target_end_index)
loss = outputs.loss
"""

CONFIGURATION = """
configuration = ErnieMConfig(vocab_size=582, hidden_size=16, num_attention_heads=2, num_hidden_layers=1)
model = ErnieMModel(configuration)
configuration = model.config
"""

PIPELINES = """
classify = pipeline("text-classification", model=PATH)
label = classify("Hello, my dog is cute")[0]["label"]
"""

SNIPPETS = {
    "ErnieMModel": [ENCODER, AUTO_MODEL, CONFIGURATION],
    "ErnieMForSequenceClassification": [ONE_LABEL, SEVERAL_LABELS],
    "ErnieMForMultipleChoice": [CHOICES],
    "ErnieMForTokenClassification": [TOKENS],
    "ErnieMForQuestionAnswering": [QUESTIONS],
}
CASES = [(name, snippet) for name, snippets in SNIPPETS.items() for snippet in snippets]

THROUGH_BRIDGE = {**vars(bridge), "AutoTokenizer": transformers.AutoTokenizer, "AutoModel": transformers.AutoModel}
THROUGH_CORE = {
    **{name: getattr(el, name) for name in [*SNIPPETS, "ErnieMConfig"]},
    "AutoTokenizer": el.ErnieMTokenizer,
    "AutoModel": el.ErnieMModel,
}


def run(snippet: str, names: dict[str, Any], folder: Path) -> SimpleNamespace:
    """What the snippet's variables hold in the end."""
    torch.manual_seed(0)
    space = {**names, "torch": torch, "pipeline": transformers.pipeline, "PATH": str(folder)}
    exec(snippet, space)
    return SimpleNamespace(**space)


@pytest.mark.parametrize(("name", "snippet"), CASES)
def test_a_documented_snippet_says_the_same_on_both_sides(name: str, snippet: str, tmp_path: Path) -> None:
    folder = checkpoint(tmp_path, name)
    found, expected = (run(snippet, names, folder) for names in (THROUGH_BRIDGE, THROUGH_CORE))
    compared = [key for key in ("last_hidden_states", "cls_state", "pooled", "logits", "loss") if hasattr(found, key)]
    assert compared or "configuration" in snippet
    for key in compared:
        torch.testing.assert_close(getattr(found, key), getattr(expected, key))
    for key in ("answer", "predicted_tokens_classes", "predicted_class_id"):
        assert getattr(found, key, None) == getattr(expected, key, None)


def test_the_documented_configuration_makes_the_same_model_on_both_sides(tmp_path: Path) -> None:
    found, expected = (run(CONFIGURATION, names, tmp_path) for names in (THROUGH_BRIDGE, THROUGH_CORE))
    states = found.model.state_dict(), expected.model.state_dict()
    assert all(torch.equal(states[0][key], states[1][key]) for key in states[1])


def test_the_documented_pipeline_runs_through_the_bridge(tmp_path: Path) -> None:
    found = run(PIPELINES, THROUGH_BRIDGE, checkpoint(tmp_path, "ErnieMForSequenceClassification"))
    assert found.label in ("LABEL_0", "LABEL_1")


@pytest.mark.parametrize("names", [THROUGH_BRIDGE, THROUGH_CORE], ids=["bridge", "core"])
def test_the_documented_heads_start_from_an_encoders_folder(names: dict[str, Any], tmp_path: Path) -> None:
    """As the snippets do with a released encoder: the head is new, and both libraries say so."""
    folder = checkpoint(tmp_path)
    if names is THROUGH_CORE:
        with pytest.warns(UserWarning, match="classifier"):
            assert run(ONE_LABEL, names, folder).loss.isfinite()
    else:
        assert run(ONE_LABEL, names, folder).loss.isfinite()
