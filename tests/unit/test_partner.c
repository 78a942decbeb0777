/* Are customers counted for their partner? Oracle: made so that each partner's numbers are known.
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "analyzer/partner.h"

#define PARTNERS 200

static char names[PARTNERS][16];
static struct registry_customer customers[PARTNERS];
static struct outreach_candidate candidates[2 * PARTNERS + 2];

/* Partner n has two customers where 3 divides n, else one, and n + 1 hosts hit of each. */
static size_t make_candidates(void)
{
    size_t count = 0;
    for (unsigned n = 0; n < PARTNERS; n++) {
        (void)snprintf(names[n], sizeof names[n], "Partner %03u", n);
        customers[n].partner = names[n];
        for (unsigned i = 0; i < (n % 3 == 0 ? 2U : 1U); i++) {
            candidates[count++] = (struct outreach_candidate){
                .customer = &customers[n], .hosts_confirmed = n, .hosts_probable = 1};
        }
    }
    static const struct registry_customer alone;
    candidates[count++] = (struct outreach_candidate){.customer = &alone, .hosts_confirmed = 9};
    candidates[count++] = (struct outreach_candidate){.customer = NULL, .hosts_confirmed = 9};
    return count;
}

static void each_has_its_own(void **state)
{
    (void)state;
    struct partners partners = {.all = NULL};
    size_t count = make_candidates();
    assert_true(partners_count(candidates, count, &partners, NULL));
    assert_int_equal(partners.count, PARTNERS);
    for (size_t i = 0; i < count - 2; i++) {
        const struct impact_partner *found = partners_find(&partners, &candidates[i]);
        unsigned n = (unsigned)candidates[i].hosts_confirmed;
        assert_string_equal(found->partner, names[n]);
        assert_int_equal(found->customers, n % 3 == 0 ? 2 : 1);
        assert_int_equal(found->hosts, (n + 1) * found->customers);
    }
    assert_null(partners_find(&partners, &candidates[count - 2]));
    assert_null(partners_find(&partners, &candidates[count - 1]));
    partners_free(&partners);
}

static void the_largest_are_listed(void **state)
{
    (void)state;
    struct partners partners = {.all = NULL};
    struct arena arena = {0};
    const struct impact_partner *list;
    size_t listed;
    assert_true(partners_count(candidates, make_candidates(), &partners, NULL));
    assert_true(partners_list(&partners, &arena, &list, &listed, NULL));
    assert_int_equal(listed, PARTNERS_LISTED);
    for (size_t i = 0; i < listed; i++) {
        size_t n = PARTNERS - 2 - 3 * i; /* 198 is the greatest that 3 divides */
        assert_string_equal(list[i].partner, names[n]);
        assert_int_equal(list[i].customers, 2);
    }
    partners_free(&partners);
    assert_true(partners_list(&partners, &arena, &list, &listed, NULL));
    assert_int_equal(listed, 0);
    arena_free(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_has_its_own),
        cmocka_unit_test(the_largest_are_listed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
