"""Where the model's weights are: on the device in full, in turns, in 8 bits or block by block; or at home, at rest."""
