"""An adapter: a few trained weights beside a text model that stays as it is, as a folder.

`manifest.json`, `adapter_config.json` and `adapter_model.safetensors` (the two files of the library peft),
`held_out/` (what it was asked about products that it was not trained on). An adapter fits the one model that it was
trained with; a pickle is never read.
"""

import hashlib
import json
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, ValidationError

from ingestion.encoders.model_folder import EncoderError
from schema.files import sha256

if TYPE_CHECKING:
    import torch

MANIFEST = "manifest.json"
CONFIG = "adapter_config.json"
WEIGHTS = "adapter_model.safetensors"
HELD_OUT = "held_out"
METRIC = "recall@20"
"""What an adapter is judged by."""

Method = Literal["lora", "ia3", "prefix", "prompt"]
KINDS: dict[Method, str] = {"lora": "LORA", "ia3": "IA3", "prefix": "PREFIX_TUNING", "prompt": "PROMPT_TUNING"}
"""What peft calls each method."""

_FORM = "pathrec-adapter-1"
_PICKLES = ("*.bin", "*.pt", "*.pth", "*.pkl")
_MERGED: tuple[Method, ...] = ("lora", "ia3")


class AdapterError(EncoderError):
    """An adapter is missing, damaged, a pickle, or of another model."""


class Base(BaseModel):
    """The model that an adapter was trained with.

    Attributes:
        model: its id, its folder, or the name of the packaged one.
        version: hash of its files.
    """

    model_config = ConfigDict(frozen=True)

    model: str
    version: str


class AdapterManifest(BaseModel):
    """What an adapter says of itself.

    Attributes:
        version: hash of the base model and of the adapter's weights and configuration.
        earlier: version of the adapter that training went on from.
        training: how it went.
        data: what it was trained on.
        figures: what is found of held-out products' partners, `before` without an adapter and `after`; with an earlier
            adapter also by that one, and of the products that were held out from it: `old_earlier` and `old_after`.
        files: path -> sha256.
    """

    model_config = ConfigDict(frozen=True)

    format: Literal[1] = 1
    version: str
    base: Base
    method: Method
    seed: int
    created_at: datetime
    earlier: str | None
    training: dict[str, Any]
    data: dict[str, Any]
    figures: dict[str, dict[str, float]]
    files: dict[str, str]

    @property
    def gained(self) -> bool:
        """Whether more partners are found than without an adapter."""
        return self.figures["after"][METRIC] > self.figures["before"][METRIC]

    @property
    def forgotten(self) -> dict[str, float]:
        """By metric how much less is found of the products held out from the earlier adapter; below zero if more."""
        before, after = (self.figures.get(name, {}) for name in ("old_earlier", "old_after"))
        return {name: before[name] - after[name] for name in before if name != "products"}


@dataclass(frozen=True)
class Adapter:
    """An adapter's folder, its files known by hash."""

    folder: Path
    manifest: AdapterManifest

    @property
    def version(self) -> str:
        return self.manifest.version


def open_adapter(folder: Path) -> Adapter:
    """Opens an adapter and checks every file against its sha256; needs no torch.

    Raises:
        AdapterError: not there, damaged, of another format, or only a pickle.
    """
    if not (folder / WEIGHTS).is_file() and any(any(folder.glob(pattern)) for pattern in _PICKLES):
        raise AdapterError(
            f"{folder}: no {WEIGHTS} in this adapter; other forms can run code when they are opened and are not read. "
            "Save it with safetensors, or train it with `pathrec finetune-text`"
        )
    file = folder / MANIFEST
    try:
        manifest = AdapterManifest.model_validate_json(file.read_bytes())
    except OSError as error:
        raise AdapterError(
            f"{folder}: no adapter here ({error.strerror}); make one with `pathrec finetune-text`"
        ) from error
    except ValidationError as error:
        raise AdapterError(
            f"{file}: not the manifest of an adapter ({error.errors()[0]['msg']}); train it again"
        ) from error
    for name, expected in manifest.files.items():
        if not (folder / name).is_file() or sha256(folder / name) != expected:
            raise AdapterError(f"{folder / name}: is missing or damaged (its sha256 differs); train the adapter again")
    if manifest.version != version_of(folder, manifest.base) or _kind(folder) != KINDS[manifest.method]:
        raise AdapterError(f"{file}: does not fit the files beside it; train the adapter again")
    return Adapter(folder, manifest)


def version_of(folder: Path, base: Base) -> str:
    """Hash of everything that decides the vectors: the base model, and the adapter's configuration and weights."""
    parts = (_FORM, base.version, sha256(folder / CONFIG), sha256(folder / WEIGHTS))
    return hashlib.sha256("\x1f".join(parts).encode()).hexdigest()


def require_base(adapter: Adapter, name: str, version: str) -> None:
    """Refuses an adapter of another model than the one of a name and version.

    Raises:
        AdapterError: says which model it needs.
    """
    base = adapter.manifest.base
    if version != base.version:
        raise AdapterError(
            f"{adapter.folder}: was trained for {base.model} (version {base.version[:12]}) and does not fit "
            f"{name} (version {version[:12]}); use it with that model, or train one for this"
        )


def adapted(network: "torch.nn.Module", adapter: Adapter) -> "torch.nn.Module":
    """The network with an adapter. What can be merged into the weights is, and then costs nothing.

    Raises:
        AdapterError: its weights are not those of such a network.
    """
    wrapped = with_adapter(network, adapter)
    whole: torch.nn.Module = wrapped.merge_and_unload() if adapter.manifest.method in _MERGED else wrapped.eval()
    return whole


def with_adapter(network: "torch.nn.Module", adapter: Adapter, *, trainable: bool = False) -> Any:
    """The network inside peft's, whose adapter can be trained further.

    Raises:
        AdapterError: its weights are not those of such a network.
    """
    with peft_quiet():
        from peft import PeftModel

        try:
            return PeftModel.from_pretrained(network, str(adapter.folder), is_trainable=trainable)
        except (ValueError, RuntimeError, KeyError, TypeError) as error:
            raise AdapterError(f"{adapter.folder}: cannot be put on its model ({error}); train it again") from error


@contextmanager
def peft_quiet() -> Iterator[None]:
    """peft asks transformers for what that has renamed."""
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "`is_gradient_checkpointing` is deprecated", FutureWarning)
        yield


def _kind(folder: Path) -> str:
    try:
        return str(json.loads((folder / CONFIG).read_text(encoding="utf-8"))["peft_type"])
    except (ValueError, KeyError, TypeError):
        return ""
