-- What people and dashboards ask for in SQL, as views over the last answers.

create view fleet_now as
select a.as_of,
       (f ->> 'hosts')::bigint as hosts,
       (f ->> 'reporting')::bigint as reporting,
       (f ->> 'pinned')::bigint as pinned,
       (f ->> 'elevated')::bigint as elevated,
       (f ->> 'silent')::bigint as silent,
       (f ->> 'customers')::bigint as customers,
       (f ->> 'unregistered_customers')::bigint as unregistered_customers,
       (f ->> 'reports')::bigint as reports,
       (f ->> 'late_reports')::bigint as late_reports,
       (f ->> 'duplicate_reports')::bigint as duplicate_reports,
       (f ->> 'skewed_hosts')::bigint as skewed_hosts
from answer a
cross join lateral (select a.document -> 'fleet' as f) d;
comment on view fleet_now is 'The fleet as last answered: one row.';

create view update_now as
select a.as_of,
       n as rank,
       u ->> 'id' as update_id,
       u ->> 'verdict' as verdict,
       (u ->> 'decided_at')::timestamptz as decided_at,
       u ->> 'sentence' as sentence,
       u ->> 'segment_text' as segment,
       (u ->> 'released_at')::timestamptz as released_at,
       (u ->> 'withdrawn_at')::timestamptz as withdrawn_at,
       (u #>> '{onset,likely}')::timestamptz as onset_at,
       (u ->> 'log10_e_value')::double precision as log10_e_value,
       (u #>> '{rate_ratio,low}')::double precision as rate_ratio_low,
       (u #>> '{rate_ratio,likely}')::double precision as rate_ratio_likely,
       (u #>> '{rate_ratio,high}')::double precision as rate_ratio_high,
       (u ->> 'installed_hosts')::bigint as installed_hosts,
       (u ->> 'exposed_now')::bigint as exposed_now,
       (u #>> '{customers_total,confirmed}')::bigint as customers_confirmed,
       (u #>> '{customers_total,probable}')::bigint as customers_probable,
       (u #>> '{customers_total,estimated,low}')::double precision as customers_estimated_low,
       (u #>> '{customers_total,estimated,high}')::double precision as customers_estimated_high,
       (u #>> '{hosts_total,confirmed}')::bigint as hosts_confirmed,
       (u #>> '{hosts_total,probable}')::bigint as hosts_probable,
       u #>> '{cost,currency}' as currency,
       (u #>> '{cost,p10}')::double precision as cost_p10,
       (u #>> '{cost,p50}')::double precision as cost_p50,
       (u #>> '{cost,p90}')::double precision as cost_p90
from answer a
cross join lateral jsonb_array_elements(a.document -> 'updates') with ordinality e (u, n);
comment on view update_now is 'Every update as last answered, the gravest first; costs in major units of their currency.';

create view outreach_now as
select a.as_of,
       u ->> 'id' as update_id,
       (o ->> 'rank')::bigint as rank,
       o ->> 'customer_id' as customer_id,
       o ->> 'name' as name,
       o ->> 'region' as region,
       (o ->> 'hosts_affected')::bigint as hosts_affected,
       (o ->> 'reachable_now')::boolean as reachable_now,
       (select string_agg(r, ' · ') from jsonb_array_elements_text(o -> 'reasons') r) as reasons
from answer a
cross join lateral jsonb_array_elements(a.document -> 'updates') u
cross join lateral jsonb_array_elements(u -> 'outreach') o;
comment on view outreach_now is 'The head of each update''s outreach as last answered: whom to call first, and why.';

create view intake as
select date_trunc('minute', loaded_at) as minute,
       sum(row_count) as reports,
       count(*) as loads
from report_load
group by 1;
comment on view intake is 'Reports and loads committed in each minute, by the database''s clock.';

grant select on fleet_now, update_now, outreach_now, intake to epicenter_viewer;
