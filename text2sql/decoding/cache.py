"""Key-value caches of a batch whose rows begin alike: a common prefix is computed and kept once.

    >>> rows = open_rows(model, Prefixes())
    >>> logits = rows.prefill([(schema_ids, own_ids), (schema_ids, other_ids)])  # (2, vocabulary)
    >>> rows.admit([0, 1])                             # two rows of the batch, one a question
    >>> logits = rows.step([17, 52])                   # the next token of each row
    >>> rows.arrange([1])                              # the first row is done, the second goes on

Rows attend to their prefixes as in `decoding.attention`: questions on several databases are rows of
one batch. A row's own keys stand in a slot of a buffer, and a new question takes the slot of a row
that is done.

Covered: causal models of transformers that go through its attention interface (Llama, GQA, Qwen2,
GPTBigCode ...), with or without an adapter, in any floating-point type, on one or more devices.
Whether a model is one is tried out on a few tokens, not assumed. Other models (a sliding window,
position biases, soft caps) get rows without a shared prefix, padded on the left.
Not covered: models without a key-value cache; quantised or offloaded caches.
"""

from collections import OrderedDict
from collections.abc import Iterator, Sequence
from inspect import signature
from typing import Any, Protocol

import torch
from torch import Tensor
from transformers import Cache, DynamicCache
from transformers.cache_utils import DynamicLayer

from text2sql.decoding import lean
from text2sql.decoding.attention import Prefix, Shares, Unsupported, known_of, our_attention
from text2sql.errors import ModelError

BLOCK = 64  # columns by which the buffers of own tokens grow
SCORES = 2**26  # attention scores that reading prompts may hold at once: 256 MiB in float32
KEPT_BYTES = 2**30  # of prefixes

Split = tuple[Sequence[int], Sequence[int]]  # a prompt: the ids that it shares, and its own


class Prefixes:
    """The prefixes used last; a prefix that falls out frees its memory when no row needs it.

    They belong to one model with the weights that it has now. What is found by its ids says nothing
    that was not in the ids: users whose prompts begin alike see the same.
    """

    def __init__(self, limit: int = 64, *, most: int = KEPT_BYTES) -> None:
        """Keep nothing yet.

        Args:
            limit: of prefixes.
            most: bytes of the device's memory; one prefix is kept even if it takes more.
        """
        self.limit, self.most = limit, most
        self._kept: OrderedDict[tuple[int, ...], Prefix] = OrderedDict()
        self._token_bytes = 0  # of the prefix read last

    def __contains__(self, ids: Sequence[int]) -> bool:
        return tuple(ids) in self._kept

    def get(self, ids: Sequence[int], model: Any) -> Prefix:
        """Return the prefix of these ids; the model reads them if they are not kept."""
        key = tuple(ids)
        if key not in self._kept:
            self._make_room(len(key) * self._token_bytes)  # before reading: no peak above the limit
            self._kept[key] = read_prefix(model, ids)
            self._token_bytes = self._kept[key].bytes // len(key)
        self._kept.move_to_end(key)
        return self._kept[key]

    def _make_room(self, needed: int) -> None:
        held = sum(prefix.bytes for prefix in self._kept.values())
        while self._kept and (len(self._kept) >= self.limit or held + needed > self.most):
            held -= self._kept.popitem(last=False)[1].bytes


class Rows(Protocol):
    """The rows of a batch while their texts are written; see the module's header."""

    refills: bool  # whether prompts may be admitted beside rows that are being written

    def prefill(self, prompts: Sequence[Split]) -> Tensor:
        """Read prompts; return (prompts, vocabulary) logits of the token after each.

        Something of each must be its own.
        """
        ...

    def admit(self, sources: Sequence[int]) -> None:
        """Append rows: each a copy of one of the prompts read last."""
        ...

    def step(self, tokens: Sequence[int]) -> Tensor:
        """Write one token to each row; return (rows, vocabulary) logits of the next."""
        ...

    def arrange(self, sources: Sequence[int]) -> None:
        """Let row i go on from row sources[i]; rows that nobody names are dropped."""
        ...


def open_rows(model: Any, prefixes: Prefixes) -> Rows:
    """Return an empty batch; `prefixes` keeps what prompts begin with."""
    return SharedRows(model, prefixes) if shares_prefix(model) else PlainRows(model)


class _Recorder(Cache):
    """Keeps the keys and values that one forward pass makes, and hides nothing behind them."""

    def __init__(self) -> None:
        super().__init__(layers=[])
        self.keys: list[Tensor] = []
        self.values: list[Tensor] = []

    def update(self, keys: Tensor, values: Tensor, layer: int, *_: Any, **__: Any) -> Any:
        self.keys.append(keys)
        self.values.append(values)
        return keys, values

    def spread(self, taken: Tensor) -> "_Recorder":
        """Turn prompts that were read end to end into rows.

        Args:
            taken: (rows, columns), true where a row has a token; the others become zeros.
        """
        spread = _Recorder()
        spread.keys = [_spread(keys, taken) for keys in self.keys]
        spread.values = [_spread(values, taken) for values in self.values]
        return spread

    def get_seq_length(self, layer_idx: int = 0) -> int:
        return 0

    def get_query_offset(self, layer_idx: int = 0) -> int:
        return 0

    def get_mask_sizes(self, query_length: int, layer_idx: int) -> tuple[int, int]:
        return query_length, 0


class _Slots(Cache):
    """Buffers of the rows' own keys and values: (slots, heads, columns, width) in each layer."""

    def __init__(self) -> None:
        super().__init__(layers=[])
        self.keys: list[Tensor] = []
        self.values: list[Tensor] = []
        self.stops: list[int] = []  # columns in use, a row each
        self._rows: Tensor | slice = slice(0)
        self._columns: Tensor | int = 0

    def begin(self, device: torch.device) -> None:
        """Make ready for one token a row, so that the layers need not."""
        rows, longest = len(self.stops), max(self.stops)
        self.reserve(rows, longest + 1)
        if min(self.stops) == longest:  # one plain copy, where rows were read together
            self._rows, self._columns = slice(0, rows), longest
        else:
            self._rows = torch.arange(rows, device=device)
            self._columns = torch.tensor(self.stops, device=device)

    def update(self, keys: Tensor, values: Tensor, layer: int, *_: Any, **__: Any) -> Any:
        """Write one token's keys behind each row; return all of them up to the longest row."""
        used = slice(0, len(self.stops)), slice(None), slice(0, max(self.stops) + 1)
        own = self.keys[layer], self.values[layer]
        for buffer, new in zip(own, (keys, values), strict=True):
            buffer[self._rows, :, self._columns] = new[:, :, 0]
        return own[0][used], own[1][used]

    def append(self, prompts: _Recorder, sources: Sequence[int], width: int) -> None:
        """Copy the keys of prompts that were read into the next free slots."""
        first, last = len(self.stops), len(self.stops) + len(sources)
        if not self.keys:
            self.keys = [_empty(keys) for keys in prompts.keys]
            self.values = [_empty(values) for values in prompts.values]
        self.reserve(last, width)
        for buffers, read in ((self.keys, prompts.keys), (self.values, prompts.values)):
            for buffer, new in zip(buffers, read, strict=True):
                buffer[first:last, :, :width] = new[torch.tensor(sources, device=new.device)]
        self.stops += [width] * len(sources)

    def reserve(self, rows: int, columns: int) -> None:
        """Make the buffers at least as large as this."""
        slots, width = self.keys[0].shape[0], self.keys[0].shape[2]
        if rows > slots or columns > width:
            columns = max(width, -(-columns // BLOCK) * BLOCK)
            self.keys = [_grown(keys, max(rows, slots), columns) for keys in self.keys]
            self.values = [_grown(values, max(rows, slots), columns) for values in self.values]

    def arrange(self, sources: Sequence[int]) -> None:
        """Let slot i hold what slot sources[i] held; only slots that change are copied."""
        moved = [(to, source) for to, source in enumerate(sources) if to != source]
        if moved:
            width = max(self.stops[source] for _, source in moved)
            for buffer in (*self.keys, *self.values):
                to, source = torch.tensor(moved, device=buffer.device).T
                buffer[to, :, :width] = buffer[source, :, :width]
        self.stops = [self.stops[source] for source in sources]

    def get_seq_length(self, layer_idx: int = 0) -> int:
        return max(self.stops, default=0)


def _spread(packed: Tensor, taken: Tensor) -> Tensor:
    """Turn (1, heads, tokens, width) into (rows, heads, columns, width)."""
    _, heads, _, width = packed.shape
    rows = packed.new_zeros(*taken.shape, heads, width)
    rows[taken] = packed[0].transpose(0, 1)
    return rows.transpose(1, 2)


def _empty(like: Tensor) -> Tensor:
    return like.new_zeros(0, like.shape[1], 0, like.shape[3])


def _grown(buffer: Tensor, rows: int, columns: int) -> Tensor:
    # zeros: a column that is masked must still be a number
    grown = buffer.new_zeros(rows, buffer.shape[1], columns, buffer.shape[3])
    grown[: buffer.shape[0], :, : buffer.shape[2]] = buffer
    return grown


def _forward(model: Any, ids: Tensor, cache: Cache, **inputs: Any) -> Tensor:
    """Run the model with our attention; return the logits of the last column, (rows, vocab)."""
    with our_attention(model):
        output = model(
            input_ids=ids, past_key_values=cache, use_cache=True, logits_to_keep=1, **inputs
        )
    return output.logits[:, -1]


@torch.inference_mode()
def read_prefix(model: Any, ids: Sequence[int]) -> Prefix:
    """Return the keys and values of token ids that begin a prompt."""
    recorder = _Recorder()
    place = torch.arange(len(ids), device=model.device)[None]
    _forward(model, torch.tensor([list(ids)], device=model.device), recorder, position_ids=place)
    keys = [keys[0] for keys in recorder.keys]
    return Prefix(len(ids), keys, [values[0] for values in recorder.values])


class SharedRows:
    """Rows behind prefixes that are kept once; a row that is done leaves its slot to another."""

    refills = True

    def __init__(self, model: Any, prefixes: Prefixes) -> None:
        self.model, self._lean = model, lean.suits(model)
        self._known = prefixes
        self._slots = _Slots()
        self._starts: list[int] = []  # the first column of each row that is no padding
        self._set_prefixes([])
        self._read = _Recorder()
        self._begun: list[tuple[Prefix | None, int]] = []  # of the prompts read last: padding too

    @torch.inference_mode()
    def prefill(self, prompts: Sequence[Split]) -> Tensor:
        """Read prompts; see `Rows`."""
        begun = [self._known.get(ids, self.model) if ids else None for ids, _ in prompts]
        own = [list(ids) for _, ids in prompts]
        width = max(map(len, own))
        parts = [self._read_part(own[part], begun[part], width) for part in self._parts(own, begun)]
        self._read = _joined([recorder for recorder, _ in parts])
        self._begun = [(p, width - len(ids)) for p, ids in zip(begun, own, strict=True)]
        return torch.cat([logits for _, logits in parts])

    def _parts(self, own: list[list[int]], begun: list[Prefix | None]) -> Iterator[slice]:
        """Yield what is read at once: at least a prompt, and not too many scores."""
        width = max(map(len, own))
        before = max((prefix.length for prefix in begun if prefix), default=0)
        heads = self.model.config.get_text_config(decoder=True).num_attention_heads
        size = max(1, SCORES // (heads * width * (before + width)))
        yield from (slice(i, i + size) for i in range(0, len(own), size))

    def _read_part(
        self, prompts: list[list[int]], begun: list[Prefix | None], width: int
    ) -> tuple[_Recorder, Tensor]:
        device, recorder = self.model.device, _Recorder()
        first = torch.tensor([[width - len(prompt)] for prompt in prompts], device=device)
        column = torch.arange(width, device=device)
        if self._lean:
            logits = lean.read(self.model, prompts, begun, recorder)
            return recorder.spread(column >= first), logits
        padded = [[0] * (width - len(prompt)) + prompt for prompt in prompts]
        seen = (column[None, :] <= column[:, None]) & (column >= first)[:, None, :]
        places = _lengths(begun, device) + (column - first).clamp(min=0)
        ids, shares = torch.tensor(padded, device=device), Shares.of(begun, device)
        return recorder, self._run(ids, recorder, seen[:, None], places, shares)

    def admit(self, sources: Sequence[int]) -> None:
        """Append rows for prompts read last; see `Rows`."""
        if sources:
            self._slots.append(self._read, sources, self._read.keys[0].shape[2])
            self._starts += [self._begun[source][1] for source in sources]
            self._set_prefixes(self._prefixes + [self._begun[source][0] for source in sources])

    @torch.inference_mode()
    def step(self, tokens: Sequence[int]) -> Tensor:
        """Write one token to each row; see `Rows`."""
        slots, device = self._slots, self.model.device
        starts = torch.tensor([[start] for start in self._starts], device=device)
        stops = torch.tensor([[stop] for stop in slots.stops], device=device)
        slots.begin(device)
        column = torch.arange(max(slots.stops) + 1, device=device)
        seen = (column >= starts) & (column <= stops)
        ids = torch.tensor([[token] for token in tokens], device=device)
        places = self._before + stops - starts
        logits = self._run(ids, slots, seen[:, None, None], places, self._shares)
        slots.stops = [stop + 1 for stop in slots.stops]
        return logits

    def _run(
        self, ids: Tensor, cache: Cache, seen: Tensor, places: Tensor, shares: Shares
    ) -> Tensor:
        dtype = self.model.dtype
        # not -inf: a padding column that sees nothing must not become NaN
        mask = torch.zeros(seen.shape, dtype=dtype, device=seen.device)
        mask.masked_fill_(~seen, torch.finfo(dtype).min)
        if self._lean:
            where: dict[str, Any] = {"mask": mask, "places": places, "shares": shares}
            return lean.last_logits(self.model, ids, cache, **where)
        inputs: dict[str, Any] = {"attention_mask": mask, "position_ids": places}
        return _forward(self.model, ids, cache, shared_prefixes=shares, **inputs)

    @torch.inference_mode()
    def arrange(self, sources: Sequence[int]) -> None:
        """Let row i go on from row sources[i]; see `Rows`."""
        if list(sources) != list(range(len(self._starts))):
            self._slots.arrange(sources)
            self._starts = [self._starts[source] for source in sources]
            self._set_prefixes([self._prefixes[source] for source in sources])

    def _set_prefixes(self, prefixes: list[Prefix | None]) -> None:
        self._prefixes = prefixes
        self._shares = Shares.of(prefixes, self.model.device)
        self._before = _lengths(prefixes, self.model.device)


def _lengths(prefixes: Sequence[Prefix | None], device: torch.device) -> Tensor:
    """Return (rows, 1) tokens that stand before each row's own."""
    return torch.tensor([[prefix.length if prefix else 0] for prefix in prefixes], device=device)


def _joined(parts: Sequence[_Recorder]) -> _Recorder:
    if len(parts) == 1:
        return parts[0]
    whole = _Recorder()
    whole.keys = [torch.cat(layer) for layer in zip(*(p.keys for p in parts), strict=True)]
    whole.values = [torch.cat(layer) for layer in zip(*(p.values for p in parts), strict=True)]
    return whole


class PlainRows:
    """Rows in the model's own cache: whole prompts, padded on the left, no prefix shared."""

    refills = False

    def __init__(self, model: Any) -> None:
        self.model = model
        self._cache: Any = None
        self._mask = torch.zeros(0)

    @torch.inference_mode()
    def prefill(self, prompts: Sequence[Split]) -> Tensor:
        """Read whole prompts; see `Rows`.

        Raises:
            ModelError: the model keeps no keys and values.
        """
        whole = [[*shared, *own] for shared, own in prompts]
        width, device = max(map(len, whole)), self.model.device
        ids = [[0] * (width - len(prompt)) + prompt for prompt in whole]
        mask = [[0] * (width - len(prompt)) + [1] * len(prompt) for prompt in whole]
        self._cache, self._mask = None, torch.tensor(mask, device=device)
        return self._run(torch.tensor(ids, device=device))

    def admit(self, sources: Sequence[int]) -> None:
        """Make rows of the prompts read last; see `Rows`."""
        self.arrange(sources)

    @torch.inference_mode()
    def step(self, tokens: Sequence[int]) -> Tensor:
        """Write one token to each row; see `Rows`."""
        self._mask = torch.cat([self._mask, self._mask.new_ones(len(tokens), 1)], dim=1)
        return self._run(torch.tensor([[token] for token in tokens], device=self.model.device))

    def _run(self, ids: Tensor) -> Tensor:
        accepted = _parameters(self.model)
        places = (self._mask.cumsum(1) - 1).clamp(min=0)[:, -ids.shape[1] :]
        extra = {"position_ids": places, "logits_to_keep": 1}
        output = self.model(
            input_ids=ids,
            attention_mask=self._mask,
            past_key_values=self._cache,
            use_cache=True,
            **{name: value for name, value in extra.items() if name in accepted},
        )
        self._cache = getattr(output, "past_key_values", None)
        if not isinstance(self._cache, Cache):
            raise ModelError(f"{type(self.model).__name__} keeps no key-value cache to decode with")
        return output.logits[:, -1]

    @torch.inference_mode()
    def arrange(self, sources: Sequence[int]) -> None:
        """Let row i go on from row sources[i]; see `Rows`."""
        if list(sources) != list(range(len(self._mask))):
            chosen = torch.tensor(list(sources), dtype=torch.long, device=self._mask.device)
            self._mask = self._mask[chosen]
            self._cache.batch_select_indices(chosen)


def _parameters(model: Any) -> set[str]:
    inner = model.get_base_model() if hasattr(model, "get_base_model") else model
    return set(signature(inner.forward).parameters)


def shares_prefix(model: Any) -> bool:
    """Tell whether a model's rows can share a prefix; it is tried once on a few tokens."""
    known = known_of(model)
    if known.supported is None:
        known.supported = _keeps_everything(model) and _gives_the_same(model)
    return known.supported


def _keeps_everything(model: Any) -> bool:
    """Tell whether every layer keeps all keys, and calls its attention by transformers' table."""
    if not getattr(model, "_supports_attention_backend", False):
        return False
    layers = DynamicCache(config=model.config).layers
    return bool(layers) and all(type(layer) is DynamicLayer for layer in layers)


@torch.inference_mode()
def _gives_the_same(model: Any) -> bool:
    """Compare seven tokens read at once with the same behind a shared prefix."""
    vocabulary = model.config.get_text_config(decoder=True).vocab_size
    ids = [(7 * place + 3) % vocabulary for place in range(7)]
    whole = model(input_ids=torch.tensor([ids], device=model.device)).logits[0, -1].float()
    try:
        rows = SharedRows(model, Prefixes())
        rows.prefill([(ids[:3], ids[3:6]), ([], ids[:6])])
        rows.admit([0, 1])
        shared = rows.step([ids[6], ids[6]]).float()
    except Unsupported:
        return False
    tolerance = 1e-3 if model.dtype == torch.float32 else 0.1
    return bool((shared - whole).abs().max() <= tolerance * whole.std())
