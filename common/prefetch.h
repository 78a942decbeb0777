/* Memory asked for before it is needed. gcc takes a function that does nothing but that for one
 * without effect and drops its calls, unless it is inlined at once:
 *
 *   PREFETCHING expect_host(const struct fleet *fleet, uint32_t host)
 *   {
 *       __builtin_prefetch(&fleet->hosts[host]);
 *   }
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EPICENTER_COMMON_PREFETCH_H
#define EPICENTER_COMMON_PREFETCH_H

#define PREFETCHING static inline __attribute__((always_inline)) void

#endif
