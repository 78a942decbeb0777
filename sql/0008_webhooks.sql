-- Who is told of a change of verdict, and what became of each message.

create table webhook (
  webhook_id bigint generated always as identity primary key,
  url        text        not null check (url ~ '^https?://'),
  form       text        not null check (form in ('standard', 'alertmanager')),
  secret     text        not null,
  added_at   timestamptz not null default now(),
  gone_at    timestamptz
);
comment on table webhook is 'Receivers of changes of verdict.';
comment on column webhook.webhook_id is 'Number of the receiver.';
comment on column webhook.url is 'Where messages are POSTed.';
comment on column webhook.form is 'standard: one signed message (Standard Webhooks); alertmanager: an array of alerts as its API takes them.';
comment on column webhook.secret is 'Signs the messages: whsec_ and 24 random bytes in base64.';
comment on column webhook.added_at is 'When it was added; changes of verdict before that are not told.';
comment on column webhook.gone_at is 'When it answered 410 Gone: it is told nothing more. Null: it never did.';

create table webhook_message (
  message_id   text        primary key default 'msg_' || replace(gen_random_uuid()::text, '-', ''),
  webhook_id   bigint      not null references webhook on delete cascade,
  update_id    text        not null,
  decided_at   timestamptz not null,
  payload      text        not null,
  made_at      timestamptz not null default now(),
  attempts     integer     not null default 0,
  due_at       timestamptz default now(),
  delivered_at timestamptz,
  last_error   text,
  unique (webhook_id, update_id, decided_at)
);
comment on table webhook_message is 'One change of verdict for one receiver, from when it was written until it is delivered or given up.';
comment on column webhook_message.message_id is 'The same at every attempt, so that a receiver can tell a repeat.';
comment on column webhook_message.webhook_id is 'The receiver.';
comment on column webhook_message.update_id is 'The update whose verdict changed.';
comment on column webhook_message.decided_at is 'End of the minute the verdict rests on.';
comment on column webhook_message.payload is 'The body, exactly as it is signed and sent.';
comment on column webhook_message.made_at is 'When the change was written.';
comment on column webhook_message.attempts is 'How often it has been sent.';
comment on column webhook_message.due_at is 'When it is sent next; null: delivered or given up.';
comment on column webhook_message.delivered_at is 'When the receiver took it (2xx); null: it has not.';
comment on column webhook_message.last_error is 'Why the last attempt failed; null: it did not, or there was none.';

create index webhook_message_due on webhook_message (due_at) where due_at is not null;
comment on index webhook_message_due is 'What is to be sent.';

create view webhook_dead_letter as
select m.message_id, w.url, m.update_id, m.decided_at, m.attempts, m.last_error, m.payload
from webhook_message m
join webhook w using (webhook_id)
where m.due_at is null and m.delivered_at is null;
comment on view webhook_dead_letter is 'Messages that were given up. To send one again, set due_at of its webhook_message to now().';

grant select, insert, update, delete on webhook to epicenter_analyzer;
grant select, insert, update, delete on webhook_message to epicenter_analyzer;
grant select on webhook_dead_letter to epicenter_analyzer;
