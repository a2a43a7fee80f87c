"""Records what PaddleNLP's Taskflow extracts with a small UIE-M of closed-form weights.

    pip install paddlepaddle==2.6.2 paddlenlp==2.8.1 scipy "numpy<2" "pyarrow<18" "datasets<3"
    python tests/golden/make_taskflow_goldens.py

Weights are drawn in the order of Hugging Face's names, in its shapes: 0.3 times a normal number of one RandomState,
plus 1 for the weights of norms; the biases of the head are BIASES. So no file of weights is needed.
Taskflow takes spans in the order of a set's hashes; where the first decides by chance of which kind a question is, a
case says nothing, and such schemas were left out.
"""

import scipy.linalg  # before paddle, whose zlib it cannot be loaded beside  # noqa: F401
import json
import shutil
import sys
import tempfile
from pathlib import Path

import numpy as np
import paddle
from paddlenlp import Taskflow
from paddlenlp.transformers import UIEM, ErnieMConfig, ErnieMTokenizer

HERE = Path(__file__).parent
TOKENIZER = HERE / "tokenizer"
SEED, BIASES = 4, {"linear_start.bias": -0.2, "linear_end.bias": -1.4}
SETTINGS = {
    "vocab_size": 582, "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4,
    "intermediate_size": 128, "max_position_embeddings": 514, "pad_token_id": 1,
}
LONG = "The quick brown fox jumps over the lazy dog in 2024, and this is a test. " * 16
CASES = [
    ("en", ["person", {"company": ["city", "job of a man"]}], ["The quick brown fox.", "Anna lives in Paris, he said."]),
    ("en", "mood [good, bad]", ["This is a test.", "It was 20 and 30."]),
    ("en", {"thing": "mood[good, bad]"}, ["This is a test of the fox.", "dog"]),
    ("en", ["long one", "a"], [LONG, "short"]),
    ("en", "mood[good,bad,so so]", [LONG, LONG[9:700]]),
    ("ch", ["竞赛名称", {"选手": "fox"}], ["2月8日上午北京冬奥会自由式滑雪女子大跳台决赛", "Ａ公司，The fox！"]),
    ("ch", "情感倾向[正向，负向]", ["这个产品用起来真的很流畅，我非常喜欢", "fox 2024"]),
    ("ch", {"fox": "的"}, [LONG[:560]]),
]


def hf_name(name: str) -> str:
    for part in ("q_proj", "k_proj", "v_proj"):
        name = name.replace(f"self_attn.{part}", f"self_attn.self_attn.{part}")
    return name


def weights(model: UIEM) -> dict[str, np.ndarray]:
    names = {hf_name(name): (name, value.shape) for name, value in model.state_dict().items()}
    filled, draw = {}, np.random.RandomState(SEED)
    for hf in sorted(names):
        name, shape = names[hf]
        turned = len(shape) == 2 and "_embeddings" not in name
        value = draw.normal(size=shape[::-1] if turned else shape) * 0.3 + (1 if "norm" in hf and "weight" in hf else 0)
        value = np.full(shape, BIASES[hf]) if hf in BIASES else value
        filled[name] = np.ascontiguousarray((value.T if turned else value).astype("float32"))
    return filled


def main() -> None:
    folder = Path(tempfile.mkdtemp())
    model = UIEM(ErnieMConfig(**SETTINGS))
    model.set_state_dict({name: paddle.to_tensor(value) for name, value in weights(model).items()})
    model.save_pretrained(folder)
    files = [shutil.copy(TOKENIZER / name, folder) for name in ("vocab.txt", "sentencepiece.bpe.model")]
    ErnieMTokenizer(*files).save_pretrained(folder)
    found = []
    for language, schema, texts in CASES:
        flow = Taskflow(
            "information_extraction", model="uie-m-base", task_path=str(folder), schema=schema, schema_lang=language
        )
        found.append({"language": language, "schema": schema, "texts": texts, "found": flow(texts)})
        print(language, schema, json.dumps(found[-1]["found"], ensure_ascii=False)[:300], file=sys.stderr)
    out = {"settings": SETTINGS, "seed": SEED, "biases": BIASES, "cases": found}
    (HERE / "taskflow.json").write_text(json.dumps(out, ensure_ascii=False, indent=0) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
