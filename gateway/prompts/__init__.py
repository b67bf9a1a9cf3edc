"""Versioned prompts: templates, their variables, and how they are rendered."""
