"""Generators write the texts of D_a: one file each, one small contract, one registry."""
