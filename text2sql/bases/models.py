"""The table of known base models.

Numbers come from the models' public configuration files as remembered; a number that is not known
is left out. Prompt formats and stop tokens come from the model cards.

Not covered: quantised copies (`HIT-SCIR/Abacus-gguf`), which transformers does not train, and
reward models (`IDEA-CCNL/Ziya-LLaMA-7B-Reward`), which write no SQL.
"""

from collections.abc import Iterator

from text2sql.bases import mini
from text2sql.bases.architecture import Architecture
from text2sql.bases.base import BIGCODE_TARGETS, LLAMA_TARGETS, STARCODER2_TARGETS, Base

LLAMA2 = "Llama 2 community licence"
LLAMA3 = "Llama 3 community licence; gated"
APACHE = "Apache-2.0"
QWEN_SMALL = "Qwen research licence: not for commercial use"
END = ("</s>",)
TEXT_END = ("<|endoftext|>",)
CHATML_END = ("<|im_end|>", "<|endoftext|>")
LLAMA3_END = ("<|eot_id|>", "<|end_of_text|>")
DEEPSEEK_END = ("<｜end▁of▁sentence｜>",)


def _llama(
    width: int, layers: int, heads: int, kv: int, ffn: int, words: int, context: int
) -> Architecture:
    return Architecture("llama", width, layers, heads, kv, ffn, words, context, tied=False)


CODELLAMA = {
    "7b": _llama(4096, 32, 32, 32, 11008, 32016, 16384),
    "13b": _llama(5120, 40, 40, 40, 13824, 32016, 16384),
    "34b": _llama(8192, 48, 64, 8, 22016, 32000, 16384),
}
ZIYA_LLAMA = _llama(5120, 40, 40, 40, 13824, 39424, 2048)
STARCODER = Architecture("gpt_bigcode", 6144, 40, 48, 1, 24576, 49152, 8192, tied=True)
MINICPM = Architecture("minicpm", 2304, 40, 36, 36, 5760, 122753, 4096, tied=True)
MINI = Architecture(
    "llama",
    mini.WIDTH,
    mini.LAYERS,
    mini.HEADS,
    mini.HEADS,
    mini.FFN,
    mini.VOCABULARY,
    mini.CONTEXT,
    tied=True,
)
LLAMA31_8B = _llama(4096, 32, 32, 8, 14336, 128256, 131072)
LLAMA3_8B = _llama(4096, 32, 32, 8, 14336, 128256, 8192)
QWEN = {
    "0.5b": Architecture("qwen2", 896, 24, 14, 2, 4864, 151936, 32768, tied=True),
    "1.5b": Architecture("qwen2", 1536, 28, 12, 2, 8960, 151936, 32768, tied=True),
    "3b": Architecture("qwen2", 2048, 36, 16, 2, 11008, 151936, 32768, tied=True),
    "7b": Architecture("qwen2", 3584, 28, 28, 4, 18944, 152064, 32768, tied=False),
    "14b": Architecture("qwen2", 5120, 48, 40, 8, 13824, 152064, 32768, tied=False),
    "32b": Architecture("qwen2", 5120, 64, 40, 8, 27648, 152064, 32768, tied=False),
}
DEEPSEEK = {
    "1.3b": _llama(2048, 24, 16, 16, 5504, 32256, 16384),
    "6.7b": _llama(4096, 32, 32, 32, 11008, 32256, 16384),
    "33b": _llama(7168, 62, 56, 8, 19200, 32256, 16384),
}
STARCODER2 = {
    "3b": Architecture("starcoder2", 3072, 30, 24, 2, 12288, 49152, 16384, tied=True),
    "7b": Architecture("starcoder2", 4608, 32, 36, 4, 18432, 49152, 16384, tied=True),
    "15b": Architecture("starcoder2", 6144, 40, 48, 4, 24576, 49152, 16384, tied=False),
}


def _base(
    name: str, hub_id: str | None, architecture: Architecture | None = None, **fields: object
) -> Base:
    context = architecture.context if architecture else None
    settings: dict[str, object] = {
        "lora_targets": LLAMA_TARGETS,
        "context_length": context,
        **fields,
    }
    return Base(name, hub_id, architecture=architecture, **settings)  # type: ignore[arg-type]


def _codellama() -> Iterator[Base]:
    kinds = (("", "plain"), ("-Python", "plain"), ("-Instruct", "llama2"))
    for size in ("7b", "13b", "34b"):
        for kind, prompt_format in kinds:
            architecture = CODELLAMA[size]
            if kind == "-Python":  # no infilling, so none of the sixteen tokens for it
                architecture = _llama(*_shape(architecture), 32000, 16384)
            yield _codellama_entry(size, kind, prompt_format, architecture)
    yield _codellama_entry("70b", "", "plain", None)
    yield _codellama_entry("70b", "-Instruct", "chat", None)


def _codellama_entry(
    size: str, kind: str, prompt_format: str, architecture: Architecture | None
) -> Base:
    adapter = (
        "published SQL adapter: Wangzaistone123/CodeLlama-13b-sql-lora (prompt format dbgpt-hub)"
    )
    return _base(
        f"codellama-{size}{kind.lower()}",
        f"codellama/CodeLlama-{size}{kind}-hf",
        architecture,
        prompt_format=prompt_format,
        stop=END,
        licence=LLAMA2,
        aliases=(f"meta-llama/CodeLlama-{size}{kind}-hf",),
        notes=adapter if (size, kind) == ("13b", "") else "",
    )


def _shape(a: Architecture) -> tuple[int, int, int, int, int]:
    return a.width, a.layers, a.heads, a.kv_heads, a.ffn


def _ziya() -> Iterator[Base]:
    yield _base(
        "ziya-coding-15b",
        "IDEA-CCNL/Ziya-Coding-15B-v1",
        STARCODER,
        prompt_format="ziya-coding-15b",
        stop=("<|end|>",),
        lora_targets=BIGCODE_TARGETS,
    )
    yield _base(
        "ziya-coding-34b",
        "IDEA-CCNL/Ziya-Coding-34B-v1.0",
        CODELLAMA["34b"],
        prompt_format="ziya-coding-34b",
        stop=END,
    )
    for suffix, hub, prompt_format in (
        ("", "-v1", "ziya-llama"),
        ("-v1.1", "-v1.1", "ziya-llama"),
        ("-pretrain", "-Pretrain-v1", "plain"),
    ):
        yield _base(
            f"ziya-llama-13b{suffix}",
            f"IDEA-CCNL/Ziya-LLaMA-13B{hub}",
            ZIYA_LLAMA,
            prompt_format=prompt_format,
            stop=END,
            licence="GPL-3.0",
            aliases=("ziya-llama-13b-v1",) if not suffix else (),
            notes="since 2023-05-30 the hub holds differences to the original LLaMA-13B: add them"
            " to its weights and give the folder; ModelScope has Fengshenbang/Ziya-LLaMA-13B-v1",
        )
    yield _base(
        "abacus",
        "HIT-SCIR/Abacus",
        MINICPM,
        prompt_format="abacus",
        stop=END,
        licence="commercial use needs registration",
        trust_remote_code=True,
        notes="quantised copies: HIT-SCIR/Abacus-gguf; Ollama: HIT-SCIR/abacus",
    )


def _qwen() -> Iterator[Base]:
    for size, architecture in QWEN.items():
        hub = f"Qwen/Qwen2.5-Coder-{size.upper()}"
        licence = QWEN_SMALL if size == "3b" else APACHE
        name = f"qwen2.5-coder-{size}"
        yield _base(name, hub, architecture, prompt_format="plain", stop=TEXT_END, licence=licence)
        yield _base(
            f"{name}-instruct",
            f"{hub}-Instruct",
            architecture,
            prompt_format="chatml",
            stop=CHATML_END,
            licence=licence,
        )


def _deepseek() -> Iterator[Base]:
    licence = "DeepSeek licence: use-based restrictions"
    sizes = [(f"{size}-", "", numbers) for size, numbers in DEEPSEEK.items()]
    for size, version, architecture in [*sizes, ("7b-", "-v1.5", None)]:
        for kind, prompt_format, stop in (
            ("base", "plain", DEEPSEEK_END),
            ("instruct", "deepseek-instruct", ("<|EOT|>", *DEEPSEEK_END)),
        ):
            name = f"deepseek-coder-{size}{kind}{version}"
            yield _base(
                name,
                f"deepseek-ai/{name}",
                architecture,
                prompt_format=prompt_format,
                stop=stop,
                licence=licence,
            )
    for kind, prompt_format in (("Base", "plain"), ("Instruct", "chat")):
        yield _base(
            f"deepseek-coder-v2-lite-{kind.lower()}",
            f"deepseek-ai/DeepSeek-Coder-V2-Lite-{kind}",
            prompt_format=prompt_format,
            stop=DEEPSEEK_END,
            lora_targets=(),
            licence=licence,
        )


def _starcoder2() -> Iterator[Base]:
    licence = "BigCode OpenRAIL-M"
    for size, architecture in STARCODER2.items():
        yield _base(
            f"starcoder2-{size}",
            f"bigcode/starcoder2-{size}",
            architecture,
            prompt_format="plain",
            stop=TEXT_END,
            lora_targets=STARCODER2_TARGETS,
            licence=licence,
        )
    yield _base(
        "starcoder2-15b-instruct",
        "bigcode/starcoder2-15b-instruct-v0.1",
        STARCODER2["15b"],
        prompt_format="chat",
        stop=TEXT_END,
        lora_targets=STARCODER2_TARGETS,
        licence=licence,
    )


def _llama31() -> Iterator[Base]:
    rows = (
        ("8b", "8B", LLAMA31_8B, "plain", ("<|end_of_text|>",)),
        ("8b-instruct", "8B-Instruct", LLAMA31_8B, "llama3", LLAMA3_END),
        ("70b", "70B", None, "plain", ("<|end_of_text|>",)),
    )
    for name, hub, architecture, prompt_format, stop in rows:
        yield _base(
            f"llama-3.1-{name}",
            f"meta-llama/Meta-Llama-3.1-{hub}",
            architecture,
            prompt_format=prompt_format,
            stop=stop,
            licence=LLAMA3,
            aliases=(f"meta-llama/Llama-3.1-{hub}",),
        )


def _sql_models() -> Iterator[Base]:
    """Models that others have specialised to SQL already, most of them from Qwen2.5-Coder."""
    for size in ("3b", "7b", "14b", "32b"):
        for version in ("2504", "2502", *(("2412",) if size == "32b" else ())):
            short = f"xiyan-{size}"
            yield _base(
                f"xiyansql-qwencoder-{size}-{version}",
                f"XGenerationLab/XiYanSQL-QwenCoder-{size.upper()}-{version}",
                QWEN[size],
                prompt_format="xiyan",
                stop=CHATML_END,
                style="mschema",
                aliases=(short,) if version == "2504" else (f"{short}-{version}",),
            )
    for size in ("7b", "14b", "32b"):
        yield _base(
            f"omnisql-{size}",
            f"seeklhy/OmniSQL-{size.upper()}",
            QWEN[size],
            prompt_format="omnisql",
            answer_format="fence",
            stop=CHATML_END,
        )
    for size in ("3b", "7b", "14b"):
        yield _base(
            f"sql-r1-{size}",
            f"MPX0222forHF/SQL-R1-{size.upper()}",
            QWEN[size],
            prompt_format="sql-r1",
            answer_format="answer_tags",
            stop=CHATML_END,
        )
    yield _base(
        "arctic-text2sql-r1-7b",
        "Snowflake/Arctic-Text2SQL-R1-7B",
        QWEN["7b"],
        prompt_format="chatml",
        answer_format="answer_tags",
        stop=CHATML_END,
        notes="its own prompt text is not recorded here: the kit's instruction is used",
    )
    yield from _codes()
    yield from _defog()


def _codes() -> Iterator[Base]:
    for size in ("1b", "3b", "7b", "15b"):
        for kind in ("", "-spider", "-bird", "-bird-with-evidence"):
            name = f"codes-{size}{kind}"
            yield _base(
                name,
                f"seeklhy/{name}",
                STARCODER if size == "15b" else None,
                prompt_format="codes",
                stop=TEXT_END,
                lora_targets=BIGCODE_TARGETS,
                style="codes",
            )


def _defog() -> Iterator[Base]:
    yield _base(
        "sqlcoder-7b-2",
        "defog/sqlcoder-7b-2",
        CODELLAMA["7b"],
        prompt_format="sqlcoder",
        answer_format="sql_marks",
        stop=(*END, ";", "```"),
        licence="CC-BY-SA-4.0",
    )
    yield _base(
        "llama-3-sqlcoder-8b",
        "defog/llama-3-sqlcoder-8b",
        LLAMA3_8B,
        prompt_format="llama-3-sqlcoder",
        answer_format="open_fence",
        stop=(*LLAMA3_END, "```"),
        licence="CC-BY-SA-4.0",
    )
    yield _base(
        "prem-1b-sql",
        "premai-io/prem-1B-SQL",
        DEEPSEEK["1.3b"],
        prompt_format="plain",
        stop=DEEPSEEK_END,
        notes="its own prompt text is not recorded here: the kit's completion prompt is used",
    )


def _mini() -> Iterator[Base]:
    yield Base(
        "mini",
        None,
        prompt_format="pointers",
        answer_format="pointers",
        lora_targets=LLAMA_TARGETS,
        architecture=MINI,
        context_length=mini.CONTEXT,
        licence=APACHE,
        notes="a small Llama that the kit builds itself, from invented databases",
    )


def models() -> Iterator[Base]:
    """Yield every entry, in the order in which `t2s base list` shows them."""
    for family in (
        _mini,
        _codellama,
        _ziya,
        _qwen,
        _deepseek,
        _starcoder2,
        _llama31,
        _sql_models,
    ):
        yield from family()
