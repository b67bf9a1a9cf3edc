"""What came of a run, for people and machines: one file, one form."""
