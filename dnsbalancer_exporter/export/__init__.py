"""What the outside sees: metrics, the status page, the log. All drawn from one frozen Report."""
