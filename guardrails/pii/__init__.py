"""Finding personal data: recognisers with checks, a small tagger for names and places, and a vault for the values."""
