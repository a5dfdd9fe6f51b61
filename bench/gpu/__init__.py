"""Everything about speed and memory on a graphics card, ours beside diffusers' own, in one run of some minutes."""
