"""What trains transformers' models trains ERNIE-M: Trainer, adapters, sentence-transformers."""

from pathlib import Path
from typing import Any

import pytest
import torch
import transformers
from bridge_samples import SENTENCE, checkpoint, loaded

import erniem_lab as el

TEXTS = [SENTENCE, "this is", "a test of 2000", "中文"]
NAME = "ErnieMForSequenceClassification"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return checkpoint(tmp_path / "start", NAME, num_labels=3)


def trainer(folder: Path, out: Path, **changes: Any) -> transformers.Trainer:
    tokenizer = transformers.AutoTokenizer.from_pretrained(folder)
    rows = [{**tokenizer(text), "labels": i % 3, "unused": "text"} for i, text in enumerate(TEXTS)]
    settings = {"max_steps": 2, "per_device_train_batch_size": 2, "learning_rate": 1e-3, "use_cpu": True, **changes}
    arguments = transformers.TrainingArguments(
        output_dir=str(out), report_to="none", save_steps=2, logging_steps=1, disable_tqdm=True, **settings
    )
    collate = transformers.DataCollatorWithPadding(tokenizer)
    model = loaded(folder, NAME)
    return transformers.Trainer(
        model,
        arguments,
        collate,
        rows,
        eval_dataset=rows,
        processing_class=tokenizer,  # type: ignore[arg-type]
    )


def test_trainer_makes_steps_saves_and_is_read_again(folder: Path, tmp_path: Path) -> None:
    run = trainer(folder, tmp_path / "run")
    before = run.model.classifier.weight.detach().clone()
    run.train()
    assert not torch.equal(run.model.classifier.weight, before)
    run.save_model(str(tmp_path / "saved"))
    for again in (
        loaded(tmp_path / "saved", NAME),
        el.ErnieMForSequenceClassification.from_pretrained(tmp_path / "saved"),
    ):
        assert torch.equal(again.classifier.weight, run.model.classifier.weight)
    assert el.ErnieMTokenizer.from_pretrained(tmp_path / "saved")(SENTENCE)["input_ids"]


def test_trainer_goes_on_from_its_checkpoint(folder: Path, tmp_path: Path) -> None:
    trainer(folder, tmp_path / "run").train()
    again = trainer(folder, tmp_path / "run", max_steps=3)
    again.train(resume_from_checkpoint=True)
    assert again.state.global_step == 3


def test_trainer_evaluates_with_the_heads_own_loss(folder: Path, tmp_path: Path) -> None:
    run = trainer(folder, tmp_path / "run", per_device_eval_batch_size=4)
    found = run.predict(run.eval_dataset)
    core = el.ErnieMForSequenceClassification.from_pretrained(folder)
    ids = el.ErnieMTokenizer.from_pretrained(folder)(TEXTS, padding=True, return_tensors="pt")
    expected = core(**ids, labels=torch.tensor([0, 1, 2, 0]))
    assert found.predictions.shape == (4, 3)
    assert abs(found.metrics["test_loss"] - float(expected.loss.detach())) < 1e-4


def adapted(folder: Path, **how: Any) -> Any:
    import peft

    kind = peft.PrefixTuningConfig if "num_virtual_tokens" in how else peft.LoraConfig
    return peft.get_peft_model(loaded(folder, NAME), kind(task_type="SEQ_CLS", **how))


ADAPTERS = {
    "lora": {"r": 2, "target_modules": ["q_proj", "v_proj"]},
    "prefix": {"num_virtual_tokens": 3},
}


@pytest.mark.parametrize("how", ADAPTERS.values(), ids=ADAPTERS.keys())
def test_an_adapter_learns_while_the_encoder_stays(folder: Path, tmp_path: Path, how: dict[str, Any]) -> None:
    from peft import PeftModel

    model = adapted(folder, **how)
    batch = transformers.AutoTokenizer.from_pretrained(folder)(TEXTS, padding=True, return_tensors="pt")
    labels = torch.tensor([0, 1, 2, 0])
    frozen = model.get_base_model().ernie_m.embeddings.word_embeddings.weight.detach().clone()
    optimizer = torch.optim.AdamW([weight for weight in model.parameters() if weight.requires_grad], lr=0.1)
    losses = []
    for _ in range(4):
        loss = model(**batch, labels=labels).loss
        loss.backward()
        optimizer.step()
        optimizer.zero_grad()
        losses.append(float(loss.detach()))
    assert losses[-1] < losses[0]
    assert torch.equal(model.get_base_model().ernie_m.embeddings.word_embeddings.weight, frozen)
    model.eval().save_pretrained(tmp_path / "adapter")
    again = PeftModel.from_pretrained(loaded(folder, NAME), tmp_path / "adapter").eval()
    torch.testing.assert_close(again(**batch).logits, model(**batch).logits)


def test_a_merged_adapter_is_a_plain_folder_for_the_core(folder: Path, tmp_path: Path) -> None:
    model = adapted(folder, **ADAPTERS["lora"], init_lora_weights=False).eval()
    batch = transformers.AutoTokenizer.from_pretrained(folder)(SENTENCE, return_tensors="pt")
    expected = model(**batch).logits
    model.merge_and_unload().save_pretrained(tmp_path / "merged")
    found = el.ErnieMForSequenceClassification.from_pretrained(tmp_path / "merged")(**batch).logits
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-4)


def test_a_virtual_prefix_changes_what_is_read(folder: Path) -> None:
    batch = transformers.AutoTokenizer.from_pretrained(folder)(
        SENTENCE, return_attention_mask=True, return_tensors="pt"
    )
    model = adapted(folder, **ADAPTERS["prefix"]).eval()
    assert not torch.equal(model(**batch).logits, loaded(folder, NAME)(**batch).logits)


@pytest.mark.parametrize("how", ADAPTERS.values(), ids=ADAPTERS.keys())
@pytest.mark.parametrize(
    ("name", "task"), [("ErnieMForTokenClassification", "TOKEN_CLS"), ("ErnieMModel", "FEATURE_EXTRACTION")]
)
def test_adapters_attach_to_other_models_too(tmp_path: Path, name: str, task: str, how: dict[str, Any]) -> None:
    import peft

    kind = peft.PrefixTuningConfig if "num_virtual_tokens" in how else peft.LoraConfig
    model = peft.get_peft_model(loaded(checkpoint(tmp_path, name), name), kind(task_type=task, **how))
    batch = transformers.AutoTokenizer.from_pretrained(tmp_path)(TEXTS, padding=True, return_tensors="pt")
    assert model(**batch)[0].shape[:2] == batch["input_ids"].shape


def test_sentence_transformers_wraps_the_encoder(folder: Path, tmp_path: Path) -> None:
    from sentence_transformers import SentenceTransformer

    wrapped = SentenceTransformer(str(folder), device="cpu")  # its default: the mean of the last layer's states
    found = wrapped.encode(TEXTS)
    model, tokenizer = el.ErnieMModel.from_pretrained(folder), el.ErnieMTokenizer.from_pretrained(folder)
    for text, vector in zip(TEXTS, found, strict=True):
        states = model(**tokenizer(text, return_tensors="pt")).last_hidden_state[0]
        torch.testing.assert_close(torch.from_numpy(vector), states.mean(dim=0).detach(), atol=1e-5, rtol=1e-4)
    wrapped.save(str(tmp_path / "wrapped"))
    again = SentenceTransformer(str(tmp_path / "wrapped"), device="cpu").encode(TEXTS)
    assert abs(again - found).max() < 1e-5
