-- A bin is named by the probabilities it holds: the Python that fills the bins and the mart that names
-- their limits must agree.
select *
from {{ ref('rpt_calibration') }}
where not predicted between low - 1e-6 and high + 1e-6
