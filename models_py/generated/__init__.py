"""What `hitparade generate` writes from tasks/: plain values."""
