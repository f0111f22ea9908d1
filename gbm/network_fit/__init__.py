"""The fit by a network: BiLO, and a PINN for comparison."""
