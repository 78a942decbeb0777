-- So that a running analyzer reads the registry and the cost's parameters again when they have
-- changed, and only then.

create table registry_version (
  only_one   boolean     primary key default true check (only_one),
  version    bigint      not null,
  changed_at timestamptz not null
);
comment on table registry_version is 'One row, which every change of the registry or of the cost''s parameters counts up.';
comment on column registry_version.only_one is 'True: there is one row.';
comment on column registry_version.version is 'How often something has changed.';
comment on column registry_version.changed_at is 'When it last did.';
insert into registry_version (version, changed_at) values (1, now());

create function note_registry_change() returns trigger
language plpgsql security definer set search_path = pg_catalog, public as $$
begin
  update public.registry_version set version = version + 1, changed_at = now();
  return null;
end
$$;
comment on function note_registry_change is 'Counts a change up, whoever makes it.';

create trigger note_change after insert or update or delete or truncate on customer
  for each statement execute function note_registry_change();
create trigger note_change after insert or update or delete or truncate on seat
  for each statement execute function note_registry_change();
create trigger note_change after insert or update or delete or truncate on update_release
  for each statement execute function note_registry_change();
create trigger note_change after insert or update or delete or truncate on cost_parameter
  for each statement execute function note_registry_change();
create trigger note_change after insert or update or delete or truncate on staffing
  for each statement execute function note_registry_change();
create trigger note_change after insert or update or delete or truncate on compensation
  for each statement execute function note_registry_change();

grant select on registry_version to epicenter_analyzer;
