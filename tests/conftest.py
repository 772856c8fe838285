"""What all tests share: how hypothesis behaves on a machine that is busy with other things."""

import os

from hypothesis import HealthCheck, settings

settings.register_profile("headwater", deadline=None, print_blob=True, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "headwater"))
