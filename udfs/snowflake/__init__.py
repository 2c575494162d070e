"""The handlers of the Python functions that dbt creates in Snowflake; a stage has them as a zip."""
