"""Models that judge answers: instruments, calibrated before they are trusted."""
