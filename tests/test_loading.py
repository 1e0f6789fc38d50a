"""Loading from a real HTTP server that plays the hub, and from folders made on the spot."""

import errno
import hashlib
import json
import os
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
import tiny_tokenizers

from text2sql.bases import find_base, load_model, load_tokenizer, loading
from text2sql.bases.loading import set_pad_token
from text2sql.errors import MissingExtra, ModelError, UnknownName

COMMIT = "0123456789abcdef0123456789abcdef01234567"
ASK = """
import json, sys, logging
from text2sql.bases import find_base, load_model, load_tokenizer
from text2sql.errors import Text2SQLError
answers = {}
for name in sys.argv[2:]:
    try:
        loaded = (load_model if sys.argv[1] == "model" else load_tokenizer)(find_base(name))
        answers[name] = type(loaded).__name__
    except Text2SQLError as error:
        answers[name] = str(error)
print(json.dumps(answers))
"""


def tiny_config():
    from transformers import LlamaConfig

    sizes = {
        "hidden_size": 16,
        "num_hidden_layers": 1,
        "num_attention_heads": 2,
        "intermediate_size": 32,
    }
    return LlamaConfig(
        **sizes, vocab_size=len(tiny_tokenizers.byte_level()), max_position_embeddings=64
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Return the folder of a saved tiny Llama with its tokenizer."""
    import torch
    from transformers import LlamaForCausalLM

    torch.manual_seed(0)
    path = tmp_path_factory.mktemp("models") / "tiny"
    LlamaForCausalLM(tiny_config()).save_pretrained(path)
    tiny_tokenizers.byte_level().save_pretrained(path)
    return path


@pytest.fixture
def hub(folder):
    """Serve `org/tiny` from the folder; other repositories answer what their names say."""

    class Hub(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self, status, body=b"", **headers):
            self.send_response(status)
            for name, value in {"Content-Length": str(len(body)), **headers}.items():
                self.send_header(name.replace("_", "-"), value)
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(body)

        def do_GET(self):
            parts = self.path.split("?")[0].strip("/").split("/")
            if parts[:2] == ["api", "models"]:
                size = 2**60 if parts[3] == "huge" else 1
                files = [{"rfilename": "model.safetensors", "size": size}]
                return self.answer(
                    200, json.dumps({"id": "/".join(parts[2:4]), "siblings": files}).encode()
                )
            kinds = {
                "gated": (401, "GatedRepo"),
                "absent": (401, "RepoNotFound"),
                "empty": (404, "EntryNotFound"),
            }
            kinds |= {"broken": (500, ""), "old": (404, "RevisionNotFound")}
            if parts[1] in kinds:
                status, code = kinds[parts[1]]
                return self.answer(status, X_Error_Code=code)
            file = folder / parts[-1]
            if not file.exists():
                return self.answer(404, X_Error_Code="EntryNotFound")
            body = file.read_bytes()
            etag = hashlib.sha256(body).hexdigest()
            return self.answer(200, body, ETag=f'"{etag}"', X_Repo_Commit=COMMIT)

        do_HEAD = do_GET

        def log_message(self, *args):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Hub)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


def ask(what, *names, home, **environment):
    """Load in a new process: the hub's library reads its environment when it is imported."""
    clean = {k: v for k, v in os.environ.items() if not k.startswith(("HF_", "TRANSFORMERS_"))}
    environment = {**clean, "HF_HOME": str(home), "OMP_NUM_THREADS": "1", **environment}
    done = subprocess.run(
        [sys.executable, "-c", ASK, what, *names],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        cwd=Path(loading.__file__).parents[2],
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout), done.stderr


def test_what_the_hub_refuses_is_one_line_with_id_reason_and_way_out(hub, tmp_path):
    reasons = {
        "org/gated": f"it is gated: accept its licence at {hub}/org/gated and set HF_TOKEN",
        "org/absent": f"{hub} has no such model, or it is private and HF_TOKEN is not set",
        "org/empty": "it has no config.json, so it is no transformers model",
        "org/old": "it has no revision 'main'",
        "org/broken": f"{hub} answered 500",
    }
    answers, stderr = ask("tokenizer", *reasons, home=tmp_path, HF_ENDPOINT=hub)
    way_out = "download it on another machine and give the folder: --base /path/to/folder"
    assert answers == {
        name: f"cannot load base {name}: {why}; {way_out}" for name, why in reasons.items()
    }
    assert stderr == ""


def test_a_disk_that_is_too_small_is_told_before_the_download(hub, tmp_path):
    answers, _ = ask("model", "org/huge", home=tmp_path, HF_ENDPOINT=hub)
    assert "org/huge: not enough disk: 1073741824.0 GiB to download" in answers["org/huge"]


def test_without_a_network_the_catalogues_bases_fail_at_once(tmp_path):
    nobody = "http://127.0.0.1:9"  # the discard port: nothing listens
    answers, stderr = ask("model", "codellama-7b", home=tmp_path, HF_ENDPOINT=nobody)
    assert f"base codellama/CodeLlama-7b-hf: cannot connect to {nobody}" in answers["codellama-7b"]
    assert "\n" not in answers["codellama-7b"] and stderr == ""


def test_offline_mode_says_so(tmp_path):
    answers, stderr = ask("tokenizer", "org/tiny", home=tmp_path, HF_HUB_OFFLINE="1")
    assert (
        "org/tiny: offline mode is on (HF_HUB_OFFLINE) and it is not in the cache"
        in answers["org/tiny"]
    )
    assert stderr == ""


def test_a_model_comes_from_the_hub_and_afterwards_from_its_cache(hub, tmp_path):
    for endpoint in (hub, "http://127.0.0.1:9"):
        answers, _ = ask("model", "org/tiny", home=tmp_path, HF_ENDPOINT=endpoint)
        assert answers == {"org/tiny": "LlamaForCausalLM"}
    answers, _ = ask("tokenizer", "org/tiny", home=tmp_path, HF_HUB_OFFLINE="1")
    assert "cannot load base org/tiny" in answers["org/tiny"]  # only the weights were fetched


def test_a_folder_loads_in_float32_on_a_cpu(folder):
    import torch

    model, tokenizer = load_model(find_base(folder)), load_tokenizer(find_base(folder))
    expected = torch.float32 if not torch.cuda.is_available() else torch.bfloat16
    assert model.dtype == expected and not model.training
    assert tokenizer.pad_token == "<|endoftext|>" and len(tokenizer) == model.config.vocab_size
    assert load_model(find_base(folder), dtype="bfloat16").dtype == torch.bfloat16


def test_loading_a_folder_writes_nothing(folder, capfd):
    load_tokenizer(find_base(folder))
    load_model(find_base(folder))
    assert capfd.readouterr() == ("", "")


def test_a_misspelt_data_type_is_answered_with_the_nearest(folder):
    with pytest.raises(UnknownName, match="did you mean 'bfloat16'"):
        load_model(find_base(folder), dtype="bfloat")


def test_an_adapter_is_put_on_its_base_and_not_on_another(folder, tmp_path):
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import LlamaForCausalLM

    base = find_base(folder)
    adapted = get_peft_model(
        load_model(base), LoraConfig(r=2, target_modules=list(base.lora_targets))
    )
    adapted.save_pretrained(tmp_path / "adapter")
    loaded = load_model(base, adapter=tmp_path / "adapter")
    assert type(loaded).__name__.startswith("Peft") and not loaded.training
    config = tiny_config()
    config.hidden_size, config.head_dim = 32, 16
    torch.manual_seed(0)
    LlamaForCausalLM(config).save_pretrained(tmp_path / "other")
    with pytest.raises(ModelError, match=r"cannot load adapter .*size mismatch"):
        load_model(find_base(tmp_path / "other"), adapter=tmp_path / "adapter")


def test_a_missing_adapter_is_told_before_the_base_is_loaded(tmp_path):
    with pytest.raises(
        ModelError, match=r"cannot load adapter .*nowhere: the folder does not exist"
    ):
        load_model(find_base("codellama-70b"), adapter=tmp_path / "nowhere")


def test_a_folder_without_weights_is_one_line(folder, tmp_path):
    bare = tmp_path / "bare"
    bare.mkdir()
    (bare / "config.json").write_bytes((folder / "config.json").read_bytes())
    with pytest.raises(
        ModelError, match=r"cannot load base .*bare: .*model\.safetensors"
    ) as caught:
        load_model(find_base(bare))
    assert "\n" not in str(caught.value)
    (bare / "model.safetensors").write_bytes(b"not tensors")
    with pytest.raises(ModelError, match="cannot load base"):
        load_model(find_base(bare))


def test_code_from_a_repository_runs_only_where_it_is_allowed():
    with pytest.raises(
        ModelError, match=r"abacus needs Python code .*HIT-SCIR/Abacus.*--trust-remote-code"
    ):
        load_tokenizer(find_base("abacus"))


def without(monkeypatch, package):
    find = loading.find_spec
    monkeypatch.setattr(loading, "find_spec", lambda name: None if name == package else find(name))


@pytest.mark.parametrize(
    ("package", "extra"), [("torch", "infer"), ("transformers", "infer"), ("peft", "infer")]
)
def test_a_missing_library_names_its_extra(monkeypatch, package, extra, folder, tmp_path):
    without(monkeypatch, package)
    with pytest.raises(MissingExtra, match=rf"needs {package}.*text2sql\[{extra}\]"):
        load_model(find_base(folder), adapter=tmp_path)


def test_four_bit_without_bitsandbytes_names_its_extra(monkeypatch, folder):
    without(monkeypatch, "bitsandbytes")
    with pytest.raises(MissingExtra, match=r"needs bitsandbytes.*text2sql\[quant\]"):
        load_model(find_base(folder), load_in_4bit=True)


def test_a_full_disk_is_told_in_plain_words():
    assert (
        loading._reason(OSError(errno.ENOSPC, "No space left"))
        == "the disk is full (HF_HOME moves the cache)"
    )


def test_a_pad_token_is_one_that_the_vocabulary_has():
    tokenizer = tiny_tokenizers.llama_like.__wrapped__()
    tokenizer.pad_token = None
    size = len(tokenizer)
    set_pad_token(tokenizer)
    assert (tokenizer.pad_token, len(tokenizer)) == ("<unk>", size)
