"""Where a call meets the guards of its release: the one choke point, for every surface."""
