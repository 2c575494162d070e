{{ config(materialized='table') }}

-- From the champions' training data.
{{ drift('feature', references_of_champions('feature_fingerprint')) }}
