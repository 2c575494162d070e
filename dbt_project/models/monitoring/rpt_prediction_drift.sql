{{ config(materialized='table') }}

{{ drift('prediction') }}
