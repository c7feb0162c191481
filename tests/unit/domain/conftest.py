"""How long Hypothesis looks: ``HYPOTHESIS_PROFILE=long`` for a search of minutes, else a few seconds."""

import os

from hypothesis import settings

settings.register_profile("default", max_examples=50, stateful_step_count=30)
settings.register_profile("long", max_examples=1_500, stateful_step_count=80)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "default"))
