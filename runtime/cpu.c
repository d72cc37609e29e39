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
  if (!__builtin_cpu_supports("x86-64-v3")) /* with LZCNT, MOVBE and F16C, which a hypervisor may hide beside AVX2 */
    return 1;
  if (!__builtin_cpu_supports("x86-64-v4"))
    return 3;
  return 4;
#else
  return 0;
#endif
}
