"""What leaves kdeviz: one file per format."""
