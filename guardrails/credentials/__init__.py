"""Credentials: the formats they are issued in, and how what only looks like one is told from them."""
