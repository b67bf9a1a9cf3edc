"""The scoring server: the models of one box, for many gateways."""
