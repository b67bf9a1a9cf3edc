"""Bytes in, bytes out: the OpenAI and Anthropic wire formats and server-sent events."""
