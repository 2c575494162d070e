-- Prepares an account for the first `hitparade load`; run it as ACCOUNTADMIN. If you change the names, set the environment
-- variables SNOWFLAKE_DATABASE, SNOWFLAKE_WAREHOUSE, SNOWFLAKE_ROLE and SNOWFLAKE_USER, which profiles.yml reads.

create warehouse if not exists hitparade warehouse_size = xsmall auto_suspend = 60 initially_suspended = true;
create database if not exists hitparade;

-- The role that builds: it owns only the objects that it creates.
create role if not exists hitparade;
grant usage, operate on warehouse hitparade to role hitparade;
grant usage, create schema on database hitparade to role hitparade;
create schema if not exists hitparade.main;
create schema if not exists hitparade.ml;
grant ownership on schema hitparade.main to role hitparade;
grant ownership on schema hitparade.ml to role hitparade;

-- The role that reads, for BI tools and analysts. It sees marts, predictions, the registry and the functions, but neither
-- raw files nor quarantine. A function reads the stages of code and graphs with the rights of its caller.
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

-- Administrators have both roles. Analysts get the second: `grant role hitparade_reader to user ...`.
grant role hitparade to role sysadmin;

-- The user of the builds has a key and no password. docs/snowflake.md says how to make the key.
create user if not exists hitparade type = service default_role = hitparade default_warehouse = hitparade;
alter user hitparade set default_namespace = 'hitparade.main';
alter user hitparade set rsa_public_key = '<the lines between BEGIN and END of the public key>';
grant role hitparade to user hitparade;

-- For the task of schedule.sql.
grant execute task on account to role hitparade;

-- The packages of Anaconda are there once an administrator has accepted their terms (Admin, Billing & Terms).
