"""What an experiment is: settings, grids of runs, published figures."""
