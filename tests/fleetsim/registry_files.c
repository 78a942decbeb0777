/* Writing the registry; see registry_files.h. The seats are those bought: hosts that never report
 * are among them.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/fleetsim/registry_files.h"

#include <inttypes.h>
#include <stdio.h>

#include "common/buffer.h"
#include "common/csv.h"
#include "common/instant.h"
#include "tests/fleetsim/output_file.h"

static void append_name(const struct scenario *scenario, const struct fleet_customer *customer,
                        uint32_t index, struct buffer *buffer)
{
    const struct region *region = &scenario->regions[customer->region];
    char name[3 * 128 + 32];
    if (customer->kind == KIND_CONSUMER) {
        snprintf(name, sizeof name, "Private customer %" PRIu32, index);
    } else {
        /* The number keeps names apart: there are fewer words than companies. */
        snprintf(name, sizeof name, "%s %s %" PRIu32, region->name_first[customer->name_first],
                 region->name_second[customer->name_second], index);
    }
    csv_append_cell(buffer, name);
}

static void append_date(instant_us at, struct buffer *buffer)
{
    char text[INSTANT_TEXT_SIZE];
    instant_format(at, text);
    buffer_append(buffer, text, sizeof "2005-04-23" - 1);
}

/* A few companies in a hundred run what cannot stop, a few more what hardly can. */
static const char *criticality_of(const struct fleet_customer *customer, uint32_t index)
{
    if (customer->kind == KIND_CONSUMER) {
        return "";
    }
    return index % 37 == 0 ? "critical" : index % 11 == 0 ? "high" : "normal";
}

static void append_customer(const struct scenario *scenario, const struct fleet_customer *customer,
                            uint32_t index, struct buffer *buffer)
{
    const struct region *region = &scenario->regions[customer->region];
    const struct country *country = &region->countries[customer->country];
    const struct kind *kind = &scenario->kinds[customer->kind];
    char id[CUSTOMER_ID_SIZE];
    buffer_append_format(buffer, "%s,", customer_id_format(index, id));
    append_name(scenario, customer, index, buffer);
    const char *cells[] = {kind_names[customer->kind],
                           region->region,
                           country->country,
                           country->time_zone,
                           kind->tiers[customer->tier].tier,
                           customer->partner != PARTNER_NONE ? region->partners[customer->partner]
                                                             : ""};
    for (size_t i = 0; i < sizeof cells / sizeof *cells; i++) {
        buffer_append(buffer, ",", 1);
        csv_append_cell(buffer, cells[i]);
    }
    double value = country->yearly_value[customer->kind] * customer->seat_count;
    buffer_append_format(buffer, ",%.0f,%s,", value, country->currency);
    append_date(scenario->from + customer->renewal_days * INSTANT_DAY, buffer);
    buffer_append_format(buffer, ",%s,%s\n", country->locale, criticality_of(customer, index));
}

static bool write_customers(const struct scenario *scenario, const struct population *population,
                            const char *directory, struct failure *failure)
{
    struct buffer buffer = {0};
    buffer_append_text(&buffer, "customer_id,name,kind,region,country,time_zone,tier,partner,"
                                "contract_value,currency,renewal_on,language,criticality\n");
    for (size_t i = 0; i < population->customer_count; i++) {
        append_customer(scenario, &population->customers[i], (uint32_t)i, &buffer);
    }
    bool good = output_text(directory, "customers.csv", &buffer, failure);
    buffer_free(&buffer);
    return good;
}

static bool write_seats(const struct scenario *scenario, const struct population *population,
                        const char *directory, struct failure *failure)
{
    struct buffer buffer = {0};
    buffer_append_text(&buffer, "customer_id,product_line,seats\n");
    for (size_t i = 0; i < population->customer_count; i++) {
        const struct fleet_customer *customer = &population->customers[i];
        uint32_t seats[SCENARIO_LINES_LIMIT] = {0};
        for (uint32_t s = 0; s < customer->seat_count; s++) {
            const struct fleet_seat *seat = &population->seats[customer->first_seat + s];
            seats[population->segments[seat->segment].line]++;
        }
        for (size_t line = 0; line < scenario->line_count; line++) {
            char id[CUSTOMER_ID_SIZE];
            if (seats[line] > 0) {
                buffer_append_format(&buffer, "%s,", customer_id_format((uint32_t)i, id));
                csv_append_cell(&buffer, scenario->lines[line].product_line);
                buffer_append_format(&buffer, ",%" PRIu32 "\n", seats[line]);
            }
        }
    }
    bool good = output_text(directory, "seats.csv", &buffer, failure);
    buffer_free(&buffer);
    return good;
}

/* The line an update is for, where that is one. */
static const char *line_of(const struct update *update)
{
    for (size_t t = 0; t < update->targets.term_count; t++) {
        const struct condition_term *term = &update->targets.terms[t];
        if (term->attribute == ATTRIBUTE_PRODUCT_LINE && term->value_count == 1) {
            return term->values[0];
        }
    }
    return "";
}

static bool write_updates(const struct scenario *scenario, const char *directory,
                          struct failure *failure)
{
    struct buffer buffer = {0};
    buffer_append_text(&buffer, "update_id,product_line,released_at,withdrawn_at\n");
    for (size_t u = 0; u < scenario->update_count; u++) {
        const struct update *update = &scenario->updates[u];
        char released[INSTANT_TEXT_SIZE];
        char withdrawn[INSTANT_TEXT_SIZE] = "";
        if (update->withdrawn_at != INSTANT_NONE) {
            instant_format(update->withdrawn_at, withdrawn);
        }
        csv_append_cell(&buffer, update->id);
        buffer_append(&buffer, ",", 1);
        csv_append_cell(&buffer, line_of(update));
        buffer_append_format(&buffer, ",%s,%s\n", instant_format(update->released_at, released),
                             withdrawn);
    }
    bool good = output_text(directory, "updates.csv", &buffer, failure);
    buffer_free(&buffer);
    return good;
}

/* A person's name and address for somebody who does not exist: the number is of those that are kept
 * for films, the domain of those that are kept for examples. */
static void append_contact(uint32_t customer, uint32_t position, struct buffer *buffer)
{
    static const char *const given[] = {"Aiko", "Ben", "Chiara", "Dilan", "Emre", "Fumiko", "Gina"};
    static const char *const family[] = {"Abe",   "Brandt", "Costa", "Doi",    "Egger", "Fujii",
                                         "Greco", "Hara",   "Ito",   "Jansen", "Kaya"};
    static const char *const tasks[] = {"IT", "Office"};
    char id[CUSTOMER_ID_SIZE];
    uint32_t seed = customer * 2 + position;
    const char *first = given[seed % (sizeof given / sizeof *given)];
    const char *last = family[seed % (sizeof family / sizeof *family)];
    buffer_append_format(buffer,
                         "%s,%" PRIu32 ",%s %s,%s,+1 202 555 01%02" PRIu32 ",%s@%s.example\n",
                         customer_id_format(customer, id), position, first, last,
                         tasks[position - 1], seed % 100, first, id);
}

static bool write_contacts(const struct population *population, const char *directory,
                           struct failure *failure)
{
    struct buffer buffer = {0};
    buffer_append_text(&buffer, "customer_id,position,name,task,phone,email\n");
    for (size_t i = 0; i < population->customer_count; i++) {
        uint32_t count = population->customers[i].kind == KIND_CONSUMER ? 1 : 2;
        for (uint32_t position = 1; position <= count; position++) {
            append_contact((uint32_t)i, position, &buffer);
        }
    }
    bool good = output_text(directory, "contacts.csv", &buffer, failure);
    buffer_free(&buffer);
    return good;
}

bool registry_files_write(const struct scenario *scenario, const struct population *population,
                          const char *directory, struct failure *failure)
{
    return write_customers(scenario, population, directory, failure) &&
           write_seats(scenario, population, directory, failure) &&
           write_updates(scenario, directory, failure) &&
           write_contacts(population, directory, failure);
}
