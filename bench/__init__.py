"""Side-by-side measurements: each compares two things in one run and prints ratios of medians. See RESULTS.md."""

import os

os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # as the studio does, before torch reads it
