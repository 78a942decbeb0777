-- Which tokens no longer count, and who tried what they may not.

create table token_revocation (
  customer_id   text        not null,
  scope         text        not null check (scope in ('customer', 'gateway', 'host')),
  host_id       uuid        not null default '00000000-0000-0000-0000-000000000000',
  issued_before timestamptz not null,
  revoked_at    timestamptz not null default clock_timestamp(),
  primary key (customer_id, scope, host_id)
);
comment on table token_revocation is 'Tokens that are refused although their signature is good; collectors read it every few seconds. Written by collector revoke.';
comment on column token_revocation.customer_id is 'The customer of the tokens.';
comment on column token_revocation.scope is 'customer: all tokens of the customer; gateway: those of its gateways; host: those of one host.';
comment on column token_revocation.host_id is 'The host where scope is host, otherwise zero.';
comment on column token_revocation.issued_before is 'Tokens issued before this are refused; later ones count.';
comment on column token_revocation.revoked_at is 'When it was written.';

create table access_event (
  event       text        not null,
  customer_id text        not null,
  host_id     uuid        not null,
  address     text,
  detail      text        not null,
  occurrences bigint      not null,
  first_at    timestamptz not null,
  last_at     timestamptz not null,
  primary key (event, customer_id, host_id)
);
comment on table access_event is 'Who tried what they may not, one row for each kind of event and holder of a token; the newest are kept, bounded by trim_access_events.';
comment on column access_event.event is 'forbidden_write: a report for another host or customer; revoked_token; expired_token; replay_token: one for replays at a live collector; certificate: another''s or none; identity_conflict: one host id at two addresses in turns.';
comment on column access_event.customer_id is 'The customer of the token; empty for a replay token.';
comment on column access_event.host_id is 'The host of the token; zero for a gateway or a replay.';
comment on column access_event.address is 'Where the last one came from; null after seven days.';
comment on column access_event.detail is 'What the last one was told.';
comment on column access_event.occurrences is 'How often it happened.';
comment on column access_event.first_at is 'When it happened first, by the collector''s clock.';
comment on column access_event.last_at is 'When it happened last.';
create index access_event_last_at on access_event (last_at);

create function trim_access_events(keep integer) returns bigint
language sql security definer set search_path = pg_catalog, public as $$
  update public.access_event set address = null
    where address is not null and last_at < now() - interval '7 days';
  with gone as (
    delete from public.access_event
    where last_at < (select last_at from public.access_event
                     order by last_at desc offset keep limit 1)
    returning 1)
  select count(*) from gone
$$;
comment on function trim_access_events is 'Deletes all but the newest `keep` events and forgets addresses after seven days; answers how many went.';

create view identity_conflict as
select e.customer_id, e.host_id, n.name, e.address, e.detail, e.occurrences, e.first_at, e.last_at
from access_event e
left join host_name n using (host_id)
where e.event = 'identity_conflict' and e.last_at > now() - interval '1 day';
comment on view identity_conflict is 'Hosts whose token two machines used in turns within the last day: a cloned disk, most often. Enrol each machine by itself.';

revoke all on token_revocation, access_event, identity_conflict from public;
revoke execute on function trim_access_events from public;
grant select on token_revocation to epicenter_collector;
grant select, insert, update on access_event to epicenter_collector;
grant execute on function trim_access_events to epicenter_collector;
grant select on token_revocation, access_event, identity_conflict to epicenter_analyzer;
grant select on identity_conflict to epicenter_viewer;
