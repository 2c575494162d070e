"""Tools for README.md and docs/: `make docs` updates their outputs, `make site` builds the site."""
