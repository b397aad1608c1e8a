"""The methods of the library peft that an adapter can be trained with, each with the numbers that suit it."""

from typing import Any

import torch

from ingestion.encoders.adapter import Adapter, Method, peft_quiet, with_adapter

RANK = 16
VIRTUAL_TOKENS = 16
RATES: dict[Method, float] = {"lora": 1e-3, "ia3": 1e-2, "prefix": 1e-2, "prompt": 1e-2}
"""Learning rates: the fewer weights there are, the further they have to go."""


def trainable(network: torch.nn.Module, method: Method, seed: int, earlier: Adapter | None = None) -> Any:
    """The network inside peft's, with a new adapter or an earlier one to go on from; all else stays as it is.

    Args:
        network: the base model, which becomes a part of what comes back.
        method: of peft.
        seed: of the new adapter's weights.
        earlier: an adapter of the same method and model.
    """
    if next(network.parameters()).dtype == torch.float16:  # in which small steps would be lost
        network = torch.nn.Module.float(network)
    if earlier is not None:
        return with_adapter(network, earlier, trainable=True)
    torch.manual_seed(seed)
    with peft_quiet():
        from peft import get_peft_model

        return get_peft_model(network, _config(network, method))


def weights_of(network: Any) -> dict[str, torch.Tensor]:
    """The adapter's weights alone, by the names under which peft keeps them."""
    from peft import get_peft_model_state_dict

    state: dict[str, torch.Tensor] = get_peft_model_state_dict(network, save_embedding_layers=False)
    return {name: weight.detach().cpu().contiguous() for name, weight in state.items()}


def settings_of(network: Any, base: str) -> dict[str, Any]:
    """The adapter's configuration as peft reads it, the same for the same adapter."""
    config = network.peft_config["default"].to_dict()
    config |= {"base_model_name_or_path": base, "inference_mode": True}
    return {name: sorted(value) if isinstance(value, set) else value for name, value in sorted(config.items())}


def _config(network: torch.nn.Module, method: Method) -> Any:
    from peft import IA3Config, LoraConfig, PrefixTuningConfig, PromptTuningConfig, TaskType

    kind = TaskType.FEATURE_EXTRACTION
    # A pooler is not used: nothing would train the weights beside it.
    pooler = [name for name, _ in network.named_modules() if name.startswith("pooler.")] or None
    if method == "lora":
        return LoraConfig(
            task_type=kind, r=RANK, lora_alpha=2 * RANK, target_modules="all-linear", exclude_modules=pooler
        )
    if method == "ia3":
        return IA3Config(task_type=kind, target_modules="all-linear", feedforward_modules=[], exclude_modules=pooler)
    settings = PrefixTuningConfig if method == "prefix" else PromptTuningConfig
    return settings(task_type=kind, num_virtual_tokens=VIRTUAL_TOKENS)
