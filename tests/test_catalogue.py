import json
import subprocess
import sys

import pytest

from text2sql.bases import BASES, Architecture, find_base
from text2sql.bases.architecture import read_architecture
from text2sql.errors import ModelError, UnknownName
from text2sql.prompting import ANSWERS, FORMATS

PUBLISHED = {  # billions of parameters, from the model cards
    "codellama-7b": 6.739,
    "codellama-13b": 13.016,
    "codellama-34b": 33.744,
    "ziya-coding-34b": 33.7,
    "ziya-coding-15b": 15.517,
    "ziya-llama-13b": 13.1,
    "abacus": 2.7,
    "qwen2.5-coder-0.5b": 0.494,
    "qwen2.5-coder-1.5b": 1.544,
    "qwen2.5-coder-3b": 3.086,
    "qwen2.5-coder-7b": 7.616,
    "qwen2.5-coder-14b": 14.770,
    "qwen2.5-coder-32b": 32.764,
    "deepseek-coder-1.3b-base": 1.346,
    "deepseek-coder-6.7b-base": 6.741,
    "deepseek-coder-33b-base": 33.343,
    "starcoder2-3b": 3.030,
    "starcoder2-7b": 7.174,
    "starcoder2-15b": 15.957,
    "llama-3.1-8b": 8.030,
}
HUB_IDS = [
    *(f"codellama/CodeLlama-{n}b{k}-hf" for n in (7, 13, 34) for k in ("", "-Python", "-Instruct")),
    *(f"codellama/CodeLlama-70b{k}-hf" for k in ("", "-Instruct")),
    "IDEA-CCNL/Ziya-Coding-15B-v1",
    "IDEA-CCNL/Ziya-Coding-34B-v1.0",
    *(f"IDEA-CCNL/Ziya-LLaMA-13B-{k}" for k in ("v1", "v1.1", "Pretrain-v1")),
    "HIT-SCIR/Abacus",
    *(
        f"Qwen/Qwen2.5-Coder-{n}B{k}"
        for n in ("0.5", "1.5", "3", "7", "14", "32")
        for k in ("", "-Instruct")
    ),
    *(
        f"deepseek-ai/deepseek-coder-{n}b-{k}"
        for n in ("1.3", "6.7", "33")
        for k in ("base", "instruct")
    ),
    *(f"deepseek-ai/deepseek-coder-7b-{k}-v1.5" for k in ("base", "instruct")),
    *(f"deepseek-ai/DeepSeek-Coder-V2-Lite-{k}" for k in ("Base", "Instruct")),
    *(f"bigcode/starcoder2-{k}" for k in ("3b", "7b", "15b", "15b-instruct-v0.1")),
    *(f"meta-llama/Meta-Llama-3.1-{k}" for k in ("8B", "8B-Instruct", "70B")),
    *(f"XGenerationLab/XiYanSQL-QwenCoder-{n}B-{v}" for n in (3, 7, 14, 32) for v in (2504, 2502)),
    "XGenerationLab/XiYanSQL-QwenCoder-32B-2412",
    *(f"seeklhy/OmniSQL-{n}B" for n in (7, 14, 32)),
    *(
        f"seeklhy/codes-{n}b{k}"
        for n in (1, 3, 7, 15)
        for k in ("", "-spider", "-bird", "-bird-with-evidence")
    ),
    *(f"MPX0222forHF/SQL-R1-{n}B" for n in (3, 7, 14)),
    "Snowflake/Arctic-Text2SQL-R1-7B",
    "defog/sqlcoder-7b-2",
    "defog/llama-3-sqlcoder-8b",
    "premai-io/prem-1B-SQL",
]


@pytest.mark.parametrize(("name", "billions"), PUBLISHED.items())
def test_parameters_agree_with_the_model_card(name, billions):
    assert BASES[name].architecture.parameters() / 1e9 == pytest.approx(billions, rel=0.01)


def test_every_known_model_is_in_the_catalogue():
    assert {base.hub_id for base in BASES.values()} - {None} == set(HUB_IDS)


@pytest.mark.parametrize("base", BASES.values(), ids=BASES)
def test_an_entry_names_formats_that_exist(base):
    assert base.prompt_format in FORMATS and base.answer_format in ANSWERS
    assert find_base(base.name) is base and base.licence


def test_no_two_entries_answer_to_one_name():
    names = [n.casefold() for b in BASES.values() for n in (b.name, b.hub_id, *b.aliases) if n]
    assert sorted(set(names)) == sorted(names)


@pytest.mark.parametrize(
    "text", ["codellama/CodeLlama-7b-hf", "CODELLAMA/codellama-7B-HF", "CodeLlama-7B"]
)
def test_names_and_hub_ids_are_found_whatever_their_case(text):
    assert find_base(text) is BASES["codellama-7b"]


def test_a_twin_keeps_the_hub_id_that_was_asked_for():
    base = find_base("meta-llama/CodeLlama-7b-Instruct-hf")
    assert (base.hub_id, base.prompt_format) == ("meta-llama/CodeLlama-7b-Instruct-hf", "llama2")


def test_an_unknown_short_name_is_answered_with_the_nearest():
    with pytest.raises(UnknownName, match="did you mean 'codellama-7b-instruct'"):
        find_base("codelama-7b-instruct")


def test_a_hub_id_outside_the_catalogue_uses_its_own_chat_template():
    base = find_base("someone/New-Coder-9B")
    assert (base.hub_id, base.prompt_format, base.architecture) == (
        "someone/New-Coder-9B",
        "chat",
        None,
    )


def test_a_server_is_no_base():
    with pytest.raises(ModelError, match="is a server"):
        find_base("http://localhost:8000/v1#m")


def model_folder(path, config, **files):
    path.mkdir(parents=True)
    for name, content in {"config.json": config, **files}.items():
        (path / name).write_text(json.dumps(content))
    return path


def adapter_folder(path):
    (model_folder(path, {}, **{"adapter_config.json": {}}) / "config.json").unlink()
    return path


def test_a_downloaded_copy_is_known_by_its_folders_name(tmp_path):
    folder = model_folder(tmp_path / "CodeLlama-7b-Instruct-hf", {"model_type": "llama"})
    base = find_base(str(folder))
    assert (base.prompt_format, base.path, base.hub_id) == (
        "llama2",
        folder,
        "codellama/CodeLlama-7b-Instruct-hf",
    )
    assert base.source == str(folder)


def test_a_copy_is_known_by_what_its_config_says_it_came_from(tmp_path):
    config = {"model_type": "qwen2", "_name_or_path": "seeklhy/OmniSQL-7B"}
    assert find_base(model_folder(tmp_path / "mine", config)).prompt_format == "omnisql"


def test_a_copy_in_the_hubs_cache_is_known_by_its_place(tmp_path):
    folder = tmp_path / "models--IDEA-CCNL--Ziya-Coding-15B-v1" / "snapshots" / "abc123"
    assert find_base(model_folder(folder, {})).prompt_format == "ziya-coding-15b"


def test_an_unknown_folder_has_the_numbers_of_its_config(tmp_path):
    config = {
        "model_type": "gpt_bigcode",
        "n_embd": 64,
        "n_layer": 2,
        "n_head": 4,
        "n_positions": 128,
    }
    base = find_base(model_folder(tmp_path / "own", {**config, "vocab_size": 300}))
    assert base.architecture == Architecture("gpt_bigcode", 64, 2, 4, 1, 256, 300, 128, True)
    assert (base.prompt_format, base.lora_targets) == ("chat", ("c_attn", "c_proj", "c_fc"))


def test_a_config_with_a_missing_number_gives_no_architecture():
    assert read_architecture({"model_type": "llama", "hidden_size": 64}) is None
    assert read_architecture({"model_type": "mamba", "hidden_size": 64}) is None


@pytest.mark.parametrize("family", ["llama", "qwen2", "starcoder2", "gpt_bigcode"])
def test_counted_parameters_are_those_that_the_library_makes(family):
    from transformers import AutoConfig, AutoModelForCausalLM

    sizes = {
        "hidden_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "num_key_value_heads": 2,
    }
    sizes |= {"intermediate_size": 160, "vocab_size": 300, "max_position_embeddings": 128}
    if family == "gpt_bigcode":
        sizes = {
            "n_embd": 64,
            "n_layer": 2,
            "n_head": 4,
            "n_inner": 160,
            "vocab_size": 300,
            "n_positions": 128,
        }
    config = AutoConfig.for_model(family, **sizes)
    model = AutoModelForCausalLM.from_config(config)
    architecture = read_architecture(config.to_dict())
    assert architecture.parameters() == sum(parameter.numel() for parameter in model.parameters())


def test_a_folders_own_card_wins(tmp_path):
    card = {
        "prompt_format": "dail",
        "answer_format": "select",
        "stop": ["</s>"],
        "lora_targets": ["q_proj"],
    }
    base = find_base(
        model_folder(tmp_path / "own", {"model_type": "llama"}, **{"text2sql.json": card})
    )
    assert (base.prompt_format, base.answer_format, base.stop) == ("dail", "select", ("</s>",))
    assert base.name == "own"


def test_a_misspelt_key_in_a_folders_card_is_named(tmp_path):
    folder = model_folder(tmp_path / "own", {}, **{"text2sql.json": {"promt_format": "dail"}})
    with pytest.raises(
        ModelError, match=r"text2sql\.json: promt_format: .*known: name, prompt_format"
    ):
        find_base(folder)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda path: path / "nowhere", "does not exist"),
        (lambda path: path, "holds no config.json"),
        (lambda path: adapter_folder(path / "a"), "holds an adapter"),
        (lambda path: model_folder(path / "a", []), "not a JSON object"),
    ],
)
def test_a_folder_without_a_model_is_refused(tmp_path, make, message):
    with pytest.raises(ModelError, match=message):
        find_base(make(tmp_path))


def test_a_broken_config_is_named(tmp_path):
    (model_folder(tmp_path / "a", {}) / "config.json").write_text("{")
    with pytest.raises(ModelError, match=r"config\.json"):
        find_base(tmp_path / "a")


def test_a_folder_wins_over_the_hub_id_that_it_is_called_by(tmp_path, monkeypatch):
    folder = model_folder(tmp_path / "codellama" / "CodeLlama-7b-hf", {"model_type": "llama"})
    monkeypatch.chdir(tmp_path)
    assert find_base("codellama/CodeLlama-7b-hf").path == folder
    assert find_base("codellama-7b").path is None


def test_the_catalogue_and_the_prompts_load_no_heavy_library():
    code = "import sys, text2sql.bases.catalogue, text2sql.prompting; print(*sys.modules)"
    loaded = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    heavy = {"torch", "transformers", "huggingface_hub", "sqlalchemy", "duckdb", "peft"}
    assert heavy.isdisjoint(loaded.stdout.split())
