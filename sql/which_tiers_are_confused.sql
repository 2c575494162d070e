-- Which tier does the champion predict for the tracks of each tier?
-- Shape: up to 4 rows: actual VARCHAR, tracks BIGINT, flop DOUBLE, mid DOUBLE, hit DOUBLE, viral DOUBLE.
select
    actual,
    cast(sum(row_count) as bigint) as tracks,
    max(share_of_actual) filter (where predicted = 'Flop') as flop,
    max(share_of_actual) filter (where predicted = 'Mid') as mid,
    max(share_of_actual) filter (where predicted = 'Hit') as hit,
    max(share_of_actual) filter (where predicted = 'Viral') as viral
from rpt_tier_confusion
where is_champion
group by actual
order by list_position(['Flop', 'Mid', 'Hit', 'Viral'], actual)
