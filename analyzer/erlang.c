/* Erlang's queues; see erlang.h.
 *
 * The hard thing is size: the textbook's powers and factorials overflow at 170 agents. Everything
 * here is a sum of positive terms relative to the state "all agents busy, nobody waits": below it
 * n!/((n-j)! a^j), above it x^j/((c+1)…(c+j)) with c = n x patience / handling and x = calls in one
 * patience. Both have a few square roots of the load's terms that count.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/erlang.h"

#include <math.h>

/* Sums are scaled back when they pass this; its square still fits a double. */
#define LARGE 1e150

/* Terms below this share of their sum no longer change it. */
#define NEGLIGIBLE 1e-17

double erlang_load(const struct erlang_pool *pool)
{
    return pool->calls_per_hour * pool->handle_s / 3600;
}

/* Probability of all states with a free agent or just none, over that of "just none": 1 / B. */
static double inverse_blocked(double load, uint32_t agents)
{
    double sum = 1;
    double term = 1;
    for (uint32_t j = 0; j < agents; j++) {
        double ratio = (agents - j) / load;
        term *= ratio;
        sum += term;
        if (sum > 1e300) {
            return INFINITY;
        }
        if (ratio < 1 && term < NEGLIGIBLE * sum) {
            break;
        }
    }
    return sum;
}

double erlang_blocked(double load, uint32_t agents)
{
    return 1 / inverse_blocked(load, agents);
}

/* ln of the sum over j of x^j / ((c+1)…(c+j)). */
static double log_waiting(double x, double c)
{
    double sum = 1;
    double term = 1;
    double scale = 0;
    for (uint64_t j = 1;; j++) {
        double ratio = x / (c + (double)j);
        term *= ratio;
        sum += term;
        if (sum > LARGE) {
            term /= LARGE;
            sum /= LARGE;
            scale += log(LARGE);
        }
        if (ratio < 1 && term < NEGLIGIBLE * sum) {
            return scale + log(sum);
        }
    }
}

/* Erlang C: B / (1 - rho (1 - B)), and an exponential wait of those who wait. */
static struct erlang_service serve_patient(const struct erlang_pool *pool, double load,
                                           double within_s)
{
    double agents = pool->agents;
    if (load >= agents) {
        return (struct erlang_service){.waits = 1, .wait_s = INFINITY, .occupancy = 1};
    }
    double inverse = inverse_blocked(load, pool->agents);
    double waits = 1 / (inverse - load / agents * (inverse - 1));
    waits = isinf(inverse) ? 0 : waits;
    double rate = (agents - load) / pool->handle_s;
    return (struct erlang_service){.waits = waits,
                                   .within = 1 - waits * exp(-rate * within_s),
                                   .wait_s = waits / rate,
                                   .occupancy = load / agents};
}

/* Erlang A. With R the sum above the full state and S = 1/B the sum up to it, a caller waits with
 * probability R / (S - 1 + R); of those who wait 1 - (c/x)(1 - 1/R) give up (Mandelbaum and Zeltyn,
 * section 4.5); and those answered later than t are the share of an incomplete gamma function,
 * gamma(c + 1, x e^(-t/patience)), which has the same series. */
static struct erlang_service serve_impatient(const struct erlang_pool *pool, double load,
                                             double within_s)
{
    double c = pool->agents * pool->patience_s / pool->handle_s;
    double x = pool->calls_per_hour * pool->patience_s / 3600;
    double below = inverse_blocked(load, pool->agents) - 1;
    double log_above = log_waiting(x, c);
    double waits = 1 / (1 + exp(log(below) - log_above));
    double abandoned = waits * (1 - c / x * -expm1(-log_above));
    abandoned = abandoned > 0 ? abandoned : 0;
    double left = x * exp(-within_s / pool->patience_s);
    double late = 0;
    if (c > 0) {
        late = waits * exp(-(c + 1) * within_s / pool->patience_s + (x - left) + log(c / (c + 1)) +
                           log_waiting(left, c + 1) - log_above);
    }
    double within = 1 - abandoned - late;
    return (struct erlang_service){
        .waits = waits,
        .abandoned = abandoned,
        .within = within > 0 ? within : 0,
        .wait_s = abandoned * pool->patience_s,
        .occupancy = pool->agents > 0 ? load * (1 - abandoned) / pool->agents : 1};
}

struct erlang_service erlang_serve(const struct erlang_pool *pool, double within_s)
{
    double load = erlang_load(pool);
    if (!(load > 0)) {
        return (struct erlang_service){.within = 1};
    }
    return isinf(pool->patience_s) ? serve_patient(pool, load, within_s)
                                   : serve_impatient(pool, load, within_s);
}

/* The service level rises with the number of agents, and the number is near the load and a few
 * square roots of it: doubling steps from the load, then halving between. */
uint32_t erlang_agents_needed(const struct erlang_pool *pool, double share, double within_s)
{
    double load = erlang_load(pool);
    struct erlang_pool tried = *pool;
    if (!(load > 0)) {
        return 0;
    }
    double begin = isinf(pool->patience_s) ? floor(load) : 0;
    uint32_t too_few = (uint32_t)(begin < UINT32_MAX / 2.0 ? begin : UINT32_MAX / 2.0);
    uint32_t step = (uint32_t)(1 + (isinf(pool->patience_s) ? sqrt(load) / 2 : load));
    for (;;) {
        tried.agents = too_few + step;
        if (erlang_serve(&tried, within_s).within >= share) {
            break;
        }
        too_few = tried.agents;
    }
    uint32_t enough = tried.agents;
    while (enough - too_few > 1) {
        tried.agents = too_few + (enough - too_few) / 2;
        if (erlang_serve(&tried, within_s).within >= share) {
            enough = tried.agents;
        } else {
            too_few = tried.agents;
        }
    }
    return enough;
}
