"""Whether a candidate may know the items of a suite: from its training data, its prompt's examples, its documents."""
