-- The Python code that fills the bins and the mart that states their limits must agree.
select *
from {{ ref('rpt_calibration') }}
where not predicted between low - 0.000001 and high + 0.000001
