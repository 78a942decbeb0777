/* Hold or go on? From the evidence of every update to one of four verdicts, with reasons.
 *
 * HOLD needs both: evidence that survives e-BH over all updates followed (Wang and Ramdas 2022: the
 * false discovery rate is at most alpha under any dependence; for a single update that is
 * e >= 1/alpha), and a lower bound of the rate ratio over the margin below which harm is not worth
 * a hold. It stays: the e-value is read as a running maximum, which Ville's inequality allows.
 *
 * A bundle is held together, until evidence of its own holds one of its members: that explains what
 * the others shared with it, and they are judged by what is their own.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_ANALYZER_VERDICT_H
#define EPICENTER_ANALYZER_VERDICT_H

#include <stddef.h>
#include <stdint.h>

#include "analyzer/answer.h"
#include "analyzer/exposure.h"
#include "common/arena.h"
#include "common/failure.h"

/* An e-value worth a second look: would be reached once in twenty harmless rollouts at most. */
#define VERDICT_SUSPECT_E 20.0

/* A suspicion is dropped when the e-value has fallen to this: at the value that raised it a verdict
 * would change with every onset. */
#define VERDICT_UNSUSPECT_E 4.0

struct verdict_case {
    double log_e, own_log_e; /* natural logarithms; own: without what it shares with a bundle */
    double fleet_log_e;      /* of the whole fleet alone */
    double own_low;    /* the rate ratio of some subgroup is over this; 0: cannot be said … */
    double bundle_low; /* … the bundle's included */
    struct range rate_ratio; /* of the whole fleet, at 1 - alpha, as narrow as it has ever been */
    const struct exposure_mate *mates;
    uint32_t mate_count;
    uint32_t update;
    enum verdict verdict; /* in: the last one; out: the present one */
    bool bundled;         /* likewise: held for what it shares */
    bool explained;       /* out: what it shares is another's doing */
};

/* Decides all updates together, as e-BH does. */
MUST_CHECK bool verdict_decide(struct verdict_case *cases, size_t count, double alpha,
                               double margin, struct failure *failure);

/* The evidence that is its own, or shared and not explained; natural logarithm. */
double verdict_log_e(const struct verdict_case *one);

/* What the reasons are made from. */
struct verdict_facts {
    const char *update_id;
    enum verdict verdict;
    double log_e;
    double alpha, margin;
    double low; /* bound of the largest rate ratio of any part of the fleet, up to the margin */
    int32_t window_minutes; /* the risk window */
    struct range rate_ratio;
    double clear_gain; /* log likelihood of the likely ratio over that of the margin */
    bool by_past;      /* no control was left: compared with the past */
    const char *segment_text;
    bool has_segment;         /* narrower than the whole fleet */
    const char *const *mates; /* ids of the updates it cannot be told from */
    size_t mate_count;
    const char *only_with; /* id of the update without which it does no harm, or NULL */
    uint64_t exposed_hosts, exposed_onsets;
    struct compared_onsets compared;
    double exposed_share;    /* of the host-minutes compared, 0 to 1 */
    double hosts_per_minute; /* pace at which hosts are being exposed; 0: it has stopped */
    bool followed;           /* false: too many updates in flight to follow this one */
    bool withdrawn;
    struct range onset;        /* instants */
    uint64_t customers, hosts; /* affected, confirmed and probable */
};

/* Fills sentence, action, reasons and control of `answer`; texts are allocated in `arena`. */
MUST_CHECK bool verdict_explain(const struct verdict_facts *facts, struct arena *arena,
                                struct update_answer *answer, struct failure *failure);

#endif
