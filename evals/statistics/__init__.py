"""Statistics that gates, canaries and monitors share. Each method names its paper and the guarantee it gives."""
