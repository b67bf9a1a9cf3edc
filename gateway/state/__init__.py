"""What the replicas of a gateway share: leased limits, and small values with an end."""
