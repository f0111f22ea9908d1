"""What searches of every kind share."""
