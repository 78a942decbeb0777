/* Who is too slow? Every connection of a server, watched against total deadlines.
 *
 * libmicrohttpd's own time-out counts from the last byte, so whoever sends one byte a second is
 * never late. Here a connection has so long to send all headers of a request, so long for all of
 * its body, so long to read the answer and so long between two requests; one that is over is shut
 * down, and the event loop then finds it closed. Waiting for an answer has no deadline here: that
 * time is ours.
 *
 * A connection also has an age from which each answer is its last. An age and not a number of
 * requests: a thousand requests are two seconds of a busy gateway and half a day of a host, while
 * an age spreads both over new collectors, and lets a new certificate or a revoked one take hold.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_COMMON_HTTP_DEADLINES_H
#define EPICENTER_COMMON_HTTP_DEADLINES_H

#include <stdbool.h>

#include <microhttpd.h>

#include "common/failure.h"
#include "common/http_server.h"

enum http_phase {
    HTTP_PHASE_NEW,       /* connected; the first headers are to come */
    HTTP_PHASE_BODY,      /* headers taken */
    HTTP_PHASE_ANSWERING, /* with the handler */
    HTTP_PHASE_SENDING,   /* the answer is on its way */
    HTTP_PHASE_IDLE,      /* answered */
};

struct http_deadlines;

/* Takes the deadlines from the server's options, and how many connections one address may have. */
MUST_CHECK bool http_deadlines_start(const struct http_server_options *options,
                                     struct http_deadlines **deadlines, struct failure *failure);
/* After the server whose connections are watched. NULL is nothing. */
void http_deadlines_stop(struct http_deadlines *deadlines);

/* For MHD_OPTION_NOTIFY_CONNECTION, with the deadlines as its context. */
void http_deadlines_notify(void *context, struct MHD_Connection *connection, void **slot,
                           enum MHD_ConnectionNotificationCode code);

/* The connection is in this phase from now on. In its event loop only. */
void http_deadlines_enter(struct MHD_Connection *connection, enum http_phase phase);

/* A place for what is found out about the connection, NULL at first; freed by free() with it. In
 * its event loop only. NULL where memory is out. */
void **http_deadlines_findings(struct MHD_Connection *connection);

/* Whether the next answer is to be the connection's last. */
bool http_deadlines_aged(const struct http_deadlines *deadlines, struct MHD_Connection *connection);

#endif
