"""How the shipped models are made: the recipes, from data to weights."""
