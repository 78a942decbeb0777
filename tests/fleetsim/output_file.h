/* Files in the run's output directory.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_FLEETSIM_OUTPUT_FILE_H
#define EPICENTER_FLEETSIM_OUTPUT_FILE_H

#include <stddef.h>
#include <stdio.h>

#include "common/buffer.h"
#include "common/failure.h"

/* Makes the directory when it is not there. */
MUST_CHECK bool output_directory(const char *directory, struct failure *failure);

struct output_file {
    FILE *stream;
    char path[4096];
};

/* Makes or empties directory/name. */
MUST_CHECK bool output_open(const char *directory, const char *name, struct output_file *file,
                            struct failure *failure);
MUST_CHECK bool output_write(struct output_file *file, const void *bytes, size_t length,
                             struct failure *failure);
/* Closes the file in any case; false when what was written did not all get there. */
MUST_CHECK bool output_close(struct output_file *file, struct failure *failure);

/* A whole file at once. The buffer is checked, not freed. */
MUST_CHECK bool output_text(const char *directory, const char *name, const struct buffer *text,
                            struct failure *failure);

#endif
