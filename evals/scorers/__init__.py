"""What scores an output: one file, one scorer."""
