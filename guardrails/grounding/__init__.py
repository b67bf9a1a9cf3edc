"""What an answer stands on: its sentences, what they claim literally, and the part of a context that could bear it."""
