"""What samples are asked of: one file, one kind of target."""
