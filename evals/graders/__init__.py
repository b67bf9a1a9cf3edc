"""OpenAI's graders as a library: parsed, and applied to an item and a sample."""
