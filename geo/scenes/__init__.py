"""Satellite scenes as numbers: grids, reflectance, masks, indices. Arrays in, arrays out."""
