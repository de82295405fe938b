"""What runs in the background, and what is remembered of it."""
