-- What an account needs before the first `hitparade load`, as ACCOUNTADMIN. Change names and sizes as you like: they are
-- the variables SNOWFLAKE_DATABASE, SNOWFLAKE_WAREHOUSE, SNOWFLAKE_ROLE and SNOWFLAKE_USER of profiles.yml.

-- Training wants memory more than clusters: one XSMALL does the sample and the published files.
create warehouse if not exists hitparade
    warehouse_size = xsmall auto_suspend = 60 auto_resume = true initially_suspended = true;
create database if not exists hitparade;

-- The role that builds: it owns what it creates, and nothing else.
create role if not exists hitparade;
grant usage, operate on warehouse hitparade to role hitparade;
grant usage, create schema on database hitparade to role hitparade;

-- The role that reads: BI tools and people who query. Predictions run as the caller, with these rights.
create role if not exists hitparade_reader;
grant usage on warehouse hitparade to role hitparade_reader;
grant usage on database hitparade to role hitparade_reader;
grant usage on future schemas in database hitparade to role hitparade_reader;
grant select on future tables in database hitparade to role hitparade_reader;
grant select on future views in database hitparade to role hitparade_reader;
grant usage on future functions in database hitparade to role hitparade_reader;
grant role hitparade_reader to role hitparade;

-- The user of the builds has a key and no password. openssl makes the key:
--   openssl genrsa 2048 | openssl pkcs8 -topk8 -v2 aes256 -inform PEM -out hitparade.p8
--   openssl rsa -in hitparade.p8 -pubout
create user if not exists hitparade type = service default_role = hitparade default_warehouse = hitparade;
alter user hitparade set rsa_public_key = '<the lines between BEGIN and END of the public key>';
grant role hitparade to user hitparade;

-- The packages of Anaconda are there once an administrator has accepted their terms (Admin, Billing & Terms).
