"""Jobs: supervised loops that one process of an installation runs at a time."""
