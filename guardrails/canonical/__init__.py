"""Reading a text as a model may: what is hidden in it, unfolded."""
