/* Who asks, and as what: the five roles of people, which the scopes of keys are taken for, and two
 * of programs alone: one that sees the metrics, one that keeps the registry.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_ANALYZER_ROLE_H
#define EPICENTER_ANALYZER_ROLE_H

#include <stdbool.h>

#include "common/failure.h"

enum role {
    ROLE_VIEWER, /* verdicts and figures */
    ROLE_OPERATIONS,
    ROLE_EXECUTIVE,
    ROLE_SUPPORT,
    ROLE_ADMIN,
    ROLE_METRICS, /* no person's, like what follows */
    ROLE_REGISTRY,
};
#define ROLE_COUNT 7

/* Sets of roles. */
#define ROLE_BIT(role) (1U << (role))
#define ROLES_PEOPLE (ROLE_BIT(ROLE_METRICS) - 1)

#define IDENTITY_NAME_SIZE 96 /* 80 of a name, and "key " before it */

struct identity {
    enum role role;
    bool is_program; /* it came with a key */
    char name[IDENTITY_NAME_SIZE];
};

const char *role_name(enum role role);

/* "viewer", "operations", "executive", "support", "admin". */
MUST_CHECK bool role_parse(const char *name, enum role *role, struct failure *failure);

/* A key's scope as the role that may do the same: "read", "operate", "support", "metrics",
 * "registry". */
MUST_CHECK bool role_of_scope(const char *scope, enum role *role, struct failure *failure);

/* From the groups a proxy says somebody is in, separated by commas: the first that is "epicenter-"
 * and a role. */
MUST_CHECK bool role_of_groups(const char *groups, enum role *role);

/* The page whoever has the role begins with. */
const char *role_home(enum role role);

#endif
