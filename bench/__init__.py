"""Side-by-side measurements: each compares two things in one run and prints ratios of medians. See RESULTS.md."""
