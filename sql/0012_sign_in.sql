-- Who may come in: people's accounts and sessions, one-time links, and the keys of programs.

create table account (
  name          text        primary key check (name ~ '^[^[:cntrl:]]{1,80}$'),
  password_hash text        not null,
  role          text        not null
    check (role in ('viewer', 'operations', 'executive', 'support', 'admin')),
  added_at      timestamptz not null default now(),
  disabled_at   timestamptz
);
comment on table account is 'People who sign in with a password. Written by analyzer account.';
comment on column account.name is 'What they sign in with, and what others see of them.';
comment on column account.password_hash is 'Argon2id, as libsodium writes it.';
comment on column account.role is 'What they may see and do.';
comment on column account.added_at is 'When it was added.';
comment on column account.disabled_at is 'From when on nobody gets in with it; its sessions end. Null: it is in use.';

create table session (
  session_hash bytea       primary key,
  account      text        references account on delete cascade,
  name         text        not null,
  role         text        not null
    check (role in ('viewer', 'operations', 'executive', 'support', 'admin')),
  created_at   timestamptz not null default now(),
  last_seen_at timestamptz not null default now()
);
comment on table session is 'Browsers that are signed in: for 12 hours at most, and until they have been silent for 30 minutes.';
comment on column session.session_hash is 'SHA-256 of the id in the browser''s cookie.';
comment on column session.account is 'Whose it is; null: of somebody who came by a one-time link.';
comment on column session.name is 'What others see of them.';
comment on column session.role is 'What they may see and do.';
comment on column session.created_at is 'When they signed in.';
comment on column session.last_seen_at is 'When they were last heard of, to half a minute.';

create table sign_in_link (
  link_hash  bytea       primary key,
  name       text        not null check (name ~ '^[^[:cntrl:]]{1,80}$'),
  role       text        not null
    check (role in ('viewer', 'operations', 'executive', 'support', 'admin')),
  made_at    timestamptz not null default now(),
  expires_at timestamptz not null default now() + interval '1 day',
  used_at    timestamptz
);
comment on table sign_in_link is 'Links that sign one browser in, once.';
comment on column sign_in_link.link_hash is 'SHA-256 of what stands in the link.';
comment on column sign_in_link.name is 'What others see of whoever uses it.';
comment on column sign_in_link.role is 'What whoever uses it may see and do.';
comment on column sign_in_link.made_at is 'When it was made.';
comment on column sign_in_link.expires_at is 'From when on it is worth nothing.';
comment on column sign_in_link.used_at is 'When it was used; null: it was not.';

create table api_key (
  name       text        primary key check (name ~ '^[^[:cntrl:]]{1,80}$'),
  key_hash   bytea       not null unique,
  scope      text        not null check (scope in ('read', 'operate', 'support', 'metrics')),
  added_at   timestamptz not null default now(),
  revoked_at timestamptz
);
comment on table api_key is 'Keys of programs: pipelines, monitoring. Written by analyzer key.';
comment on column api_key.name is 'Which program has it.';
comment on column api_key.key_hash is 'SHA-256 of the key.';
comment on column api_key.scope is 'read: verdicts and figures; operate: those, and hosts; support: those, and the outreach; metrics: the metrics alone.';
comment on column api_key.added_at is 'When it was added.';
comment on column api_key.revoked_at is 'From when on it is refused; null: it is good.';

revoke all on account, session, sign_in_link, api_key from public;
grant select, insert, update, delete on account, session, sign_in_link, api_key to epicenter_analyzer;
