-- A task inside Snowflake that says each morning whether the night's build began: it fails where nothing was loaded for a day.
-- The build itself wants dbt 1.11 and the raw files, and runs where these are: see docs/snowflake.md.
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

-- Mail, where anything is wrong: late and failed builds, row counts, quarantine, drift. It wants a notification integration of
-- the account whose addresses may be written to; it tells the same every morning, for as long as it is wrong.
create alert if not exists ml.incidents
    warehouse = hitparade
    schedule = 'using cron 30 6 * * * UTC'
    if (exists (select check_name from main.rpt_incidents))
    then call system$send_email(
        'hitparade_mail', 'label@example.com', 'hitparade', 'See select * from hitparade.main.rpt_incidents'
    );

alter alert ml.incidents resume;

-- How its last runs ended: state FAILED, and in the message when the last load was.
select name, state, error_message, scheduled_time, completed_time
from table(information_schema.task_history(task_name => 'IS_FRESH'))
order by scheduled_time desc;
