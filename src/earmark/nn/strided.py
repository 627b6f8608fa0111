"""A convolution of single points that strides, for the shortcuts of residual networks."""

from torch import Tensor, nn
from torch.nn.functional import conv2d


class StridedPointwise(nn.Conv2d):
    """A 1 x 1 convolution without bias of every stride-th frame and band, (batch, n_in, frames, bands) -> n_out.

    What a strided nn.Conv2d computes, of values that are picked first: where fewer channels come in than oneDNN has in
    a block (16 with AVX-512, 8 with AVX2), its gradient of the weights of a strided one writes beyond its workspace,
    in float32 and in bfloat16 (uxlfoundation/oneDNN, issue 6035).
    """

    def __init__(self, n_in: int, n_out: int, stride: int | tuple[int, int]):
        super().__init__(n_in, n_out, 1, stride, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        down, across = self.stride
        # there is a bias once a normalisation has been worked in
        return conv2d(x[:, :, ::down, ::across], self.weight, self.bias)
