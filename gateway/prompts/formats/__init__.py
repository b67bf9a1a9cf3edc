"""Prompts as others write them: one module a format, each of which reads and writes."""
