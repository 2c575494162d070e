-- What an account needs before the first `hitparade load`, as ACCOUNTADMIN. Change names and sizes as you like: they are
-- the variables SNOWFLAKE_DATABASE, SNOWFLAKE_WAREHOUSE, SNOWFLAKE_ROLE and SNOWFLAKE_USER of profiles.yml.

create warehouse if not exists hitparade warehouse_size = xsmall auto_suspend = 60 initially_suspended = true;
create database if not exists hitparade;

-- The role that builds: it owns what it creates, and nothing else.
create role if not exists hitparade;
grant usage, operate on warehouse hitparade to role hitparade;
grant usage, create schema on database hitparade to role hitparade;
create schema if not exists hitparade.main;
create schema if not exists hitparade.ml;
grant ownership on schema hitparade.main to role hitparade;
grant ownership on schema hitparade.ml to role hitparade;

-- The role that reads: BI tools and people who query. It sees marts, predictions, the registry and the functions, and
-- neither raw files nor quarantine. A function reads the stages of code and graphs with the rights of who calls it.
create role if not exists hitparade_reader;
grant usage on warehouse hitparade to role hitparade_reader;
grant usage on database hitparade to role hitparade_reader;
grant usage on schema hitparade.main to role hitparade_reader;
grant usage on schema hitparade.ml to role hitparade_reader;
grant select on future tables in schema hitparade.main to role hitparade_reader;
grant select on future tables in schema hitparade.ml to role hitparade_reader;
grant select on future views in schema hitparade.main to role hitparade_reader;
grant select on future views in schema hitparade.ml to role hitparade_reader;
grant usage on future functions in schema hitparade.main to role hitparade_reader;
grant read on future stages in schema hitparade.ml to role hitparade_reader;
grant role hitparade_reader to role hitparade;

-- Administrators act as both; a person who queries is granted the second, `grant role hitparade_reader to user ...`.
grant role hitparade to role sysadmin;

-- The user of the builds has a key and no password. docs/snowflake.md says how to make the key.
create user if not exists hitparade type = service default_role = hitparade default_warehouse = hitparade;
alter user hitparade set default_namespace = 'hitparade.main';
alter user hitparade set rsa_public_key = '<the lines between BEGIN and END of the public key>';
grant role hitparade to user hitparade;

-- For the task of schedule.sql.
grant execute task on account to role hitparade;

-- The packages of Anaconda are there once an administrator has accepted their terms (Admin, Billing & Terms).
