-- What support says about an update: written by a person, once, in the place of the default text.

create table update_advice (
  update_id   text        not null,
  version     bigint      not null check (version > 0),
  explanation text        not null check (char_length(explanation) between 1 and 1000),
  workaround  text        not null check (char_length(workaround) <= 4000),
  written_by  text        not null,
  written_at  timestamptz not null default clock_timestamp(),
  primary key (update_id, version)
);
comment on table update_advice is 'What support says about an update, every version of it: the one with the highest number counts. Nobody may change or delete a row.';
comment on column update_advice.update_id is 'The update.';
comment on column update_advice.version is '1, 2, … without a gap for each update: of two who write at once one gets a number that is taken.';
comment on column update_advice.explanation is 'What happened, in words a customer knows. Plain text.';
comment on column update_advice.workaround is 'What the customer can do until it is over; empty: nothing. Plain text.';
comment on column update_advice.written_by is 'Who was signed in, or the key that was shown.';
comment on column update_advice.written_at is 'When, by the database''s clock.';
create trigger append_only before update or delete or truncate on update_advice
  for each statement execute function refuse_change();

revoke all on update_advice from public;
grant select, insert on update_advice to epicenter_analyzer;
