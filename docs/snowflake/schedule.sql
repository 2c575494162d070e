-- A task inside Snowflake that checks each morning whether the nightly build ran: it fails if nothing was loaded for a day.
-- The build itself needs dbt 1.11 and the raw files, and runs outside of Snowflake: see docs/snowflake.md.
use role hitparade;
use database hitparade;

create task if not exists ml.is_fresh
    warehouse = hitparade
    schedule = 'using cron 0 6 * * * UTC'
    suspend_task_after_num_failures = 3
as
    select to_number('the last load was ' || max(loaded_at)) from ml.loaded_code
    having max(loaded_at) < dateadd('day', -1, sysdate());

alter task ml.is_fresh resume;

-- A task that reports problems that raise no error, see docs/operations.md: it fails with the first message of rpt_incidents.
create task if not exists ml.is_well
    warehouse = hitparade
    schedule = 'using cron 30 6 * * * UTC'
as
    select to_number(min(message)) from main.rpt_incidents
    having count(*) > 0;

alter task ml.is_well resume;

-- How their last runs ended: state FAILED, and in the message when the last load was.
select name, state, error_message, scheduled_time, completed_time
from table(information_schema.task_history())
where name in ('IS_FRESH', 'IS_WELL')
order by scheduled_time desc;
