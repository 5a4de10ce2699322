"""Settings for all tests."""

import os

# As the train command does, before torch is loaded; and nothing may look for a network.
os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
os.environ.setdefault("GOMP_SPINCOUNT", "0")
os.environ.setdefault("RL_LOGGING_LEVEL", "WARNING")
os.environ["HF_HUB_OFFLINE"] = "1"

from hypothesis import settings

# No deadline: a busy machine is no failure. Derandomised: the same tests every time.
settings.register_profile("reproducible", deadline=None, derandomize=True)
settings.load_profile("reproducible")
