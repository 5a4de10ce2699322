"""What to practise next and what to replay: buffers of tasks and of trajectories, and the sampler of both."""

# By way of the package, so that a bare `import buffers` from the repository's root fails here, at once.
from ..buffers.sampler import RubricPrioritizedSampler
from ..buffers.tasks import TaskBuffer, TaskDraw
from ..buffers.trajectories import TrajectoryBuffer

__all__ = ["RubricPrioritizedSampler", "TaskBuffer", "TaskDraw", "TrajectoryBuffer"]
