/* Files in the run's output directory; see output_file.h.
 * SPDX-License-Identifier: Apache-2.0 */
#include "tests/fleetsim/output_file.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

bool output_directory(const char *directory, struct failure *failure)
{
    if (mkdir(directory, 0777) == 0 || errno == EEXIST) {
        return true;
    }
    return failure_set(failure, FAILURE_SYSTEM, "%s: cannot make this directory: %s", directory,
                       strerror(errno));
}

static bool cannot(const struct output_file *file, const char *what, struct failure *failure)
{
    return failure_set(failure, FAILURE_SYSTEM, "%s: cannot %s: %s", file->path, what,
                       strerror(errno));
}

bool output_open(const char *directory, const char *name, struct output_file *file,
                 struct failure *failure)
{
    int length = snprintf(file->path, sizeof file->path, "%s/%s", directory, name);
    if (length < 0 || (size_t)length >= sizeof file->path) {
        return failure_set(failure, FAILURE_INVALID, "%s: the path is too long", directory);
    }
    file->stream = fopen(file->path, "wbe");
    return file->stream != NULL || cannot(file, "write this file", failure);
}

bool output_write(struct output_file *file, const void *bytes, size_t length,
                  struct failure *failure)
{
    return fwrite(bytes, 1, length, file->stream) == length || cannot(file, "write", failure);
}

bool output_close(struct output_file *file, struct failure *failure)
{
    int failed = fclose(file->stream);
    file->stream = NULL;
    return failed == 0 || cannot(file, "write", failure);
}

bool output_text(const char *directory, const char *name, const struct buffer *text,
                 struct failure *failure)
{
    struct output_file file;
    if (!buffer_check(text, failure) || !output_open(directory, name, &file, failure)) {
        return false;
    }
    if (!output_write(&file, text->data, text->length, failure)) {
        (void)!output_close(&file, NULL);
        return false;
    }
    return output_close(&file, failure);
}
