"""Files that PaddleNLP and Paddle wrote give the numbers that they gave there."""

import json
import pickle
import shutil
from collections import OrderedDict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from checkpoint_files import TINY, folder_with_config, refusal, same, tiny_encoder
from conftest import GOLDEN
from safetensors.numpy import save_file as save_numpy
from torch import Tensor

from erniem_lab import heads
from erniem_lab.checkpoint import open_checkpoint
from erniem_lab.config import ErnieMConfig
from erniem_lab.convert import convert
from erniem_lab.errors import FileFaultError, InputValueError
from erniem_lab.model import ErnieMModel
from erniem_lab.paddle import hf_name, hf_weights, read_pdparams

PADDLE = GOLDEN / "paddle"
CLASSES: dict[str, Any] = {
    "ErnieMModel": ErnieMModel,
    "ErnieMForSequenceClassification": heads.ErnieMForSequenceClassification,
    "UIEM": heads.ErnieMForInformationExtraction,
}
FLOAT32 = 1e-5  # two frameworks add up the same float32 products in different orders


def paddle_name(name: str) -> str:
    return name.replace("self_attn.self_attn.", "self_attn.")


def as_paddle(state: dict[str, Tensor]) -> dict[str, Any]:
    """A state dict as PaddleNLP keeps it."""
    turned = {
        name: tensor.T if tensor.ndim == 2 and "_embeddings" not in name else tensor for name, tensor in state.items()
    }
    return {paddle_name(name): np.ascontiguousarray(tensor.numpy()) for name, tensor in turned.items()}


def plain_arrays(state: dict[str, Tensor]) -> dict[str, Any]:
    return {name: tensor.numpy() for name, tensor in state.items()}


def paddle_folder(folder: Path, content: object, protocol: int = 4, **config: Any) -> Path:
    folder_with_config(folder, **{"paddlenlp_version": None, **config})
    (folder / "model_state.pdparams").write_bytes(pickle.dumps(content, protocol))
    return folder


def mask_and_positions(regime: str, ids: Tensor) -> dict[str, Tensor]:
    """What to give so that padding is treated as Paddle's recorded regime treats it."""
    if regime == "none":
        return {"attention_mask": (ids != 0).long()}  # without a mask Paddle hides [CLS], and not the padding
    return {"attention_mask": (ids != 1).long()}


@pytest.mark.parametrize("converted", [False, True])
@pytest.mark.parametrize("regime", ["none", "mask"])
@pytest.mark.parametrize("name", [*CLASSES])
def test_the_outputs_are_those_of_paddle(tmp_path: Path, name: str, regime: str, converted: bool) -> None:
    recorded = np.load(PADDLE / "outputs.npz")
    ids = torch.from_numpy(recorded["ids"])
    source = convert(PADDLE / name, tmp_path / "out").path if converted else PADDLE / name
    model = CLASSES[name].from_pretrained(source)
    outputs = model(input_ids=ids, **mask_and_positions(regime, ids)).to_tuple()
    for i, output in enumerate(outputs):
        found = output.sigmoid() if name == "UIEM" else output
        expected = torch.from_numpy(recorded[f"{name}.{regime}.{i}"])
        torch.testing.assert_close(found, expected, atol=FLOAT32, rtol=FLOAT32)


@pytest.mark.parametrize("file", ["v_state", "v_p2"])
def test_both_pickle_protocols_of_paddle_are_read(file: str) -> None:
    assert read_pdparams(PADDLE / f"{file}.pdparams")["w"].flatten().tolist() == [0, 1, 2, 3, 4, 5]


def test_a_nested_dict_of_paddle_is_read() -> None:
    assert read_pdparams(PADDLE / "v_nested.pdparams").keys() == {"w"}


def test_bfloat16_stored_as_uint16_is_read_as_bfloat16() -> None:
    assert read_pdparams(PADDLE / "v_bf16.pdparams")["w"].dtype is torch.bfloat16


def test_a_single_tensor_is_no_checkpoint(tmp_path: Path) -> None:
    shutil.copy(PADDLE / "v_tensor.pdtensor", folder_with_config(tmp_path) / "model_state.pdparams")
    refusal(tmp_path, "model_state.pdparams", "named tensors")


def test_a_file_name_of_paddles_releases_is_found(tmp_path: Path) -> None:
    shutil.copy(PADDLE / "raw.pdparams", tmp_path / "ernie_m_base.pdparams")
    shutil.copy(PADDLE / "ErnieMModel" / "config.json", tmp_path)
    assert len(open_checkpoint(tmp_path).weights) == 38


def test_several_files_of_paddle_are_not_guessed_between() -> None:
    with pytest.raises(FileFaultError, match=r"v_bf16\.pdparams, v_nested\.pdparams"):
        open_checkpoint(PADDLE)


def test_names_and_matrices_come_back_after_a_round_trip() -> None:
    state = dict(tiny_encoder().state_dict())
    there = {name: torch.from_numpy(array) for name, array in as_paddle(state).items()}
    assert same(hf_weights(there, "np"), state)
    assert same(hf_weights(state, "pt"), state)


def test_square_matrices_are_turned_by_their_name() -> None:
    square = torch.tensor([[1.0, 2.0], [3.0, 4.0]])
    names = ["encoder.layers.0.self_attn.out_proj.weight", "pooler.dense.weight", "embeddings.word_embeddings.weight"]
    found = hf_weights(dict.fromkeys(names, square), "np")
    assert [bool((found[name] == square).all()) for name in names] == [False, False, True]


def test_a_weight_under_both_names_is_not_guessed(tmp_path: Path) -> None:
    state = dict(tiny_encoder().state_dict())
    refusal(paddle_folder(tmp_path, {**as_paddle(state), **plain_arrays(state)}), "model_state.pdparams", "q_proj")


def test_names_of_hugging_face_stay() -> None:
    assert all(hf_name(name) == name for name in tiny_encoder().state_dict())


def test_the_layout_is_told_from_the_shape_where_metadata_is_wrong(tmp_path: Path) -> None:
    state = dict(tiny_encoder().state_dict())
    folder_with_config(tmp_path / "paddle")
    save_numpy(as_paddle(state), tmp_path / "paddle" / "model.safetensors", metadata={"format": "pt"})
    folder_with_config(tmp_path / "hf")
    save_numpy(plain_arrays(state), tmp_path / "hf" / "model.safetensors", metadata={"format": "np"})
    assert same(dict(open_checkpoint(tmp_path / "paddle").weights), state)
    assert same(dict(open_checkpoint(tmp_path / "hf").weights), state)


@pytest.mark.parametrize("dtype", [torch.float16, torch.float64])
def test_other_float_formats_of_paddle_are_kept(tmp_path: Path, dtype: torch.dtype) -> None:
    state = dict(tiny_encoder().to(dtype).state_dict())
    assert same(dict(open_checkpoint(paddle_folder(tmp_path, as_paddle(state))).weights), state)


def test_a_checkpoint_in_bfloat16_is_converted_without_loss(tmp_path: Path) -> None:
    state = dict(tiny_encoder().to(torch.bfloat16).state_dict())
    bits = as_paddle({name: tensor.view(torch.uint16) for name, tensor in state.items()})
    source = paddle_folder(tmp_path / "in", bits, architectures=["ErnieMModel"])
    assert same(dict(convert(source, tmp_path / "out").weights), state)


@pytest.mark.parametrize("order", ["C", "F"])
@pytest.mark.parametrize("protocol", [2, 3, 4])
def test_every_way_to_pickle_an_array_is_read(tmp_path: Path, order: Any, protocol: int) -> None:
    array = np.asarray(np.arange(24, dtype=np.float32).reshape(2, 3, 4), order=order)
    path = tmp_path / "a.pdparams"
    path.write_bytes(pickle.dumps(OrderedDict(a=array, scalar=np.zeros(()), none=np.ones((0, 2))), protocol))
    found = read_pdparams(path)
    assert torch.equal(found["a"], torch.from_numpy(np.ascontiguousarray(array)))
    assert found["scalar"].shape == ()
    assert found["none"].shape == (0, 2)


def test_split_arrays_are_joined(tmp_path: Path) -> None:
    whole = np.arange(6, dtype=np.float32)
    split = {"w": {"OriginShape": (2, 3), "slices": ["w@@.0", "w@@.1"]}}
    content = {"w@@.0": whole[:4], "w@@.1": whole[4:], "UnpackBigParamInfor@@": split}
    (tmp_path / "a.pdparams").write_bytes(pickle.dumps(content, 2))
    assert read_pdparams(tmp_path / "a.pdparams")["w"].tolist() == [[0, 1, 2], [3, 4, 5]]


@pytest.mark.parametrize(
    "array",
    [
        np.array([{"a": 1}], dtype=object),
        np.array(["text"]),
        np.array([(1, 2.0)], dtype=[("x", "i4"), ("y", "f4")]),
        np.array([1.0], dtype=">f4"),
        np.array([1j], dtype=np.complex64),
        np.array(["2020-01-01"], dtype="M8[D]"),
    ],
)
def test_arrays_of_anything_but_plain_numbers_are_refused(tmp_path: Path, array: Any) -> None:
    refusal(paddle_folder(tmp_path, {"a": array}), "model_state.pdparams")


def test_a_truncated_file_is_refused_at_every_length(tmp_path: Path) -> None:
    whole = (PADDLE / "v_nested.pdparams").read_bytes()
    for kept in range(len(whole)):
        (folder_with_config(tmp_path) / "model_state.pdparams").write_bytes(whole[:kept])
        refusal(tmp_path, "model_state.pdparams")


def test_a_flipped_byte_gives_an_error_or_plain_numbers(tmp_path: Path) -> None:
    whole = (PADDLE / "v_p2.pdparams").read_bytes()
    path = tmp_path / "a.pdparams"
    for place in range(len(whole)):
        for flip in (1, 0x80, 0xFF):
            path.write_bytes(whole[:place] + bytes([whole[place] ^ flip]) + whole[place + 1 :])
            try:
                found = read_pdparams(path)
            except FileFaultError:
                continue
            assert all(type(tensor) is Tensor for tensor in found.values())


def test_a_file_cannot_change_what_it_may_call(tmp_path: Path) -> None:
    path = tmp_path / "a.pdparams"
    path.write_bytes(b"\x80\x02c_codecs\nencode\n}X\x01\x00\x00\x00aK\x01sb.")
    with pytest.raises(FileFaultError, match="cannot change a function"):
        read_pdparams(path)


def test_the_question_answering_head_gets_hugging_faces_name(tmp_path: Path) -> None:
    state = {f"ernie_m.{name}": tensor for name, tensor in tiny_encoder().state_dict().items()}
    state |= {"classifier.weight": torch.ones(2, 4), "classifier.bias": torch.ones(2)}
    source = paddle_folder(
        tmp_path / "in", as_paddle(state), architectures=["ErnieMForQuestionAnswering"], num_labels=2
    )
    found = convert(source, tmp_path / "out").weights
    assert found["qa_outputs.weight"].shape == (2, 4)
    assert "ernie_m.pooler.dense.bias" not in found


def test_the_older_config_and_its_position_buffer_are_read(tmp_path: Path) -> None:
    sizes = {key: value for key, value in TINY.to_dict().items() if key not in ("model_type", "intermediate_size")}
    older = {"init_args": [{**sizes, "init_class": "ErnieMModel"}, 3], "init_class": "ErnieMModel"}
    state = {**as_paddle(dict(tiny_encoder().state_dict())), "embeddings.position_ids": np.arange(6)[None]}
    (tmp_path / "model_state.pdparams").write_bytes(pickle.dumps(state))
    (tmp_path / "model_config.json").write_text(json.dumps(older))
    assert same(dict(ErnieMModel.from_pretrained(tmp_path).state_dict()), dict(tiny_encoder().state_dict()))


def test_a_wrong_intermediate_size_of_paddle_is_that_of_the_weights(tmp_path: Path) -> None:
    source = paddle_folder(tmp_path / "in", as_paddle(dict(tiny_encoder().state_dict())), intermediate_size=12)
    assert open_checkpoint(source).config["intermediate_size"] == 16
    assert ErnieMConfig.from_dict(convert(source, tmp_path / "out").config).intermediate_size == 16


def test_a_conversion_takes_the_tokenizer_along_and_is_verified(tmp_path: Path) -> None:
    source = paddle_folder(tmp_path / "in", as_paddle(dict(tiny_encoder().state_dict())))
    for name in ("vocab.txt", "sentencepiece.bpe.model"):
        shutil.copy(GOLDEN / "tokenizer" / name, source)
    done = convert(source, tmp_path / "out")
    names = {"vocab.txt", "sentencepiece.bpe.model", "config.json", "model.safetensors", "manifest.json", "README.md"}
    assert {path.name for path in done.path.iterdir()} == names
    assert done.verified
    (done.path / "vocab.txt").write_text("changed")
    refusal(done.path, "vocab.txt")


def test_a_conversion_does_not_write_into_a_folder_with_files(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").touch()
    with pytest.raises(InputValueError, match="out="):
        convert(PADDLE / "UIEM", tmp_path)


@pytest.mark.filterwarnings("ignore:.*are initialised:UserWarning")
@pytest.mark.parametrize("named", [["BertModel"], ["ErnieMForTokenClassification"]])
def test_a_conversion_needs_the_class_that_the_config_names(tmp_path: Path, named: list[str]) -> None:
    source = paddle_folder(tmp_path / "in", as_paddle(dict(tiny_encoder().state_dict())), architectures=named)
    with pytest.raises(FileFaultError, match=named[0]):
        convert(source, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_head_without_a_class_name_is_not_dropped(tmp_path: Path) -> None:
    state = {**as_paddle(dict(tiny_encoder().state_dict())), "classifier.bias": np.ones(3, np.float32)}
    with pytest.raises(FileFaultError, match=r"classifier\.bias belong to a head"):
        convert(paddle_folder(tmp_path / "in", state), tmp_path / "out")
