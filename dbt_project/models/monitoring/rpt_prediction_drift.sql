{{ config(materialized='table') }}

-- From the champions' first predictions.
{{ drift('prediction', references_of_champions('model_id')) }}
