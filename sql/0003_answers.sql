-- What the analyzer answered.

create table verdict_change (
  update_id       text        not null,
  decided_at      timestamptz not null,
  verdict         text        not null check (verdict in ('HOLD', 'SUSPECT', 'INSUFFICIENT_DATA', 'CLEAR')),
  log10_e_value   double precision not null,
  rate_ratio_low  double precision,
  rate_ratio_likely double precision,
  rate_ratio_high double precision,
  reasons         jsonb       not null,
  primary key (update_id, decided_at)
);
comment on table verdict_change is 'Each change of an update''s verdict, in event time; a restart writes the same rows again.';
comment on column verdict_change.update_id is 'The update.';
comment on column verdict_change.decided_at is 'End of the minute the verdict rests on, by the server''s clock.';
comment on column verdict_change.verdict is 'The verdict from here on.';
comment on column verdict_change.log10_e_value is 'Decimal logarithm of the e-value.';
comment on column verdict_change.rate_ratio_low is 'Lower end of the confidence sequence of the rate ratio.';
comment on column verdict_change.rate_ratio_likely is 'Most likely rate ratio.';
comment on column verdict_change.rate_ratio_high is 'Upper end of the confidence sequence.';
comment on column verdict_change.reasons is 'Array of sentences.';

create table answer (
  one      boolean primary key default true check (one),
  as_of    timestamptz not null,
  document jsonb       not null
);
comment on table answer is 'The latest answers, as the API gives them; one row.';
comment on column answer.one is 'Holds the table to one row.';
comment on column answer.as_of is 'End of the last minute in the answers.';
comment on column answer.document is 'The document of GET /v1/updates.';

create view affected as
select u ->> 'id' as update_id,
       u ->> 'verdict' as verdict,
       i ->> 'region' as region,
       i ->> 'product_line' as product_line,
       (i #>> '{hosts,confirmed}')::bigint as hosts_confirmed,
       (i #>> '{hosts,probable}')::bigint as hosts_probable,
       (i #>> '{customers,confirmed}')::bigint as customers_confirmed,
       (i #>> '{customers,probable}')::bigint as customers_probable,
       a.as_of
from answer a
cross join lateral jsonb_array_elements(a.document -> 'updates') u
cross join lateral jsonb_array_elements(u -> 'impact') i;
comment on view affected is 'Affected hosts and customers of each update by region and product line, as last answered.';
