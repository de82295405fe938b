"""Small things to press, read and draw."""
