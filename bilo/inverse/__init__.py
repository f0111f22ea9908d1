"""How an inverse problem is stated: unknowns, equation, data, regulariser."""
