"""Plantation claims: registered, tested, measured, decided."""
