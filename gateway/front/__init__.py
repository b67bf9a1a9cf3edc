"""Where requests come in: a protocol for the hot path, and an ASGI application for everything else."""
