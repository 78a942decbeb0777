-- A key for the program that keeps the registry in step with where customers are kept.
alter table api_key drop constraint api_key_scope_check;
alter table api_key add constraint api_key_scope_check
  check (scope in ('read', 'operate', 'support', 'metrics', 'registry'));
comment on column api_key.scope is 'read: verdicts and figures; operate: those, and hosts; support: those, and the outreach; metrics: the metrics alone; registry: customers, seats and updates, written only.';
