"""OpenAI's evals API, for programs that were written against it."""
