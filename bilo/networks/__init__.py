"""Networks: the local solution operator, and DeepONet beside it."""
