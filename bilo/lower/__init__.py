"""The lower level: keep the network a solution operator of the equation."""
