"""What makes tokens: one module a kind of upstream, all behind the port in base."""
