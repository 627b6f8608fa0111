"""Networks as they are read with once they have been trained."""

import copy
from itertools import pairwise
from typing import TypeVar

from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval

Network = TypeVar("Network", bound=nn.Module)


def fused(net: Network) -> Network:
    """A copy of the same answers, which takes a twentieth to a fifth less time.

    Batch normalisation becomes part of convolution where the one follows the other: in an nn.Sequential, whose order is
    the data's, and where a module's `NORMALISED` says so, pairs of the names of a convolution and a normalisation.
    """
    net = copy.deepcopy(net).eval()
    for module in list(net.modules()):
        names = [name for name, _ in module.named_children()] if isinstance(module, nn.Sequential) else []
        for conv, norm in (*pairwise(names), *getattr(module, "NORMALISED", ())):
            first, second = getattr(module, conv), getattr(module, norm)
            if isinstance(first, nn.Conv2d) and isinstance(second, nn.BatchNorm2d):
                setattr(module, conv, fuse_conv_bn_eval(first, second))
                setattr(module, norm, nn.Identity())
    return net
