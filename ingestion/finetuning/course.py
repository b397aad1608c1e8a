"""One fine-tuning, from a snapshot to a saved adapter with its figures."""

import json
import time
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ingestion.encoders.adapter import (
    CONFIG,
    HELD_OUT,
    KINDS,
    MANIFEST,
    WEIGHTS,
    Adapter,
    AdapterManifest,
    Base,
    Method,
    open_adapter,
    require_base,
    version_of,
)
from ingestion.encoders.model_folder import PACKAGED_NAME
from ingestion.finetuning.exam import Exam, load_exam, save_exam, take_exam
from ingestion.finetuning.lessons import FinetuningError, Lessons, read_lessons
from schema.errors import suggestion
from schema.files import replacing_folder, sha256
from schema.progress import Report, silent
from schema.snapshot import MANIFEST as OF_SNAPSHOT
from schema.snapshot import Snapshot

MINUTES = 60.0


@dataclass(frozen=True)
class Course:
    """How an encoder is fine-tuned.

    Attributes:
        model: the base, as of `load_text_encoder`; that of the earlier adapter if None and there is one.
        method: lora, ia3, prefix or prompt; that of the earlier adapter, or LoRA, if None.
        earlier: folder of an adapter to go on from.
        seed: of what is drawn.
        device: "cpu" or "cuda"; the GPU if there is one.
        minutes: the longest that training may take.
    """

    model: str | None = None
    method: str | None = None
    earlier: Path | None = None
    seed: int = 0
    device: str | None = None
    minutes: float = MINUTES


def finetune(snapshot: Snapshot, out: Path, course: Course, report: Report = silent) -> AdapterManifest:
    """Trains an adapter on a shop's own pairs and saves it, complete or not at all.

    Raises:
        FinetuningError: the shop does not have what it takes, or the earlier adapter is of another method.
        AdapterError: the earlier adapter is damaged or of another model.
        EncoderError: the model cannot be had or opened.
        WriteError: the folder cannot be written.
    """
    earlier = None if course.earlier is None else open_adapter(course.earlier)
    method = _method(course, earlier)
    lessons = read_lessons(snapshot)
    # The folder first: one that cannot be written is known before the training, not after.
    with replacing_folder(out, marker=CONFIG) as folder:
        manifest, network = _learned(lessons, course, method, earlier, report)
        _save(manifest.model_copy(update={"data": _data(snapshot, lessons)}), network, lessons.reported, folder)
    return open_adapter(out).manifest


def _learned(
    lessons: Lessons, course: Course, method: Method, earlier: Adapter | None, report: Report
) -> tuple[AdapterManifest, Any]:
    """What there is to say of the adapter but its files and data, and the network that holds it."""
    # Here, not above: torch takes seconds to import, and a shop without pairs is refused before.
    from ingestion.encoders.text import load_text_encoder
    from ingestion.finetuning.methods import trainable
    from ingestion.finetuning.train import train

    model = _model(course, earlier)
    plain = load_text_encoder(model, device=course.device)
    if earlier is not None:
        require_base(earlier, plain.name, plain.version)
    old = None if earlier is None else load_exam(earlier.folder / HELD_OUT)
    found = {"before": take_exam(lessons.reported, plain)}
    encoder = replace(plain, network=trainable(plain.network, method, course.seed, earlier).eval())
    if old is not None:
        found |= {"earlier": take_exam(lessons.reported, encoder), "old_earlier": take_exam(old, encoder)}
    started = time.monotonic()
    trained = train(encoder, lessons, method=method, seed=course.seed, seconds=60 * course.minutes, report=report)
    seconds = time.monotonic() - started
    found["after"] = take_exam(lessons.reported, encoder)
    if old is not None:
        found["old_after"] = take_exam(old, encoder)
    manifest = AdapterManifest(
        version="",
        base=Base(model=model, version=plain.version),
        method=method,
        seed=course.seed,
        created_at=datetime.now(UTC),
        earlier=earlier.version if earlier else None,
        training=asdict(trained) | {"seconds": round(seconds, 1)},
        data={},
        figures={name: one.as_dict() for name, one in found.items()},
        files={},
    )
    return manifest, encoder.network


def _method(course: Course, earlier: Adapter | None) -> Method:
    method = course.method or (earlier.manifest.method if earlier else "lora")
    if method not in KINDS:
        raise FinetuningError(f"no method {method}; {suggestion(method, KINDS)}")
    if earlier is not None and method != earlier.manifest.method:
        raise FinetuningError(
            f"{earlier.folder}: is an adapter by {earlier.manifest.method}, from which {method} cannot go on; "
            "leave the method out, or name the model to begin anew"
        )
    return method


def _model(course: Course, earlier: Adapter | None) -> str:
    """What names the base model, from any folder."""
    model = course.model or (earlier.manifest.base.model if earlier else PACKAGED_NAME)
    folder = Path(model).expanduser()
    return str(folder.absolute()) if folder.is_dir() else model


def _data(snapshot: Snapshot, lessons: Lessons) -> dict[str, Any]:
    described = int((lessons.pairs.first == lessons.pairs.second).sum())
    return {
        "snapshot": sha256(snapshot.path / OF_SNAPSHOT),
        "as_of": snapshot.manifest.as_of.isoformat(),
        "products": snapshot.manifest.nodes["Product"],
        "groups": lessons.meetings.links.shape[0],
        "pairs": len(lessons.pairs) - described,
        "described": described,
        "held_out": {"stopping": lessons.stopping.asked, "reported": lessons.reported.asked},
    }


def _save(manifest: AdapterManifest, network: Any, reported: Exam, folder: Path) -> None:
    from safetensors.torch import save_file

    from ingestion.finetuning.methods import settings_of, weights_of

    save_file(weights_of(network), folder / WEIGHTS, metadata={"format": "pt"})
    settings = json.dumps(settings_of(network, manifest.base.model), indent=2, default=str)
    (folder / CONFIG).write_text(settings + "\n", encoding="utf-8")
    (folder / HELD_OUT).mkdir()
    save_exam(reported, folder / HELD_OUT)
    names = sorted(file.relative_to(folder).as_posix() for file in folder.rglob("*") if file.is_file())
    files = {name: sha256(folder / name) for name in names}
    complete = manifest.model_copy(update={"version": version_of(folder, manifest.base), "files": files})
    (folder / MANIFEST).write_text(complete.model_dump_json(indent=2) + "\n", encoding="utf-8")
