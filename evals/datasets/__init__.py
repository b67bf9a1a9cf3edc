"""Where samples come from: one file, one kind of source."""
