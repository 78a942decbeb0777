-- Which requests with an Idempotency-Key were committed, and how they were answered. A row is
-- written in the transaction of the request's reports. On Citus a local table of the coordinator,
-- like the load log: its primary key leaves host_id out.

create table idempotency_key (
  customer_id text        not null,
  key         text        not null,
  fingerprint bytea       not null,
  answer      text        not null,
  created_at  timestamptz not null default now(),
  primary key (customer_id, key)
);
comment on table idempotency_key is 'Requests with an Idempotency-Key of the last 24 hours: a repeat is answered from here and stores nothing.';
comment on column idempotency_key.customer_id is 'The customer of the token; empty for a replay token.';
comment on column idempotency_key.key is 'The key as sent, without quotation marks; 1 to 255 printable characters.';
comment on column idempotency_key.fingerprint is 'BLAKE2b of route, form and decompressed body: the same key with another body is a mistake.';
comment on column idempotency_key.answer is 'The body of the answer, which was 200.';
comment on column idempotency_key.created_at is 'When its transaction began; forgotten a day later.';
create index idempotency_key_created_at on idempotency_key (created_at);

create function trim_idempotency_keys(most integer) returns bigint
language sql security definer set search_path = pg_catalog, public as $$
  with old as (
    select customer_id, key from public.idempotency_key
    where created_at < now() - interval '24 hours'
    order by created_at limit most
    for update skip locked),
  gone as (
    delete from public.idempotency_key k using old
    where k.customer_id = old.customer_id and k.key = old.key
    returning 1)
  select count(*) from gone
$$;
comment on function trim_idempotency_keys is 'Deletes the keys that are older than 24 hours, the oldest `most` of them; answers how many went.';

revoke all on idempotency_key from public;
revoke execute on function trim_idempotency_keys from public;
grant select, insert on idempotency_key to epicenter_collector;
grant execute on function trim_idempotency_keys to epicenter_collector;
