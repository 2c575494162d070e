"""The raw files that people give, as dbt reads them and as Snowflake loads them."""
