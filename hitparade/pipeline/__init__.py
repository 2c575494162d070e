"""What runs, publishes and watches a build."""
