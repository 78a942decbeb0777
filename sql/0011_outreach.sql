-- Who calls whom: the state of every customer of an incident, and everything ever done to it.

create table outreach_case (
  update_id   text        not null,
  customer_id text        not null,
  state       text        not null default 'new' check (state in
    ('new', 'taken', 'reached', 'message_left', 'escalated', 'fixed', 'recovered', 'dismissed')),
  returns_to  text        not null default 'new' check (returns_to <> 'taken'),
  holder      text,
  held_until  timestamptz,
  note        text        not null default '',
  since       timestamptz not null default now(),
  version     bigint      not null default 1,
  changed_by  text        not null,
  primary key (update_id, customer_id),
  check ((state = 'taken') = (holder is not null)),
  check ((state = 'taken') = (held_until is not null))
);
comment on table outreach_case is 'The state of a customer''s outreach in an incident. A customer nobody has come near has no row and is new. On Citus a local table of the coordinator: SKIP LOCKED does not work on a distributed one.';
comment on column outreach_case.update_id is 'The update that did it: the incident.';
comment on column outreach_case.customer_id is 'The customer.';
comment on column outreach_case.state is 'new; taken: somebody is at it; reached, message_left, escalated, fixed, dismissed: what came of it; recovered: by itself.';
comment on column outreach_case.returns_to is 'The state it goes back to when the one who holds it lets go, or the hold runs out.';
comment on column outreach_case.holder is 'Who has taken it; null: nobody.';
comment on column outreach_case.held_until is 'When the hold runs out; from then on state is to be read as returns_to. The view outreach does so.';
comment on column outreach_case.note is 'What was noted with the last outcome.';
comment on column outreach_case.since is 'When it came into this state.';
comment on column outreach_case.version is 'One more with every change.';
comment on column outreach_case.changed_by is 'Who made the last change; epicenter: the analyzer itself.';

create view outreach as
select update_id, customer_id,
       case when held_until <= now() then returns_to else state end as state,
       case when held_until > now() then holder end as holder,
       case when held_until > now() then held_until end as held_until,
       note,
       case when held_until <= now() then held_until else since end as since,
       version
from outreach_case;
comment on view outreach is 'The outreach as it is now: holds that have run out are let go.';

create table outreach_log (
  log_id      bigint generated always as identity primary key,
  logged_at   timestamptz not null default clock_timestamp(),
  update_id   text        not null,
  customer_id text        not null,
  version     bigint      not null,
  changed_by  text        not null,
  from_state  text,
  to_state    text        not null,
  held_until  timestamptz,
  note        text        not null
);
comment on table outreach_log is 'Every change of an outreach case, written by a trigger in its transaction; nobody may change or delete a row.';
comment on column outreach_log.log_id is 'Order of writing.';
comment on column outreach_log.logged_at is 'When, by the database''s clock.';
comment on column outreach_log.update_id is 'The incident.';
comment on column outreach_log.customer_id is 'The customer.';
comment on column outreach_log.version is 'The version the change made: 1, 2, … without a gap for each customer.';
comment on column outreach_log.changed_by is 'Who did it.';
comment on column outreach_log.from_state is 'The state before; null for the first.';
comment on column outreach_log.to_state is 'The state from here on.';
comment on column outreach_log.held_until is 'Until when it is held, where it is.';
comment on column outreach_log.note is 'What was noted.';
create unique index outreach_log_version on outreach_log (update_id, customer_id, version);

create function log_outreach() returns trigger
language plpgsql security definer set search_path = pg_catalog, public as $$
begin
  insert into public.outreach_log
    (update_id, customer_id, version, changed_by, from_state, to_state, held_until, note)
  values (new.update_id, new.customer_id, new.version, new.changed_by,
          case when tg_op = 'UPDATE' then old.state end, new.state, new.held_until, new.note);
  return null;
end
$$;
comment on function log_outreach is 'Writes outreach_log; a version given twice is refused by its index, and with it the change.';
create trigger log_outreach after insert or update on outreach_case
  for each row execute function log_outreach();

create function refuse_change() returns trigger
language plpgsql as $$
begin
  raise exception '% is only ever added to', tg_table_name;
end
$$;
comment on function refuse_change is 'Keeps a table append-only, for its owner too.';
create trigger append_only before update or delete or truncate on outreach_log
  for each statement execute function refuse_change();

revoke all on outreach_case, outreach, outreach_log from public;
revoke execute on function log_outreach, refuse_change from public;
grant select, insert, update on outreach_case to epicenter_analyzer;
grant select on outreach, outreach_log to epicenter_analyzer;
