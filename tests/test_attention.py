"""Attention over rows that share prefixes gives the gradients of separate rows, and only then.

The oracle is the model's own attention and loss head over one row for each example. Flex attention
has no backward pass on a CPU: its forward is compared here, its gradients where there is a GPU.
"""

import copy
from types import SimpleNamespace

import pytest
import tiny
import torch
from hypothesis import given, settings
from test_rows import groups as random_groups

from text2sql.errors import UnknownName
from text2sql.training import sharing
from text2sql.training.attention import BACKENDS, flex, read_tree, varlen
from text2sql.training.attention.dense import dense_mask
from text2sql.training.attention.kernels import attend
from text2sql.training.rows import IGNORED, Branch, Group, build_row
from text2sql.training.sharing import CPU, batch_of, choose_backend, share

UNEVEN = [
    Group(
        [5, 6, 7, 8, 9, 10],
        [
            Branch([11, 12], [13, 14, 1]),
            Branch([15, 16, 17, 18] * 5, [19, 1]),
            Branch([20], [21, 22, 23, 24, 1]),
        ],
    )
]
FOREST = [
    *UNEVEN,
    Group([30] * 9, [Branch([31, 32], [33, 1])]),
    Group([40, 41], UNEVEN[0].branches),
]
DEEP = [
    Group([5, 6, 7], [Branch([8, 9], [10, 1]), Branch([8, 9], [11, 12, 1]), Branch([8], [2, 1])])
]
SHAPES = {"uneven branches": UNEVEN, "several schemas": FOREST, "several SQL texts": DEEP}
PRECISIONS = {torch.float32: 1e-5, torch.float64: 1e-6}


def build(architecture="llama", *, dtype=torch.float64, lora=False, checkpointing=False, heads=2):
    """Return a tiny model in training mode, without dropout."""
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    torch.manual_seed(0)
    config = tiny.config(architecture)
    if architecture == "llama":
        config.num_key_value_heads = heads
    for name in ("attn_pdrop", "resid_pdrop", "embd_pdrop"):
        setattr(config, name, 0.0)
    model = AutoModelForCausalLM.from_config(config).to(dtype)
    if lora:
        weights = LoraConfig(r=4, target_modules="all-linear", init_lora_weights=False)
        model = get_peft_model(model, weights)
    if checkpointing:
        model.gradient_checkpointing_enable()
        model.enable_input_require_grads()
    return model.train()


def gradients(model):
    return {name: p.grad.clone() for name, p in model.named_parameters() if p.grad is not None}


def apart(model, parts):
    """Return loss and gradients of one row for each example, by the model's own head and loss."""
    count = sum(len(branch.sql) for part in parts for branch in part.branches)
    total = 0.0
    for part in parts:
        for question, sql, _ in part.branches:
            before = [*part.shared, *question]
            ids, labels = torch.tensor([[*before, *sql]]), [IGNORED] * len(before) + list(sql)
            loss = model(input_ids=ids, labels=torch.tensor([labels])).loss * len(sql) / count
            loss.backward()
            total += loss.item()
    return total, gradients(model)


def together(model, backend, row):
    """Return loss and gradients of the shared row."""
    share(model, backend)
    output = model(**{name: torch.tensor([ids]) for name, ids in batch_of(row).items()})
    output.loss.backward()
    return output.loss.item(), gradients(model)


def worst(found, expected):
    """Return the greatest relative difference of a parameter's gradient, in the norm."""
    assert found.keys() == expected.keys()
    return max(
        ((found[name] - expected[name]).norm() / expected[name].norm()).item() for name in expected
    )


def compare(model, backend, parts):
    """Return the relative differences of loss and gradients."""
    loss, expected = apart(copy.deepcopy(model), parts)
    shared, found = together(model, backend, build_row(parts))
    return abs(shared - loss) / loss, worst(found, expected)


def reference_kernel(query, key, value, query_ends, key_ends, *longest, scale):
    """What a causal flash kernel computes: sequence by sequence, aligned at the end."""
    outputs = []
    groups = query.shape[1] // key.shape[1]
    key, value = (x.repeat_interleave(groups, dim=1) for x in (key, value))
    for (a, b), (c, d) in zip(
        query_ends.unfold(0, 2, 1).tolist(), key_ends.unfold(0, 2, 1).tolist(), strict=True
    ):
        seen = torch.ones(b - a, d - c, dtype=torch.bool).tril(d - c - (b - a))
        outputs.append(
            torch.nn.functional.scaled_dot_product_attention(
                *(x.transpose(0, 1) for x in (query[a:b], key[c:d], value[c:d])),
                attn_mask=seen,
                scale=scale,
            ).transpose(0, 1)
        )
    return torch.cat(outputs)


@pytest.fixture
def scripted_varlen(monkeypatch):
    """Let a CPU run the plan of `varlen`, with attention written out in place of the kernel."""
    monkeypatch.setattr(varlen, "run_kernel", reference_kernel)


@pytest.mark.parametrize("parts", SHAPES.values(), ids=SHAPES)
@pytest.mark.parametrize("backend", ["dense", "twopart", "merged", "varlen"])
@pytest.mark.parametrize("dtype", PRECISIONS, ids=str)
def test_a_shared_row_has_the_gradients_of_separate_ones(backend, parts, dtype, scripted_varlen):
    loss, gradient = compare(build(dtype=dtype), backend, parts)

    assert loss < 1e-6 and gradient < PRECISIONS[dtype], (loss, gradient)


@pytest.mark.parametrize(
    "options",
    [
        {"lora": True},
        {"checkpointing": True},
        {"lora": True, "checkpointing": True, "dtype": torch.float32},
        {"heads": 1},
        {"heads": 4},
        {"architecture": "gpt_bigcode"},
        {"architecture": "gpt_bigcode", "lora": True, "checkpointing": True},
    ],
    ids=str,
)
@pytest.mark.parametrize("backend", ["dense", "twopart", "merged", "varlen"])
def test_so_it_is_with_every_model(backend, options, scripted_varlen):
    loss, gradient = compare(build(**options), backend, FOREST)

    bound = PRECISIONS[options.get("dtype", torch.float64)]
    assert loss < 1e-6 and gradient < bound, (loss, gradient)


@pytest.mark.parametrize("backend", CPU)
def test_a_base_in_float32_shares_under_autocast(backend):
    losses = []
    for shared in (False, True):
        model = build(dtype=torch.float32)
        with torch.autocast("cpu", dtype=torch.bfloat16):
            found = together(model, backend, build_row(UNEVEN)) if shared else apart(model, UNEVEN)
        losses.append(found[0])

    assert losses[0] == pytest.approx(losses[1], rel=2e-2)


def test_eager_attention_takes_the_whole_mask():
    model = build()
    model.set_attn_implementation("eager")

    assert compare(model, "dense", FOREST)[1] < 1e-6


@settings(max_examples=20, deadline=None)
@given(random_groups)
def test_any_forest_in_two_parts_equals_the_whole_mask(parts):
    tree = read_tree(build_row(parts).reach)
    states = torch.randn(3, 1, 4, len(tree.reach), 8, dtype=torch.float64)
    query, key, value = states[0], states[1, :, :2], states[2, :, :2]
    plans = [
        BACKENDS[name](tree, dtype=torch.float64, device="cpu") for name in CPU if name != "dense"
    ]

    expected = torch.nn.functional.scaled_dot_product_attention(
        query, key, value, attn_mask=dense_mask(tree, device="cpu"), scale=0.3, enable_gqa=True
    )
    for plan in plans:
        found = plan.attend(query, key, value, scaling=0.3)
        assert torch.allclose(found, expected.transpose(1, 2), atol=1e-12)


def test_flex_gives_the_same_outputs_forward_on_a_cpu(monkeypatch):
    from torch.nn.attention.flex_attention import flex_attention

    monkeypatch.setattr(flex, "_compiled", lambda: flex_attention)  # compiling takes half a minute
    tree = read_tree(build_row(FOREST).reach)
    query, key, value = torch.randn(3, 1, 4, len(tree.reach), 16)
    plan = BACKENDS["flex"](tree, dtype=torch.float32, device="cpu")

    with torch.no_grad():
        found = plan.attend(query, key[:, :2], value[:, :2], scaling=0.25)
    expected = torch.nn.functional.scaled_dot_product_attention(
        query,
        key[:, :2],
        value[:, :2],
        attn_mask=dense_mask(tree, device="cpu"),
        scale=0.25,
        enable_gqa=True,
    )
    assert torch.allclose(found, expected.transpose(1, 2), atol=1e-5)


@pytest.mark.gpu
@pytest.mark.parametrize("backend", ["dense", "twopart", "flex", "varlen"])
def test_every_backend_of_a_gpu_has_the_gradients_of_separate_rows(backend):
    if not torch.cuda.is_available():
        pytest.skip("there is no CUDA device")
    half = backend == "varlen"
    model = build(dtype=torch.bfloat16 if half else torch.float32, lora=True).cuda()
    oracle = copy.deepcopy(model).float()
    row = {name: torch.tensor([v]).cuda() for name, v in batch_of(build_row(FOREST)).items()}
    share(oracle, "dense")
    oracle(**row).loss.backward()
    share(model, backend)
    model(**row).loss.backward()

    found = {name: gradient.float() for name, gradient in gradients(model).items()}
    assert worst(found, gradients(oracle)) < (5e-2 if half else 1e-4)


def wrong_reach(parts, kind):
    """Return the row's reach with branches that see no schema, or all that comes before."""
    row = build_row(parts)
    length, schema = len(row.reach), len(parts[0].shared)
    if kind == "branches lose the schema":
        return [schema] * schema + row.reach[schema:]
    return [length] * length


@pytest.mark.parametrize("kind", ["branches lose the schema", "branches see each other"])
@pytest.mark.parametrize("backend", CPU)
def test_the_comparison_notices_a_wrong_structure(backend, kind):
    model = build()
    _, expected = apart(copy.deepcopy(model), UNEVEN)
    row = build_row(UNEVEN)
    row.reach[:] = wrong_reach(UNEVEN, kind)

    assert worst(together(model, backend, row)[1], expected) > 1e-2


def test_positions_that_start_again_without_a_structure_are_refused():
    model = build()
    share(model, "twopart")
    batch = {name: torch.tensor([ids]) for name, ids in batch_of(build_row(UNEVEN)).items()}
    del batch["reach"]

    with pytest.raises(ValueError, match="no `reach` says who sees whom"):
        model(**batch)


def test_a_model_that_shares_still_reads_and_writes_ordinary_text():
    model = build().eval()
    ids = torch.tensor([[5, 6, 7, 8]])
    before = model(input_ids=ids).logits
    options = {"max_new_tokens": 5, "do_sample": False, "pad_token_id": 0}
    written = model.generate(ids, attention_mask=torch.ones_like(ids), **options)
    share(model, "twopart")

    assert torch.allclose(model(input_ids=ids).logits, before, atol=1e-12)
    assert torch.equal(model.generate(ids, attention_mask=torch.ones_like(ids), **options), written)


def test_structures_that_are_no_forest_are_refused():
    for reach in ([2, 3, 3], [1, 1], [4, 2]):
        with pytest.raises(ValueError, match="reaches"):
            read_tree(reach)


@pytest.mark.parametrize("architecture", ["llama", "gpt_bigcode"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
def test_a_backend_is_chosen_by_proof_and_the_model_left_as_it_was(architecture, dtype):
    model = build(architecture, dtype=dtype, lora=True)
    before = (model.training, [p.requires_grad for p in model.parameters()])

    assert choose_backend(model).backend == "merged"
    assert before == (model.training, [p.requires_grad for p in model.parameters()])
    assert model.get_base_model().config._attn_implementation == "sdpa"
    assert all(p.grad is None for p in model.parameters())


@pytest.mark.parametrize("kind", ["branches lose the schema", "branches see each other"])
def test_a_backend_that_computes_something_else_is_passed_over(kind, monkeypatch):
    def broken(tree, **where):
        length, schema = len(tree.reach), tree.segments[0].end
        lost = [schema] * schema + list(tree.reach[schema:])
        wrong = lost if kind == "branches lose the schema" else [length] * length
        return BACKENDS["dense"](read_tree(wrong), **where)

    monkeypatch.setitem(BACKENDS, "twopart", broken)
    choice = choose_backend(build(), ["twopart", "dense"])

    assert choice.backend == "dense"
    assert "twopart: a branch differs from its own row by" in choice.reason


def test_a_backend_without_dropout_is_passed_over_where_the_base_has_it():
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_config(tiny.config("gpt_bigcode"))
    choice = choose_backend(model)

    assert model.config.attn_pdrop > 0 and choice.backend == "twopart"
    assert (
        choice.reason == "merged: the base drops out attention weights, and merged has no dropout"
    )


def test_a_kernel_that_is_missing_is_passed_over():
    choice = choose_backend(build(dtype=torch.float32), ["varlen", "flex", "twopart"])

    assert choice.backend == "twopart"
    assert "varlen: " in choice.reason and "flex: NotImplementedError" in choice.reason


def test_a_model_that_looks_through_a_window_is_refused_with_the_reason():
    from transformers import AutoModelForCausalLM, MistralConfig

    config = MistralConfig(**tiny.config("llama").to_diff_dict() | {"sliding_window": 8})
    choice = choose_backend(AutoModelForCausalLM.from_config(config))

    assert choice.backend is None and choice.reason == "its configuration has sliding_window"


def test_an_unknown_backend_is_named_with_the_nearest():
    with pytest.raises(UnknownName, match="did you mean 'twopart'"):
        share(SimpleNamespace(), "towpart")


def test_the_first_process_chooses_for_all(monkeypatch):
    monkeypatch.setattr(torch.distributed, "is_initialized", lambda: True)
    monkeypatch.setattr(
        torch.distributed,
        "broadcast_object_list",
        lambda held: held.__setitem__(0, sharing.Shared("dense", "as the first says")),
    )

    assert choose_backend(build()).backend == "dense"


def test_labels_scored_piece_by_piece_have_the_same_sum_and_gradients():
    from text2sql.training.loss import score_tokens

    head = torch.nn.Linear(8, 50, dtype=torch.float64)
    hidden = torch.randn(23, 8, dtype=torch.float64, requires_grad=True)
    ids = torch.randint(50, (23,))
    whole = score_tokens(hidden, head, ids, vocabulary=50)
    expected = torch.autograd.grad(whole[0].sum(), (hidden, head.weight, head.bias))
    pieces = score_tokens(hidden, head, ids, vocabulary=50, entries=200)
    found = torch.autograd.grad(pieces[0].sum(), (hidden, head.weight, head.bias))

    assert all(torch.allclose(a, b, atol=1e-12) for a, b in zip(whole, pieces, strict=True))
    assert all(torch.allclose(a, b, atol=1e-12) for a, b in zip(expected, found, strict=True))
    direct = -torch.nn.functional.cross_entropy(head(hidden), ids, reduction="sum")
    assert torch.allclose(whole[0].sum(), direct)


def test_a_row_of_16384_tokens_has_a_gradient():
    model = build(dtype=torch.float32, lora=True)
    draw = torch.Generator().manual_seed(1)
    ids = torch.randint(2, 400, (16_384,), generator=draw).tolist()
    branches = [Branch(ids[n : n + 32], ids[n + 32 : n + 64]) for n in range(1024, 16_384, 64)]
    row = build_row([Group(ids[:1024], branches)])
    _, found = together(model, "merged", row)

    assert len(row.input_ids) == 16_384
    assert all(gradient.isfinite().all() and gradient.any() for gradient in found.values())


@pytest.mark.parametrize("form", ["causal", "masked"])
def test_plain_products_say_what_the_kernels_say_but_for_rounding(form):
    torch.manual_seed(0)
    query, key, value = (torch.randn(2, 3, 20, 16) for _ in range(3))
    mask = torch.where(torch.rand(2, 1, 20, 20) < 0.3, float("-inf"), 0.0)
    mask[..., 0] = 0.0
    how = {"causal": True} if form == "causal" else {"mask": mask}
    exact = attend(query, key, value, scaling=0.25, **how)
    if form == "masked":
        how = {"mask": mask.to(torch.bfloat16)}
    plain = attend(*(x.to(torch.bfloat16) for x in (query, key, value)), scaling=0.25, **how)
    assert plain.dtype == torch.bfloat16
    assert torch.allclose(exact, plain.float(), atol=0.03)
