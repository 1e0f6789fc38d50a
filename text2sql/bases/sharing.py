"""Several adapters on one copy of a base's weights, each looking like a model of its own.

    >>> weights = SharedWeights(load_model(find_base("mini")))
    >>> first, second, bare = weights.model("runs/a"), weights.model("runs/b"), weights.model()

    >>> pool = Pool()                                    # finds the copy that is there already
    >>> open_model("mini", adapter="runs/a", load=pool.load)

Forward passes of all of them take turns; PEFT switches adapters when another one's turn begins. An
adapter whose model is forgotten leaves the memory at the next turn, the base with its last model.

Covered: threads; the base without an adapter beside others.
Not covered: adapters that change the base itself (PiSSA and OLoRA take weights out of it, biases,
embeddings): `load` gives them a copy of their own.
"""

import json
import threading
import weakref
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any
from weakref import WeakValueDictionary

from text2sql.bases.base import Base
from text2sql.bases.loading import load_model, put_adapter, quiet

UNKNOWN = ""  # which adapter is active: the next turn switches in any case

_HARMLESS = (True, False, "gaussian", "orthogonal")  # beginnings that leave the base as it is
_OWN_PARTS = (
    "modules_to_save",
    "trainable_token_indices",
    "target_parameters",
    "layer_replication",
)


class SharedWeights:
    """A base's weights; `model` gives them with an adapter, or without."""

    def __init__(self, model: Any) -> None:
        self.base_model = self._model = model  # `_model` is PEFT's as soon as there is an adapter
        self._lock = threading.Lock()
        self._active: str | None = None
        self._made = 0
        self._forgotten: deque[str] = deque()

    def model(self, adapter: str | Path | None = None) -> "AdaptedModel":
        """Return the weights with an adapter.

        Raises:
            ModelError: the adapter cannot be loaded or does not fit.
        """
        if adapter is None:
            return AdaptedModel(self, None)
        with self._lock, quiet():
            self._remove_forgotten()
            name = f"adapter{self._made}"
            self._made += 1
            self._active = UNKNOWN
            try:
                self._model = put_adapter(self._model, Path(adapter), name=name).eval()
            except BaseException:
                self._remove(name)
                raise
        made = AdaptedModel(self, name)
        # only noted: the garbage may be collected in the middle of a forward pass
        weakref.finalize(made, self._forgotten.append, name).atexit = False
        return made

    @contextmanager
    def turn(self, adapter: str | None) -> Iterator[Any]:
        """Yield the model with an adapter's weights; others wait."""
        with self._lock:
            if self._forgotten:
                self._remove_forgotten()
            self._switch(adapter)
            yield self._model

    def _switch(self, adapter: str | None) -> None:
        if self._model is self.base_model or self._active == adapter:
            return
        tuner = self._model.base_model
        if adapter is None:
            tuner.disable_adapter_layers()
        else:
            tuner.enable_adapter_layers()
            self._model.set_adapter(adapter, inference_mode=True)
        self._active = adapter

    def _remove_forgotten(self) -> None:
        while self._forgotten:
            self._remove(self._forgotten.popleft())

    def _remove(self, adapter: str) -> None:
        """Take an adapter off, also one that was put on in part."""
        self._active = UNKNOWN
        left = set(getattr(self._model, "peft_config", ())) - {adapter}
        if left:
            self._model.set_adapter(min(left), inference_mode=True)  # PEFT warns of the active one
            if adapter in self._model.peft_config:
                self._model.delete_adapter(adapter)
        else:
            self._model = bare(self.base_model)


def bare(model: Any) -> Any:
    """Take every layer of PEFT out of a model; return it."""
    from peft.tuners.tuners_utils import BaseTunerLayer

    for path, module in list(model.named_modules()):
        if isinstance(module, BaseTunerLayer):
            parent, _, name = path.rpartition(".")
            setattr(model.get_submodule(parent), name, module.get_base_layer())
    if hasattr(model, "peft_config"):
        del model.peft_config
    return model


class AdaptedModel:
    """Shared weights with one adapter: is called, and has attributes, as the model would."""

    def __init__(self, weights: SharedWeights, adapter: str | None) -> None:
        self.weights, self._adapter = weights, adapter

    def __call__(self, *args: Any, **inputs: Any) -> Any:
        """Run the model."""
        with self.turn() as model:
            return model(*args, **inputs)

    def turn(self) -> AbstractContextManager[Any]:
        """Return what holds the weights with this adapter, for a run of their parts."""
        return self.weights.turn(self._adapter)

    def get_base_model(self) -> Any:
        """Return the model under the adapters."""
        return self.weights.base_model

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__") or name == "weights":  # while it is copied there is none yet
            raise AttributeError(name)
        return getattr(self.weights.base_model, name)


class Pool:
    """Copies of bases that are in use, to be found again."""

    def __init__(self, load: Callable[..., Any] = load_model) -> None:
        self._load = load
        self._lock = threading.Lock()
        self._kept: WeakValueDictionary[str, SharedWeights] = WeakValueDictionary()

    def load(self, base: Base, *, adapter: str | Path | None = None, **options: Any) -> Any:
        """Load a base with an adapter, as `load_model`; a base that is there is not loaded again.

        Raises:
            UnknownName, ModelError, MissingExtra: as `load_model`.
        """
        if adapter is not None and not leaves_base(Path(adapter)):
            return self._load(base, adapter=adapter, **options)
        key = json.dumps([str(base.source), options], sort_keys=True, default=str)
        with self._lock:
            weights = self._kept.get(key)
            if weights is None:
                weights = SharedWeights(self._load(base, **options))
                self._kept[key] = weights
            return weights.model(adapter)


def leaves_base(folder: Path) -> bool:
    """Tell whether an adapter leaves the base's own weights as they are, so that others share them.

    What cannot be read does not: loading it says what is wrong.
    """
    try:
        said = json.loads((folder / "adapter_config.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    plain = said.get("peft_type") == "LORA" and said.get("bias", "none") == "none"
    harmless = said.get("init_lora_weights", True) in _HARMLESS
    return plain and harmless and not any(said.get(part) for part in _OWN_PARTS)
