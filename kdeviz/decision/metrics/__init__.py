"""How well scores separate labelled samples. Lower is more anomalous; unlabelled rows are left out."""
