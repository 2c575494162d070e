"""The user's raw files: how dbt reads them, and how they are loaded into Snowflake."""
