/* What may somebody be? See role.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "analyzer/role.h"

#include <stddef.h>
#include <string.h>

static const char *const names[ROLE_COUNT] = {
    [ROLE_VIEWER] = "viewer",    [ROLE_OPERATIONS] = "operations", [ROLE_EXECUTIVE] = "executive",
    [ROLE_SUPPORT] = "support",  [ROLE_ADMIN] = "admin",           [ROLE_METRICS] = "metrics",
    [ROLE_REGISTRY] = "registry"};

const char *role_name(enum role role)
{
    return names[role];
}

bool role_parse(const char *name, enum role *role, struct failure *failure)
{
    for (unsigned i = 0; i < ROLE_METRICS; i++) {
        if (strcmp(names[i], name) == 0) {
            *role = (enum role)i;
            return true;
        }
    }
    return failure_set(failure, FAILURE_INVALID,
                       "a role is viewer, operations, executive, support or admin, not \"%.40s\"",
                       name);
}

bool role_of_scope(const char *scope, enum role *role, struct failure *failure)
{
    static const struct {
        const char *scope;
        enum role role;
    } scopes[] = {{"read", ROLE_VIEWER},
                  {"operate", ROLE_OPERATIONS},
                  {"support", ROLE_SUPPORT},
                  {"metrics", ROLE_METRICS},
                  {"registry", ROLE_REGISTRY}};
    for (size_t i = 0; i < sizeof scopes / sizeof *scopes; i++) {
        if (strcmp(scopes[i].scope, scope) == 0) {
            *role = scopes[i].role;
            return true;
        }
    }
    return failure_set(failure, FAILURE_INVALID,
                       "a scope is read, operate, support, metrics or registry, not \"%.40s\"",
                       scope);
}

bool role_of_groups(const char *groups, enum role *role)
{
    static const char prefix[] = "epicenter-";
    while (*groups != '\0') {
        groups += strspn(groups, ", ");
        size_t length = strcspn(groups, ", ");
        for (unsigned i = 0; i < ROLE_METRICS; i++) {
            if (length == sizeof prefix - 1 + strlen(names[i]) &&
                strncmp(groups, prefix, sizeof prefix - 1) == 0 &&
                strncmp(groups + sizeof prefix - 1, names[i], strlen(names[i])) == 0) {
                *role = (enum role)i;
                return true;
            }
        }
        groups += length;
    }
    return false;
}

const char *role_home(enum role role)
{
    return role == ROLE_EXECUTIVE ? "/executives" : role == ROLE_SUPPORT ? "/support" : "/";
}
