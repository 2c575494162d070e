"""The PostgreSQL door: wire protocol, catalogs and types."""
