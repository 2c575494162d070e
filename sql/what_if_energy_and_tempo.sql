-- How would other energies and tempos change one song's hit probability?
-- Shape: 30 rows, one for each pair of energy and tempo: energy DOUBLE, tempo DOUBLE,
-- hit_probability DOUBLE.
with energies as (

    select unnest(range(5, 10)) / 10 as energy

),

tempos as (

    select cast(unnest(range(80, 181, 20)) as double) as tempo

)

select
    energies.energy,
    tempos.tempo,
    predict_hit(
        danceability := 0.71, energy := energies.energy, valence := 0.52, tempo := tempos.tempo
    ) as hit_probability
from energies
cross join tempos
order by energies.energy, tempos.tempo
