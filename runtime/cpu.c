/*===- cpu.c - The instruction set of this machine ----------------------------------===*
 *
 * The answer comes from the table that the C compiler's own library fills before main and never changes: asking the processor at each call would
 * take microseconds where a hypervisor answers, and a table of ours would be a global. This file stands alone so that a program may link its
 * own gradus_cpu_level, which then decides.
 *
 *===----------------------------------------------------------------------------===*/

#include "runtime/internal.h"

int32_t gradus_cpu_level(void) {
#if defined(__x86_64__) && defined(__GNUC__)
  __builtin_cpu_init(); /* done already, but in what runs before all constructors */
  if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma") || !__builtin_cpu_supports("bmi") || !__builtin_cpu_supports("bmi2"))
    return 1;
  if (!__builtin_cpu_supports("avx512f") || !__builtin_cpu_supports("avx512bw") || !__builtin_cpu_supports("avx512cd") ||
      !__builtin_cpu_supports("avx512dq") || !__builtin_cpu_supports("avx512vl"))
    return 3;
  return 4;
#else
  return 0;
#endif
}
