/* Tells the receivers of table `webhook` each change of verdict, in a thread of its own: a receiver
 * that hangs or is away holds up nobody but itself.
 *
 *   publish --writes--> webhook_message (due) --sent, 2xx--> delivered
 *                             ^   |                   \--410--> given up, and its receiver with it
 *                             \---/ later, and later still; after the last attempt given up
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_ANALYZER_WEBHOOK_H
#define EPICENTER_ANALYZER_WEBHOOK_H

#include <stdbool.h>

#include "common/failure.h"

struct webhook;

struct webhook_options {
    const char *conninfo; /* must outlive it */
    long timeout_ms;      /* of one attempt; 0: 15 s, as Standard Webhooks advises */
    double patience;      /* of the pauses between attempts; 0: 1. Tests are less patient */
};

MUST_CHECK bool webhook_start(const struct webhook_options *options, struct webhook **webhook,
                              struct failure *failure);
/* Ends the thread; an attempt under way is given up, and made again on the next start. */
void webhook_stop(struct webhook *webhook);

#endif
