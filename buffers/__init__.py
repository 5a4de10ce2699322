"""What to practise next: the buffer of tasks, and the sampler that draws from it."""

# By way of the package, so that a bare `import buffers` from the repository's root fails here, at once.
from ..buffers.sampler import RubricPrioritizedSampler
from ..buffers.tasks import TaskBuffer, TaskDraw

__all__ = ["RubricPrioritizedSampler", "TaskBuffer", "TaskDraw"]
