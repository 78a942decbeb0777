/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/bench/ingest/cost.h"

#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Fields of /proc/PID/stat behind the name, which may hold anything: from its last bracket on. */
static int read_stat(const char *pid, pid_t *parent, double ticks[4])
{
    char path[64];
    char line[1024];
    (void)snprintf(path, sizeof path, "/proc/%.20s/stat", pid);
    FILE *file = fopen(path, "re");
    if (file == NULL) {
        return 0;
    }
    char *got = fgets(line, sizeof line, file);
    (void)fclose(file);
    char *rest = got != NULL ? strrchr(line, ')') : NULL;
    if (rest == NULL) {
        return 0;
    }
    /* proc(5): behind the name come the state, field 3, the parent, 4, and the times, 14 to 17. */
    char *at = rest + 1;
    int field = 3;
    for (char *word = strtok_r(at, " ", &at); word != NULL; word = strtok_r(NULL, " ", &at)) {
        if (field == 4) {
            *parent = (pid_t)strtol(word, NULL, 10);
        } else if (field >= 14 && field <= 17) {
            ticks[field - 14] = strtod(word, NULL);
        }
        field++;
    }
    return field > 17;
}

double cost_cpu_s(pid_t process)
{
    double all = 0;
    DIR *processes = opendir("/proc");
    if (processes == NULL) {
        return 0;
    }
    for (struct dirent *entry = readdir(processes); entry != NULL; entry = readdir(processes)) {
        pid_t parent = 0;
        double ticks[4];
        if (isdigit((unsigned char)entry->d_name[0]) == 0 ||
            read_stat(entry->d_name, &parent, ticks) == 0) {
            continue;
        }
        if (strtol(entry->d_name, NULL, 10) == process) {
            all += ticks[0] + ticks[1] + ticks[2] + ticks[3];
        } else if (parent == process) {
            all += ticks[0] + ticks[1];
        }
    }
    (void)closedir(processes);
    return all / (double)sysconf(_SC_CLK_TCK);
}

double cost_peak_bytes(pid_t process)
{
    char path[64];
    char line[256];
    double kibibytes = 0;
    (void)snprintf(path, sizeof path, "/proc/%d/status", (int)process);
    FILE *file = fopen(path, "re");
    while (file != NULL && fgets(line, sizeof line, file) != NULL) {
        if (strncmp(line, "VmHWM:", 6) == 0) {
            kibibytes = strtod(line + 6, NULL);
            break;
        }
    }
    if (file != NULL) {
        (void)fclose(file);
    }
    return kibibytes * 1024;
}
