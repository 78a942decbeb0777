/* A fleet that a database makes; see stored_fleet.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/bench/api/stored_fleet.h"

#include "common/buffer.h"

/* The whole story lies in the past, so that nothing waits for the clock. */
#define STARTED_AT "timestamptz '2005-04-22 22:00:00+00'"

static void run(struct private_cluster *cluster, struct buffer *sql)
{
    private_cluster_run(cluster, sql->data);
    buffer_free(sql);
}

void stored_fleet_register(struct private_cluster *cluster)
{
    static const char functions[] =
        "create function fleet_draw(host bigint, what text, sides bigint) returns bigint"
        " language sql immutable as $$ select abs(hashtextextended(what, host) %% sides) $$;"
        "create function fleet_segment(host bigint) returns uuid language sql immutable as"
        " $$ select md5(fleet_draw(host, 'region', %d) || '/' || fleet_draw(host, 'line', 4) ||"
        " '/' || fleet_draw(host, 'os', 3))::uuid $$;"
        "insert into segment select md5(r || '/' || l || '/' || o)::uuid,"
        " jsonb_build_object('region', 'R' || r, 'product_line', 'Line ' || l, 'os', 'OS ' || o,"
        " 'ring', 'broad')"
        " from generate_series(0, %d - 1) r, generate_series(0, 3) l, generate_series(0, 2) o;";
    static const char customers[] =
        "insert into customer (customer_id, name, kind, region, country, time_zone, tier)"
        " select 'c' || h, 'Customer ' || h,"
        " case fleet_draw(h, 'kind', 5) when 0 then 'corporate' else 'consumer' end,"
        " 'R' || fleet_draw(h, 'region', %d), 'DE',"
        " (array['Europe/Berlin', 'Asia/Tokyo', 'America/New_York'])[1 + fleet_draw(h, 'tz', 3)],"
        " (array['Premium', 'Business', 'Standard'])[1 + fleet_draw(h, 'tier', 3)]"
        " from generate_series(1::bigint, %d) h;"
        "insert into seat select 'c' || h, 'Line ' || fleet_draw(h, 'line', 4),"
        " 1 + fleet_draw(h, 'seats', 3) from generate_series(1::bigint, %d) h;"
        "insert into update_release select 'pattern/' || u, null, " STARTED_AT
        " + interval '15 minutes', null from generate_series(0, %d - 1) u";
    struct buffer sql = {0};
    buffer_append_format(&sql, functions, FLEET_REGIONS, FLEET_REGIONS);
    buffer_append_format(&sql, customers, FLEET_REGIONS, FLEET_CUSTOMERS, FLEET_CUSTOMERS,
                         FLEET_UPDATES);
    run(cluster, &sql);
}

void stored_fleet_minute(struct private_cluster *cluster, int minute)
{
    /* In one statement, which is one transaction, as the collector commits it. A host hangs from
     * minute 30 on, which is after its second healthy report with the update. */
    static const char form[] =
        "with now as (select %d as minute),"
        " hosts as materialized ("
        "  select h, minute, md5('host' || h)::uuid as host_id, 'c' || h as customer_id,"
        "    fleet_draw(h, 'first', 2) = 0 as first, 1 + fleet_draw(h, 'other', %d) as other,"
        "    " STARTED_AT " + make_interval(mins => minute,"
        "      secs => fleet_draw(h, 'second', 600) / 10.0) as at"
        "  from now, generate_series(1::bigint + (minute + 4) %% 5, %d, 5) h),"
        " loaded as ("
        "  insert into report_load (collector, row_count, received_from, received_until)"
        "  select 'bench', count(*), min(at), max(at) from hosts returning load_id),"
        " updates as ("
        "  insert into report_update select load_id, host_id, customer_id, null, at, at, u, 0, "
        "since"
        "  from hosts, loaded, lateral (values"
        "    ('pattern/0', at, first and minute between 20 and 24),"
        "    ('pattern/' || other, at - interval '3 hours',"
        "     minute < 5 and fleet_draw(h, 'takes', 2) = 0)) installed (u, since, does)"
        "  where does)"
        " insert into report select load_id, host_id, customer_id,"
        "  case when minute < 5 then fleet_segment(h) end, at, at, 300,"
        "  case when hangs then 0.99 else 0.1 + fleet_draw(h, 'busy', 100) / 1000.0 end,"
        "  case when hangs then 1 else 0.5 end, 0.02"
        "  from hosts, loaded, lateral (select"
        "    minute >= 30 and first and fleet_draw(h, 'hangs', 10) < 4 as hangs) k";
    struct buffer sql = {0};
    buffer_append_format(&sql, form, minute, FLEET_UPDATES - 1, FLEET_CUSTOMERS);
    run(cluster, &sql);
}
