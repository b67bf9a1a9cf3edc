"""Where the samples of a run are asked: on this machine, or spread over a cluster."""
