-- A build each night inside Snowflake: a dbt project object runs `dbt build` on the account, a task starts it. The raw files are
-- loaded from outside, by `hitparade load`: where files arrive daily, run that and `dbt build --target snowflake` from the scheduler
-- that brings the files, and leave this out.
use role hitparade;
use database hitparade;

create task if not exists ml.nightly_build
    warehouse = hitparade
    schedule = 'using cron 0 3 * * * UTC'
    suspend_task_after_num_failures = 3
as
    execute dbt project hitparade.ml.project args = 'build --target snowflake';

alter task ml.nightly_build resume;

-- How the last runs ended, and why one failed.
select name, state, error_message, scheduled_time, completed_time
from table(information_schema.task_history(task_name => 'NIGHTLY_BUILD'))
order by scheduled_time desc;
