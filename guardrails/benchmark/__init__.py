"""How well guards do, measured on labelled texts."""
