"""Wrappers of Gymnasium for text environments.

Those of Gymnasium work too: ``gymnasium.wrappers.ClipReward`` clips rewards, for example.
"""

# By way of the package, so that a bare `import wrappers` from the repository's root fails here, at once.
from ..wrappers.curriculum import CurriculumDifficulty
from ..wrappers.group import GroupBaseline
from ..wrappers.limits import TimeLimit, TurnLimit
from ..wrappers.prompts import ChatTemplate, SystemPrompt
from ..wrappers.record import RecordTranscripts
from ..wrappers.rewards import AuxiliaryReward, FormatReward, MixReward, RubricReward
from ..wrappers.tools import ToolUse

__all__ = [
    "AuxiliaryReward",
    "ChatTemplate",
    "CurriculumDifficulty",
    "FormatReward",
    "GroupBaseline",
    "MixReward",
    "RecordTranscripts",
    "RubricReward",
    "SystemPrompt",
    "TimeLimit",
    "ToolUse",
    "TurnLimit",
]
