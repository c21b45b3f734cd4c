"""What do satellite scenes say of a claim? Pure functions: pixels and dates in, verdicts with their numbers out."""
