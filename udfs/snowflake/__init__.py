"""What runs inside Snowflake: the Python functions that dbt creates there, of the code in a zip."""
