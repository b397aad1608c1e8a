"""EfficientNet-Lite0 (Tan and Le 2019, without squeeze-and-excitation and with ReLU6, as its Lite variants are).

An ImageNet network of 3.4 million weights that is quick without a GPU: .4 billion multiplications a picture. The
layers bear the names under which the packaged weights keep them.
"""

from collections.abc import Mapping

from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.fusion import fuse_conv_bn_eval

SIDE = 224
WIDTH = 1280
# Blocks of each stage, the side of their kernels, the stride of the first, how much wider they are inside, and
# the channels that come out.
_STAGES = (
    (1, 3, 1, 1, 16),
    (2, 3, 2, 6, 24),
    (2, 5, 2, 6, 40),
    (3, 3, 2, 6, 80),
    (3, 5, 1, 6, 112),
    (4, 5, 2, 6, 192),
    (1, 3, 1, 6, 320),
)
_STEM = 32
_EPSILON = 1e-3


class EfficientNetLite0(nn.Module):
    """Pictures (b, 3, 224, 224) to features (b, 1280): the mean over places of the last layer before the classes."""

    def __init__(self) -> None:
        super().__init__()
        self.conv_stem = _Convolution(3, _STEM, 3, stride=2)
        self.bn0 = nn.BatchNorm2d(_STEM, _EPSILON)
        self.blocks = nn.ModuleList()
        width = _STEM
        for count, kernel, stride, wider, out in _STAGES:
            for number in range(count):
                self.blocks.append(_Block(width, out, kernel, stride if number == 0 else 1, wider))
                width = out
        self.conv_head = _Convolution(width, WIDTH, 1)
        self.bn1 = nn.BatchNorm2d(WIDTH, _EPSILON)

    def forward(self, pictures: Tensor) -> Tensor:
        x = functional.relu6(self.bn0(self.conv_stem(pictures)), inplace=True)
        for block in self.blocks:
            x = block(x)
        return functional.relu6(self.bn1(self.conv_head(x)), inplace=True).mean((2, 3))

    @classmethod
    def of(cls, weights: Mapping[str, Tensor]) -> "EfficientNetLite0":
        """The network with weights as the package keeps them; those of its classes are left out."""
        network = cls()
        names = {name: ".".join(part.removeprefix("_") for part in name.split(".")) for name in weights}
        network.load_state_dict({names[n]: w for n, w in weights.items() if not n.startswith("_fc.")})
        network.eval()
        _fold(network, ("conv_stem", "bn0"), ("conv_head", "bn1"))
        for block in network.blocks:
            _fold(block, ("expand_conv", "bn0"), ("depthwise_conv", "bn1"), ("project_conv", "bn2"))
        return network


def _fold(module: nn.Module, *pairs: tuple[str, str]) -> None:
    """Normalisation becomes a part of the convolution before it: a third more pictures a second."""
    for convolution, norm in pairs:
        if hasattr(module, convolution):
            setattr(module, convolution, fuse_conv_bn_eval(getattr(module, convolution), getattr(module, norm)))
            setattr(module, norm, nn.Identity())


class _Convolution(nn.Conv2d):
    """A convolution without bias whose output has a place for every stride of the input.

    What is missing for that is filled up at both sides, and where it is odd, at the end: the weights were trained
    with TensorFlow, which does so.
    """

    def __init__(self, inwards: int, outwards: int, kernel: int, stride: int = 1, groups: int = 1) -> None:
        super().__init__(inwards, outwards, kernel, stride, groups=groups, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        missing = []
        for size in (x.shape[3], x.shape[2]):  # width, then height, as `pad` wants them
            whole = (-(-size // self.stride[0]) - 1) * self.stride[0] + self.kernel_size[0] - size
            missing += [max(whole, 0) // 2, max(whole, 0) - max(whole, 0) // 2]
        return super().forward(functional.pad(x, missing) if any(missing) else x)


class _Block(nn.Module):
    """An inverted bottleneck (Sandler et al. 2018): wider, filtered channel by channel, narrow again."""

    def __init__(self, inwards: int, outwards: int, kernel: int, stride: int, wider: int) -> None:
        super().__init__()
        inside = inwards * wider
        self.expands = wider > 1
        if self.expands:
            self.expand_conv = _Convolution(inwards, inside, 1)
            self.bn0 = nn.BatchNorm2d(inside, _EPSILON)
        self.depthwise_conv = _Convolution(inside, inside, kernel, stride, groups=inside)
        self.bn1 = nn.BatchNorm2d(inside, _EPSILON)
        self.project_conv = _Convolution(inside, outwards, 1)
        self.bn2 = nn.BatchNorm2d(outwards, _EPSILON)
        self.skips = stride == 1 and inwards == outwards

    def forward(self, x: Tensor) -> Tensor:
        inside = functional.relu6(self.bn0(self.expand_conv(x)), inplace=True) if self.expands else x
        inside = functional.relu6(self.bn1(self.depthwise_conv(inside)), inplace=True)
        narrow: Tensor = self.bn2(self.project_conv(inside))
        return narrow + x if self.skips else narrow
