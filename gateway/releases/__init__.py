"""What serves: immutable releases, how an endpoint resolves to one, and manifests that declare them."""
