"""The values of expressions: exact, modulo a prime, at points, and by sympy."""
