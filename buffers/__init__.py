"""What to practise next: buffers of tasks and trajectories, and the sampler that draws from them."""

# By way of the package, so that a bare `import buffers` from the repository's root fails here, at once.
from ..buffers.sampler import RubricPrioritizedSampler
from ..buffers.tasks import TaskBuffer, TaskDraw
from ..buffers.trajectories import TrajectoryBuffer

__all__ = ["RubricPrioritizedSampler", "TaskBuffer", "TaskDraw", "TrajectoryBuffer"]
