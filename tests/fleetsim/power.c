/* When is a machine on? Tables of rates by ten-minute slot of local time; see power.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/fleetsim/power.h"

#include <math.h>
#include <stdlib.h>

#include "common/time_zone.h"

/* The curves are given by the hour and straight between: at ten minutes the steps do not show. */
#define SLOT (10 * INSTANT_MINUTE)
#define HOURS_A_DAY 24
/* 1970-01-01 was a Thursday; days are counted from Sunday. */
#define EPOCH_WEEKDAY 4
/* A curve at 0 or 1 would need an infinite rate. */
#define SHARE_LEAST 0.001

struct slot {
    double on; /* share */
    double busy_factor;
    double on_rate; /* per hour */
    double off_rate;
};

struct power {
    instant_us from;
    size_t slot_count;
    struct slot slots[]; /* of rhythm 0, then of rhythm 1 … */
};

/* The value of an hourly table at a local time, straight between the full hours. */
static double table_value(const double table[DAY_COUNT][HOURS_A_DAY], instant_us local)
{
    int64_t hours = local / INSTANT_HOUR;
    double share = (double)(local % INSTANT_HOUR) / (double)INSTANT_HOUR;
    double values[2];
    for (int i = 0; i < 2; i++) {
        int64_t hour = hours + i;
        int64_t weekday = (hour / HOURS_A_DAY + EPOCH_WEEKDAY) % 7;
        size_t day = weekday == 0 ? DAY_SUNDAY : weekday == 6 ? DAY_SATURDAY : DAY_WEEKDAY;
        values[i] = table[day][hour % HOURS_A_DAY];
    }
    return values[0] + (values[1] - values[0]) * share;
}

static struct slot slot_at(const struct machine *machine, instant_us local)
{
    instant_us middle = local + SLOT / 2;
    double share = table_value(machine->on, middle);
    share = fmin(1 - SHARE_LEAST, fmax(SHARE_LEAST, share));
    double per_hour = (table_value(machine->on, local + SLOT) - table_value(machine->on, local)) *
                      ((double)INSTANT_HOUR / (double)SLOT);
    double turnover = machine->turnover_per_hour;
    return (struct slot){.on = table_value(machine->on, local),
                         .busy_factor = table_value(machine->rhythm, middle),
                         .on_rate = turnover * share + fmax(per_hour, 0) / (1 - share),
                         .off_rate = turnover * (1 - share) + fmax(-per_hour, 0) / share};
}

static bool fill_zone(const struct scenario *scenario, const char *name, struct power *power,
                      struct slot *slots, struct failure *failure)
{
    struct time_zone *zone;
    if (!time_zone_load(name, &zone, failure)) {
        return false;
    }
    for (size_t m = 0; m < scenario->machine_count; m++) {
        for (size_t s = 0; s < power->slot_count; s++) {
            instant_us at = power->from + (instant_us)s * SLOT;
            instant_us local = at + time_zone_offset_s(zone, at) * INSTANT_SECOND;
            slots[m * power->slot_count + s] = slot_at(&scenario->machines[m], local);
        }
    }
    time_zone_free(zone);
    return true;
}

bool power_new(const struct scenario *scenario, struct power **power, struct failure *failure)
{
    size_t slot_count = (size_t)((scenario->until - scenario->from + SLOT - 1) / SLOT);
    size_t rhythms = scenario->time_zone_count * scenario->machine_count;
    struct power *made = malloc(sizeof *made + rhythms * slot_count * sizeof made->slots[0]);
    if (made == NULL) {
        return failure_memory(failure, "laying out the machines' hours");
    }
    made->from = scenario->from;
    made->slot_count = slot_count;
    for (size_t z = 0; z < scenario->time_zone_count; z++) {
        struct slot *slots = &made->slots[z * scenario->machine_count * slot_count];
        if (!fill_zone(scenario, scenario->time_zones[z], made, slots, failure)) {
            free(made);
            return false;
        }
    }
    *power = made;
    return true;
}

void power_free(struct power *power)
{
    free(power);
}

static const struct slot *find_slot(const struct power *power, size_t rhythm, instant_us at)
{
    size_t index = at > power->from ? (size_t)((at - power->from) / SLOT) : 0;
    if (index >= power->slot_count) {
        index = power->slot_count - 1;
    }
    return &power->slots[rhythm * power->slot_count + index];
}

double power_share_on(const struct power *power, size_t rhythm, instant_us at)
{
    return find_slot(power, rhythm, at)->on;
}

double power_busy_factor(const struct power *power, size_t rhythm, instant_us at)
{
    return find_slot(power, rhythm, at)->busy_factor;
}

instant_us power_next_change(const struct power *power, size_t rhythm, bool on, instant_us now,
                             struct random_stream *random)
{
    double left = random_exponential(random, 1); /* hazard still to be used up */
    instant_us at = now;
    for (size_t s = (size_t)((now - power->from) / SLOT); s < power->slot_count; s++) {
        const struct slot *slot = &power->slots[rhythm * power->slot_count + s];
        double rate = on ? slot->off_rate : slot->on_rate;
        instant_us end = power->from + (instant_us)(s + 1) * SLOT;
        double hazard = rate * (double)(end - at) / (double)INSTANT_HOUR;
        if (left < hazard) {
            int64_t milliseconds = (int64_t)(left / rate * 3600e3);
            return at + (milliseconds + 1) * (INSTANT_SECOND / 1000);
        }
        left -= hazard;
        at = end;
    }
    return NEVER;
}
