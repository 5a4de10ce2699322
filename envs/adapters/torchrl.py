"""For TorchRL: importing this module teaches ``GymEnv`` and ``GymWrapper`` the spaces of these environments.

Texts become ``NonTensor`` specs, as those of Gymnasium's own ``Text`` do.
"""

from __future__ import annotations

from typing import Any

from torchrl.data import NonTensor
from torchrl.envs.libs.gym import register_gym_spec_conversion

from ...spaces import TextSpace


@register_gym_spec_conversion(TextSpace)
def text_spec(space: TextSpace, *, device: Any = None, batch_size: Any = (), **_: Any) -> NonTensor:
    """The spec of texts."""
    return NonTensor(shape=batch_size or (), device=device, example_data="")
