"""The command line, the sample, the dbt-duckdb plugin, the page and the report."""
