"""What keeps README.md and docs/ true: `make docs` renews them, `make site` builds the site."""
