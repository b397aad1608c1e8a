"""Opening a model's folder with transformers, whatever it encodes."""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from torch import Tensor
from transformers import AutoModel, PreTrainedModel
from transformers.utils import logging as transformers_logging

from ingestion.encoders.model_folder import EncoderError


def open_model(folder: Path, reader: type[Any]) -> tuple[Any, PreTrainedModel, bool]:
    """What prepares the inputs, the network, and whether its pooler has weights too.

    Args:
        folder: of the model.
        reader: the class of transformers that opens what prepares the inputs.

    Raises:
        EncoderError: transformers cannot open it, or weights are missing.
    """
    transformers_logging.disable_progress_bar()  # type: ignore[no-untyped-call]  # a pipeline shows its own progress
    transformers_logging.set_verbosity_error()  # type: ignore[no-untyped-call]
    try:
        preparation = reader.from_pretrained(folder, local_files_only=True)
        network, loaded = AutoModel.from_pretrained(
            folder, local_files_only=True, use_safetensors=True, output_loading_info=True
        )
    except (OSError, ValueError, KeyError, RuntimeError, ImportError, SafetensorError) as error:
        raise EncoderError(f"{folder}: transformers cannot open this model ({error}); fetch it again") from error
    # transformers draws absent weights at random and goes on; a pooler without weights is not used.
    absent = sorted(name for name in loaded["missing_keys"] if not name.startswith("pooler."))
    if absent:
        raise EncoderError(f"{folder}: the weights lack {absent[0]} and {len(absent) - 1} more; fetch it again")
    return preparation, network.eval(), not loaded["missing_keys"]


def precision(network: PreTrainedModel, device: torch.device) -> torch.dtype:
    """Half precision on a GPU; bfloat16 for a model trained in it, whose values float16 may not hold."""
    if device.type != "cuda":
        return torch.float32
    return torch.bfloat16 if network.dtype == torch.bfloat16 else torch.float16


def at_length_one(features: Tensor) -> NDArray[np.float32]:
    """Vectors (b, d) as they are kept.

    Raises:
        EncoderError: the model gave something that is not a finite number.
    """
    vectors: NDArray[np.float32] = torch.nn.functional.normalize(features.float(), dim=1).cpu().numpy()
    if not np.isfinite(vectors).all():
        raise EncoderError("the model gives values that are not finite numbers; fetch it again or name another")
    return vectors
