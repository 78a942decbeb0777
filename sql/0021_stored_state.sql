-- What the leading analyzer knows, written out every few minutes, so that one that starts need not
-- read a day of reports again. In the write-ahead log, unlike other caches: what takes the analyzer
-- down often takes the server down as well, and an unlogged table would be empty then.

create table stored_state (
  part  integer     primary key check (part >= 0),
  as_of timestamptz not null,
  bytes bytea       not null
);
comment on table stored_state is 'The newest state of the analyzer, in parts; replaced as a whole. A cache: without it, or with one of another build or damaged, the reports of the horizon are read instead. May be emptied at any time.';
comment on column stored_state.part is 'Which part, from 0; a state is all parts in this order.';
comment on column stored_state.as_of is 'The last minute that was closed; the same in all parts.';
comment on column stored_state.bytes is 'Compressed and sealed; only the build of the program that wrote it can read it.';
alter table stored_state alter column bytes set storage external; -- it is compressed

revoke all on stored_state from public;
grant select, insert, delete on stored_state to epicenter_analyzer;
