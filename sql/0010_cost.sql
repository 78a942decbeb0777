-- The cost estimate: parameters by scope, the desks' staffing, compensation, and the answers' parts.

alter table cost_parameter
  add column region       text not null default '',
  add column tier         text not null default '',
  add column product_line text not null default '',
  drop constraint cost_parameter_pkey,
  add primary key (name, region, tier, product_line);
comment on column cost_parameter.region is 'Holds for customers of this region only; empty: all. The row that names the most holds.';
comment on column cost_parameter.tier is 'Holds for customers of this tier only; empty: all.';
comment on column cost_parameter.product_line is 'Holds for this product line only; empty: all.';

create table staffing (
  region text    not null,
  hour   integer not null check (hour between 0 and 23),
  agents integer not null check (agents >= 0),
  primary key (region, hour)
);
comment on table staffing is 'How many support agents are at work: what waits and overtime are reckoned with.';
comment on column staffing.region is 'Region whose customers call this desk.';
comment on column staffing.hour is 'Hour of the day, UTC.';
comment on column staffing.agents is 'Agents at work in that hour, breaks and training taken off.';

create table compensation (
  name         text             primary key,
  region       text             not null default '',
  tier         text             not null default '',
  product_line text             not null default '',
  kind         text             not null default '' check (kind in ('', 'consumer', 'corporate')),
  recipients   text             not null check (recipients in ('eligible', 'affected', 'claiming')),
  form         text             not null check (form in ('free_months', 'credit', 'fixed')),
  low          double precision not null,
  likely       double precision not null,
  high         double precision not null,
  source       text             not null,
  dated        date             not null,
  check (low >= 0 and low <= likely and likely <= high)
);
comment on table compensation is 'What customers are given after an incident.';
comment on column compensation.name is 'The scheme.';
comment on column compensation.region is 'For customers of this region only; empty: all.';
comment on column compensation.tier is 'For customers of this tier only; empty: all.';
comment on column compensation.product_line is 'For customers of this product line only; empty: all.';
comment on column compensation.kind is 'consumer or corporate; empty: both.';
comment on column compensation.recipients is 'eligible: every customer of the scope, hit or not; affected; claiming: of the affected, those who claim.';
comment on column compensation.form is 'free_months: so many months at no price, revenue put off; credit: so many monthly prices back; fixed: so many US dollars each.';
comment on column compensation.low is 'Least amount.';
comment on column compensation.likely is 'Most likely amount.';
comment on column compensation.high is 'Greatest amount.';
comment on column compensation.source is 'Who decided it.';
comment on column compensation.dated is 'When.';

grant select, insert, update on staffing, compensation to epicenter_analyzer;

create view cost_part as
select u ->> 'id' as update_id,
       b.breakdown,
       coalesce(p ->> 'kind', p ->> 'region', p ->> 'product_line') as part,
       u #>> '{cost,currency}' as currency,
       (p ->> 'p10')::double precision as p10,
       (p ->> 'p50')::double precision as p50,
       (p ->> 'p90')::double precision as p90,
       (p ->> 'mean')::double precision as mean
from answer a
cross join lateral jsonb_array_elements(a.document -> 'updates') u
cross join (values ('kind', 'by_kind'), ('region', 'by_region'),
                   ('product line', 'by_product_line')) b (breakdown, key)
cross join lateral jsonb_array_elements(u -> 'cost' -> b.key) p;
comment on view cost_part is 'What the cost of each update is made of, three ways; the means of each way add up to the mean cost.';

create view cost_beside as
select u ->> 'id' as update_id,
       q.quantity,
       (u #>> array['cost', q.quantity, 'p10'])::double precision as p10,
       (u #>> array['cost', q.quantity, 'p50'])::double precision as p50,
       (u #>> array['cost', q.quantity, 'p90'])::double precision as p90,
       (u #>> array['cost', q.quantity, 'mean'])::double precision as mean
from answer a
cross join lateral jsonb_array_elements(a.document -> 'updates') u
cross join (values ('deferred_revenue'), ('revenue_at_risk'), ('customers_loss'), ('further_hour'),
                   ('callers'), ('contacts'), ('phone_contacts'), ('written_contacts'),
                   ('attempts')) q (quantity);
comment on view cost_beside is 'What stands beside the cost of each update and is not in it: sums of money, and callers, contacts and attempts.';

create view cost_driver as
select u ->> 'id' as update_id,
       n as rank,
       d ->> 'parameter' as parameter,
       (d ->> 'at_low')::double precision as p50_at_low,
       (d ->> 'at_high')::double precision as p50_at_high
from answer a
cross join lateral jsonb_array_elements(a.document -> 'updates') u
cross join lateral jsonb_array_elements(u #> '{cost,tornado}') with ordinality e (d, n);
comment on view cost_driver is 'What the median cost of each update would be with one parameter at an end of its range, the most telling first.';

create view desk_now as
select u ->> 'id' as update_id,
       d ->> 'region' as region,
       (d #>> '{agents_needed,p50}')::double precision as agents_needed,
       (d #>> '{agents_missing,p50}')::double precision as agents_missing,
       (d #>> '{short_hours,p50}')::double precision as short_hours,
       (d #>> '{overtime_hours,p50}')::double precision as overtime_hours,
       (d #>> '{wait_s,p50}')::double precision as wait_s,
       (d #>> '{abandoned,p50}')::double precision as abandoned
from answer a
cross join lateral jsonb_array_elements(a.document -> 'updates') u
cross join lateral jsonb_array_elements(u #> '{cost,desks}') d;
comment on view desk_now is 'What each region''s support desk is up against, as medians: agents needed for 80 % within 20 s, and waits and lost calls with those who are there.';

grant select on cost_part, cost_beside, cost_driver, desk_now to epicenter_viewer;
