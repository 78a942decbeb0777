-- The answers of each minute in which an update was held or suspected, so that whoever has a figure
-- with a snapshot's id finds the same bytes again.

create table snapshot (
  snapshot_id        text        primary key check (snapshot_id ~ '^[0-9a-f]{32}$'),
  as_of              timestamptz not null,
  parameters_version bigint      not null,
  made_at            timestamptz not null default now(),
  document           text        not null
);
comment on table snapshot is 'What was answered while an update was held or suspected. Kept as long as raw reports.';
comment on column snapshot.snapshot_id is 'Hash of the document: the same reports, registry and parameters give the same one.';
comment on column snapshot.as_of is 'The watermark: what was received until then is in it.';
comment on column snapshot.parameters_version is 'registry_version.version as it was: of customers, cost parameters and exchange rates.';
comment on column snapshot.made_at is 'When it was made.';
comment on column snapshot.document is 'The document of GET /v1/updates, byte for byte; the seed of its draws stands in it.';
create index snapshot_made_at on snapshot (made_at);

revoke all on snapshot from public;
grant select, insert, delete on snapshot to epicenter_analyzer;
grant select on snapshot to epicenter_viewer;
