"""Where model files are found."""
