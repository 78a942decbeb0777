/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/unit/sample_answers.h"

#include <math.h>

#define COUNT(of) (sizeof(of) / sizeof *(of))

/* 2005-04-22T22:33:00Z, the release of the pattern (date -u -d … +%s). */
#define RELEASED_AT (INT64_C(1114209180) * INSTANT_SECOND)

static const struct segment_term stricken_terms[] = {
    {"engine", "7.510"}, {"os", "Windows XP"}, {"os_version", "SP2"}};
static const struct segment_conjunction stricken[] = {{stricken_terms, COUNT(stricken_terms)}};

static const struct impact_cell cells[] = {
    {"AMER",
     "OfficeScan",
     {1204, 388, {310, 420, 560}, {1824.4, 2012, 2152}},
     {61, 17, {12, 15, 19}, {86.6, 93, 97}}},
    {"EMEA",
     "OfficeScan",
     {802, 171, {180, 240, 333}, {1118.8, 1213, 1306}},
     {40, 8, {8, 11, 14}, {54.4, 59, 62}}},
    {"JP",
     "OfficeScan",
     {9871, 2210, {2800, 3105.4, 3477}, {14439, 15186.4, 15558}},
     {652, 81, {90, 103, 120}, {806.8, 836, 853}}},
    {"JP",
     "VirusBuster",
     {21460, 30872, {NAN, NAN, NAN}, {46157.6, 52332, 52332}},
     {18204, 26013, {0, 0, 0}, {39014.4, 44217, 44217}}},
};

static const struct outreach_entry calls[] = {
    {.customer_id = "c-0007",
     .name = "\xe6\x9d\xb1\xe6\x97\xa5\xe6\x9c\xac\xe6\x97\x85\xe5\xae\xa2\xe9\x89\x84\xe9\x81\x93",
     .region = "JP",
     .rank = 1,
     .score = 41.25,
     .hosts_affected = 1841,
     .reachable_now = true,
     .reasons = {"premium support", "92 % of its hosts are hit", "reachable now, 09:12 there"},
     .reason_count = 3},
    {.customer_id = "c-0101",
     .name = "Evil \033[2J & Sons",
     .region = "AMER",
     .rank = 2,
     .score = 17.5,
     .hosts_affected = 1,
     .reasons = {"contract of USD 1,200,000 a year, renewal in 21 days"},
     .reason_count = 1},
};

static const struct update_answer updates[] = {
    {.id = "pattern/2.594.00",
     .product_line = NULL,
     .released_at = RELEASED_AT,
     .withdrawn_at = RELEASED_AT + 89 * INSTANT_MINUTE,
     .first_seen_at = RELEASED_AT + 3 * INSTANT_MINUTE,
     .verdict = VERDICT_HOLD,
     .decided_at = RELEASED_AT + 15 * INSTANT_MINUTE,
     .sentence = "Hosts with engine 7.510 on Windows XP SP2 turn distressed 14 times as often "
                 "after pattern/2.594.00 as hosts like them without it.",
     .action = "Stop the rollout and withdraw the update.",
     .reasons = {"The evidence is over the threshold.", "The lower bound is over the margin."},
     .reason_count = 2,
     .control = "hosts of the same segment that had not installed it yet",
     .log10_e_value = 412.7,
     .rate_ratio = {9.04, 14.2, INFINITY},
     .compared = {33755, 2377.25},
     .onset = {(double)(RELEASED_AT + 4 * INSTANT_MINUTE),
               (double)(RELEASED_AT + 6 * INSTANT_MINUTE),
               (double)(RELEASED_AT + 9 * INSTANT_MINUTE)},
     .ended = {NAN, NAN, NAN},
     .segment = stricken,
     .segment_count = COUNT(stricken),
     .segment_text = "engine 7.510 on Windows XP SP2",
     .installed_hosts = 81234,
     .failed_hosts = 12,
     .rolled_back_hosts = 3,
     .exposed_now = 40211,
     .exposed_onsets = 66904,
     .impact = cells,
     .impact_count = COUNT(cells),
     .hosts_total = {33337, 33641, {3290, 3765.4, 4370}, {63539.8, 70743.4, 71348}},
     .customers_total = {18957, 26119, {110, 129, 153}, {39962.2, 45205, 45229}},
     .cost = {.currency = "USD",
              .p10 = 2.314e6,
              .p50 = 4.87e6,
              .p90 = 9.1234e6,
              .seed = UINT64_MAX,
              .drivers = {{"contact_rate_consumer", 2.2e6}, {"claim_rate", 845123}, {NULL, 0}}},
     .outreach = calls,
     .outreach_count = COUNT(calls),
     .outreach_total = 45076},
    {.id = "engine/7.600",
     .product_line = "OfficeScan",
     .released_at = INSTANT_NONE,
     .withdrawn_at = INSTANT_NONE,
     .first_seen_at = RELEASED_AT,
     .verdict = VERDICT_INSUFFICIENT_DATA,
     .decided_at = RELEASED_AT,
     .sentence = "Too few hosts have it to tell.",
     .action = "Wait.",
     .reasons = {"About 1,200 more exposed hosts are needed."},
     .reason_count = 1,
     .log10_e_value = -INFINITY,
     .rate_ratio = {NAN, NAN, NAN},
     .onset = {NAN, NAN, NAN},
     .ended = {NAN, NAN, NAN},
     .cost = {.currency = "USD", .p10 = NAN, .p50 = NAN, .p90 = NAN},
     .installed_hosts = 77},
    {.id = "spyware/0.120",
     .product_line = "VirusBuster",
     .released_at = RELEASED_AT - INSTANT_HOUR,
     .withdrawn_at = INSTANT_NONE,
     .first_seen_at = RELEASED_AT - INSTANT_HOUR,
     .verdict = VERDICT_CLEAR,
     .decided_at = RELEASED_AT,
     .sentence = "No harm.",
     .action = "Go on.",
     .log10_e_value = -1.25,
     .rate_ratio = {0.7, 1.0, 1.4},
     .onset = {NAN, NAN, NAN},
     .ended = {NAN, NAN, NAN},
     .cost = {.currency = "USD"},
     .installed_hosts = 15402},
};

struct answers sample_answers(void)
{
    return (struct answers){
        .as_of = RELEASED_AT + 187 * INSTANT_MINUTE,
        .alpha = 0.001,
        .fleet = {.hosts = 100000,
                  .reporting = 64120,
                  .pinned = 31007,
                  .elevated = 512,
                  .silent = 35880,
                  .customers = 48211,
                  .unregistered_customers = 2,
                  .reports = 3481920,
                  .duplicate_reports = 12,
                  .late_reports = 0,
                  .skewed_hosts = 77},
        .updates = updates,
        .update_count = COUNT(updates),
    };
}
