-- What contracts in other currencies are worth, which had been fixed in the program.

create table exchange_rate (
  currency text             primary key check (currency ~ '^[A-Z]{3}$'),
  usd      double precision not null check (usd > 0 and usd < 'Infinity'),
  source   text             not null,
  dated    date             not null,
  check (currency <> 'USD' or usd = 1)
);
comment on table exchange_rate is 'What one of each currency is worth in US dollars. Written by analyzer migrate (the defaults) and analyzer import.';
comment on column exchange_rate.currency is 'Code of ISO 4217.';
comment on column exchange_rate.usd is 'US dollars that one of it is worth; of it, not of its minor units.';
comment on column exchange_rate.source is 'Where the rate comes from.';
comment on column exchange_rate.dated is 'Of which day it is.';

create trigger note_change after insert or update or delete or truncate on exchange_rate
  for each statement execute function note_registry_change();

grant select, insert, update on exchange_rate to epicenter_analyzer;
grant select on exchange_rate to epicenter_viewer;
