"""The models that guards ask: loaded, verified, batched."""
