-- What hosts report: the loads, the reports, the updates in them, and what was refused.
-- Runs unchanged on plain PostgreSQL 15+ and on Citus (see citus.sql): no foreign key and no unique
-- constraint leaves host_id out on a report table; measurements are double precision, never real.

create table report_load (
  load_id        bigint generated always as identity primary key,
  collector      text        not null,
  row_count      integer     not null,
  received_from  timestamptz,
  received_until timestamptz not null,
  loaded_at      timestamptz not null default clock_timestamp()
);
comment on table report_load is 'One committed group of reports; written in the transaction of its rows. What the analyzer follows.';
comment on column report_load.load_id is 'Names the load; rows carry it. Ids may commit out of order and may have gaps.';
comment on column report_load.collector is 'Which collector wrote it: host name and process id.';
comment on column report_load.row_count is 'Rows of report in this load; 0 for a heartbeat of an idle collector.';
comment on column report_load.received_from is 'Earliest received_at of its rows; null for a heartbeat.';
comment on column report_load.received_until is 'Latest received_at of its rows; for a heartbeat the time it was written. What moves the analyzer''s clock.';
comment on column report_load.loaded_at is 'Database clock when the load was written.';
create index report_load_received_until on report_load (received_until);

create table segment (
  segment_id uuid primary key,
  attributes jsonb not null
);
comment on table segment is 'One combination of a host''s attributes. Rows are never changed.';
comment on column segment.segment_id is 'Name-based UUID of the sorted attributes; the same on every machine.';
comment on column segment.attributes is 'Object of attribute name to value, all text: product_line, product_version, os, os_version, region, ring, and whatever else the host said.';

create table host_name (
  host_id     uuid not null,
  customer_id text not null,
  name        text not null,
  primary key (host_id)
);
comment on table host_name is 'The identifier a host sent where that was not a UUID.';
comment on column host_name.host_id is 'Name-based UUID of customer and name.';
comment on column host_name.customer_id is 'The customer whose token the host wrote with.';
comment on column host_name.name is 'The identifier as sent.';

create table report (
  load_id      bigint           not null,
  host_id      uuid             not null,
  customer_id  text             not null,
  segment_id   uuid,
  observed_at  timestamptz      not null,
  received_at  timestamptz      not null,
  interval_s   double precision,
  busy         double precision,
  peak         double precision,
  product_busy double precision
) partition by range (received_at);
comment on table report is 'One message from one host. A retried report may stand here twice: count distinct (host_id, observed_at).';
comment on column report.load_id is 'The load it came in.';
comment on column report.host_id is 'The host; distribution column on Citus.';
comment on column report.customer_id is 'Whose host it is, from the token.';
comment on column report.segment_id is 'The host''s attributes; null: as last reported.';
comment on column report.observed_at is 'When the host measured, by the host''s clock.';
comment on column report.received_at is 'When the collector took it, by the server''s clock; partition key.';
comment on column report.interval_s is 'Seconds the CPU figures cover, and so how often the host reports; null: no CPU in this report.';
comment on column report.busy is 'Fraction of all processors busy over the interval, 0 to 1.';
comment on column report.peak is 'Highest busy fraction within the interval, 0 to 1; null: not said.';
comment on column report.product_busy is 'Fraction of all processors used by our product, 0 to 1; null: not said.';
create index report_load_id on report using brin (load_id);
create table report_default partition of report default;
comment on table report_default is 'Rows outside the daily partitions: a replay of the past, a clock out of range.';

create table report_update (
  load_id     bigint      not null,
  host_id     uuid        not null,
  customer_id text        not null,
  segment_id  uuid,
  observed_at timestamptz not null,
  received_at timestamptz not null,
  update_id   text        not null,
  outcome     smallint    not null check (outcome between 0 and 2),
  happened_at timestamptz not null
) partition by range (received_at);
comment on table report_update is 'One update named in a report.';
comment on column report_update.load_id is 'The load it came in.';
comment on column report_update.host_id is 'The host; distribution column on Citus.';
comment on column report_update.customer_id is 'Whose host it is, from the token.';
comment on column report_update.segment_id is 'The host''s attributes; null: as last reported.';
comment on column report_update.observed_at is 'When the host wrote the report, by the host''s clock.';
comment on column report_update.received_at is 'When the collector took it, by the server''s clock; partition key.';
comment on column report_update.update_id is 'The update, such as pattern/2.594.00.';
comment on column report_update.outcome is '0 installed, 1 failed, 2 rolled back.';
comment on column report_update.happened_at is 'When it happened, by the host''s clock.';
create index report_update_load_id on report_update using brin (load_id);
create table report_update_default partition of report_update default;
comment on table report_update_default is 'Rows outside the daily partitions.';

create table rejected_report (
  rejected_at timestamptz not null default clock_timestamp(),
  source      text        not null,
  customer_id text,
  line        integer     not null,
  detail      text        not null,
  excerpt     text        not null
);
comment on table rejected_report is 'Reports refused, with the reason; the newest are kept, bounded by trim_rejected_reports.';
comment on column rejected_report.rejected_at is 'When it was refused.';
comment on column rejected_report.source is 'The route it came by.';
comment on column rejected_report.customer_id is 'The customer of the token; null for a replay token.';
comment on column rejected_report.line is 'Line of the body, from 1; element of the array on a route that takes one.';
comment on column rejected_report.detail is 'What was wrong, naming the field.';
comment on column rejected_report.excerpt is 'The first bytes of the line.';
create index rejected_report_rejected_at on rejected_report (rejected_at);

create function trim_rejected_reports(keep integer) returns bigint
language sql security definer set search_path = pg_catalog, public as $$
  with gone as (
    delete from public.rejected_report
    where rejected_at < (select rejected_at from public.rejected_report
                         order by rejected_at desc offset keep limit 1)
    returning 1)
  select count(*) from gone
$$;
comment on function trim_rejected_reports is 'Deletes all but the newest `keep` refused reports; answers how many went.';

create function maintain_report_partitions(days_ahead integer, days_kept integer) returns integer
language plpgsql security definer set search_path = pg_catalog, public as $$
declare
  parent text;
  day date;
  old record;
  changed integer := 0;
begin
  foreach parent in array array['report', 'report_update'] loop
    for day in select generate_series(current_date, current_date + days_ahead, interval '1 day')::date loop
      if to_regclass(format('public.%I', parent || to_char(day, '_YYYYMMDD'))) is null then
        execute format('create table public.%I partition of public.%I for values from (%L) to (%L)',
                       parent || to_char(day, '_YYYYMMDD'), parent,
                       day::timestamp at time zone 'UTC', (day + 1)::timestamp at time zone 'UTC');
        changed := changed + 1;
      end if;
    end loop;
    for old in
      select c.relname from pg_inherits i join pg_class c on c.oid = i.inhrelid
      where i.inhparent = format('public.%I', parent)::regclass
        and c.relname ~ ('^' || parent || '_[0-9]{8}$')
        and to_date(right(c.relname, 8), 'YYYYMMDD') < current_date - days_kept loop
      execute format('drop table public.%I', old.relname);
      changed := changed + 1;
    end loop;
  end loop;
  return changed;
end
$$;
comment on function maintain_report_partitions is 'Makes the daily partitions of the report tables from today to days_ahead, drops those older than days_kept; answers how many changed.';
select maintain_report_partitions(3, 30);

create table enrolment_secret (
  secret_hash bytea primary key,
  customer_id text        not null,
  created_at  timestamptz not null default clock_timestamp(),
  expires_at  timestamptz not null,
  uses_left   integer     not null check (uses_left >= 0)
);
comment on table enrolment_secret is 'Short-lived secrets that a customer''s hosts trade for a token of their own.';
comment on column enrolment_secret.secret_hash is 'SHA-256 of the secret; the secret itself is shown once and kept nowhere.';
comment on column enrolment_secret.customer_id is 'The customer whose hosts it enrols.';
comment on column enrolment_secret.created_at is 'When it was made.';
comment on column enrolment_secret.expires_at is 'Not accepted from here on.';
comment on column enrolment_secret.uses_left is 'How many hosts it may still enrol.';
