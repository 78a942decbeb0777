/* A file of reports as a mouth of the analysis: NDJSON as the design's section 3, each line with
 * customer_id and received_at, lines in the order received; plain, gzip or zstd, told by its first
 * bytes.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_ANALYZER_REPORT_FILE_H
#define EPICENTER_ANALYZER_REPORT_FILE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "analyzer/analysis.h"
#include "common/failure.h"

struct report_file_counts {
    uint64_t lines;
    uint64_t reports;
    uint64_t bad_lines;
};

/* Reads `path` ("-" is standard input) into the analysis and advances it as it goes, in the end to
 * the newest receive time less ANALYSIS_LATENESS: as far as the live path would with the same
 * reports. A bad line costs only itself; it is named on `messages` (the first hundred; the rest are
 * counted). With `progress` a line that rewrites itself goes there too.
 *
 * Fails when the file cannot be opened, is cut off within a compressed stream, or memory is out;
 * what was read before stays in the analysis. A file with no good line is not a failure: see
 * `counts`. */
MUST_CHECK bool report_file_read(const char *path, struct analysis *analysis, FILE *messages,
                                 bool progress, struct report_file_counts *counts,
                                 struct failure *failure);

#endif
