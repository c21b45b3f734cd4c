"""Satellite scenes: taken in, catalogued, read."""
