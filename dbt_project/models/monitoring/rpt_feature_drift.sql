{{ config(materialized='table') }}

{{ drift('feature') }}
