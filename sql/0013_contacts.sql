-- Whom to call at a customer: kept apart, read only one customer at a time and with a reason, and
-- deleted when the incident is long over.

create table customer_contact (
  customer_id text        not null references customer on delete cascade,
  position    integer     not null check (position between 1 and 20),
  name        text        not null,
  task        text        not null default '',
  phone       text        not null default '',
  email       text        not null default '',
  added_at    timestamptz not null default now(),
  primary key (customer_id, position)
);
comment on table customer_contact is 'People to call at customers. Programs read it through masked_contact and open_contact only.';
comment on column customer_contact.customer_id is 'The customer.';
comment on column customer_contact.position is 'In which order to try them: 1 first.';
comment on column customer_contact.name is 'Who it is.';
comment on column customer_contact.task is 'What they do there; empty: unknown.';
comment on column customer_contact.phone is 'As it is dialled; empty: none.';
comment on column customer_contact.email is 'Empty: none.';
comment on column customer_contact.added_at is 'When it was imported last.';

create function import_contacts(contacts jsonb) returns void
language sql security definer set search_path = pg_catalog, public as $$
  insert into public.customer_contact (customer_id, position, name, task, phone, email)
  select distinct on (customer_id, position) customer_id, position, name, task, phone, email
  from (select r ->> 'customer_id', (r ->> 'position')::integer, r ->> 'name', r ->> 'task',
               r ->> 'phone', r ->> 'email', line
        from jsonb_array_elements(contacts) with ordinality e (r, line))
       rows (customer_id, position, name, task, phone, email, line)
  order by customer_id, position, line desc
  on conflict (customer_id, position) do update set name = excluded.name, task = excluded.task,
    phone = excluded.phone, email = excluded.email, added_at = now()
$$;
comment on function import_contacts is 'Adds or replaces contacts, an array of objects; of two for one position the last counts.';

create view masked_contact as
select customer_id, position, task,
       left(name, 1) || '…' as name,
       case when phone = '' then '' else '… ' || right(phone, 2) end as phone,
       case when email = '' then '' else left(email, 1) || '…@…' end as email
from customer_contact;
comment on view masked_contact is 'Enough to see that there is somebody to call, and no more.';

create table contact_opening (
  opening_id    bigint      primary key,
  opened_at     timestamptz not null,
  opened_by     text        not null,
  role          text        not null,
  update_id     text        not null,
  customer_id   text        not null,
  reason        text        not null check (char_length(reason) between 3 and 500),
  previous_hash bytea       not null,
  hash          bytea       not null
);
comment on table contact_opening is 'Every time somebody saw a customer''s contacts. Each row''s hash covers the one before, so that none can be changed or taken out unseen: analyzer audit verify.';
comment on column contact_opening.opening_id is '1, 2, … without a gap.';
comment on column contact_opening.opened_at is 'When, by the database''s clock.';
comment on column contact_opening.opened_by is 'Who was signed in.';
comment on column contact_opening.role is 'In which role.';
comment on column contact_opening.update_id is 'For which incident.';
comment on column contact_opening.customer_id is 'Whose contacts.';
comment on column contact_opening.reason is 'Why, in their own words.';
comment on column contact_opening.previous_hash is 'The hash of the row before; 32 zero bytes before the first.';
comment on column contact_opening.hash is 'SHA-256 of previous_hash and, each as its length in bytes, a colon and its text, with commas between: opening_id, opened_at in microseconds since the epoch, opened_by, role, update_id, customer_id, reason.';
create index contact_opening_customer on contact_opening (customer_id);
create trigger append_only before update or delete or truncate on contact_opening
  for each statement execute function refuse_change();

create function open_contact(incident text, customer text, who text, as_role text, why text)
returns setof customer_contact
language plpgsql security definer set search_path = pg_catalog, public as $$
declare
  last record;
  next_id bigint;
  now_at timestamptz := clock_timestamp();
  previous bytea;
  line text;
begin
  if not exists (select from public.customer_contact c where c.customer_id = customer) then
    return;
  end if;
  lock table public.contact_opening in share row exclusive mode;
  select o.opening_id, o.hash into last
    from public.contact_opening o order by o.opening_id desc limit 1;
  next_id := coalesce(last.opening_id, 0) + 1;
  previous := coalesce(last.hash, decode(repeat('00', 32), 'hex'));
  select string_agg(octet_length(field) || ':' || field, ',' order by place) into line
    from unnest(array[next_id::text, (extract(epoch from now_at) * 1000000)::bigint::text,
                      who, as_role, incident, customer, why]) with ordinality u (field, place);
  insert into public.contact_opening
    values (next_id, now_at, who, as_role, incident, customer, why, previous,
            sha256(previous || convert_to(line, 'UTF8')));
  return query select * from public.customer_contact c where c.customer_id = customer;
end
$$;
comment on function open_contact is 'Writes down who opens a customer''s contacts for which incident and why, and answers them; nothing where there are none.';

create view incident as
select i.update_id,
       greatest(v.decided_at, r.withdrawn_at, l.logged_at, o.opened_at) as last_event_at,
       coalesce(v.verdict in ('HOLD', 'SUSPECT') and r.withdrawn_at is null, false) as is_open
from (select update_id from verdict_change where verdict in ('HOLD', 'SUSPECT')
      union select update_id from outreach_log
      union select update_id from contact_opening) i
left join lateral (select c.verdict, c.decided_at from verdict_change c
                   where c.update_id = i.update_id
                   order by c.decided_at desc limit 1) v on true
left join update_release r on r.update_id = i.update_id
left join lateral (select max(c.logged_at) as logged_at from outreach_log c
                   where c.update_id = i.update_id) l on true
left join lateral (select max(c.opened_at) as opened_at from contact_opening c
                   where c.update_id = i.update_id) o on true;
comment on view incident is 'Updates that did harm or were suspected of it. An incident is open while the verdict says so and the update is not withdrawn; otherwise it closed with the last thing that happened in it, a call included.';

create function trim_contacts(days_kept integer) returns bigint
language sql security definer set search_path = pg_catalog, public as $$
  with called as (
    select customer_id, update_id from public.outreach_case
    union select customer_id, update_id from public.contact_opening),
  over as (
    select c.customer_id from called c join public.incident i using (update_id)
    group by c.customer_id
    having not bool_or(i.is_open)
       and max(i.last_event_at) < now() - days_kept * interval '1 day'),
  gone as (
    delete from public.customer_contact k using over
    where k.customer_id = over.customer_id
      and k.added_at < now() - days_kept * interval '1 day' returning 1)
  select count(*) from gone
$$;
comment on function trim_contacts is 'Deletes the contacts of customers whose incidents have all been closed for so many days; answers how many.';

revoke all on customer_contact, masked_contact, contact_opening, incident from public;
revoke execute on function import_contacts, open_contact, trim_contacts from public;
grant select on masked_contact, contact_opening, incident to epicenter_analyzer;
grant execute on function import_contacts, open_contact, trim_contacts to epicenter_analyzer;
