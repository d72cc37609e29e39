/*===- cuda_update.h - The kernel that writes arguments ------------------------------===*
 *
 * Not installed. `gradus_update(to, words, value)` writes `words` 32-bit words, which it takes by value, to the address `to`. A launch keeps its arguments, so
 * nothing waits for the copy, no memory is pinned, and a captured launch replays them. There are two of it: kernels take 4,096 bytes of arguments, and
 * 32,764 since CUDA 12.1.
 *
 *===----------------------------------------------------------------------------===*/

#ifndef GRADUS_CUDA_UPDATE_H
#define GRADUS_CUDA_UPDATE_H

/* Bytes of `value`; multiples of 16. */
#define GRADUS_CUDA_UPDATE_SMALL 3840
#define GRADUS_CUDA_UPDATE_LARGE 32640

/* One block of 256 threads: thread k takes the words k, k + 256, .. */
#define GRADUS_CUDA_UPDATE_PTX(version, bytes)                    \
  ".version " version "\n"                                        \
  ".target sm_70\n"                                               \
  ".address_size 64\n"                                            \
  ".visible .entry gradus_update(\n"                              \
  "  .param .u64 to,\n"                                           \
  "  .param .u32 words,\n"                                        \
  "  .param .align 16 .b8 value[" bytes "])\n"                    \
  ".maxntid 256, 1, 1\n"                                          \
  "{\n"                                                           \
  "  .reg .pred %done;\n"                                         \
  "  .reg .b32 %word, %count, %content;\n"                        \
  "  .reg .b64 %target, %source, %offset, %from, %into;\n"        \
  "  ld.param.u64 %target, [to];\n"                               \
  "  cvta.to.global.u64 %target, %target;\n"                      \
  "  ld.param.u32 %count, [words];\n"                             \
  "  mov.u64 %source, value;\n"                                   \
  "  mov.u32 %word, %tid.x;\n"                                    \
  "more:\n"                                                       \
  "  setp.ge.u32 %done, %word, %count;\n"                         \
  "  @%done bra stop;\n"                                          \
  "  mul.wide.u32 %offset, %word, 4;\n"                           \
  "  add.s64 %from, %source, %offset;\n"                          \
  "  add.s64 %into, %target, %offset;\n"                          \
  "  ld.param.b32 %content, [%from];\n"                           \
  "  st.global.b32 [%into], %content;\n"                          \
  "  add.u32 %word, %word, 256;\n"                                \
  "  bra more;\n"                                                 \
  "stop:\n"                                                       \
  "  ret;\n"                                                      \
  "}\n"

#define GRADUS_CUDA_UPDATE_SMALL_PTX GRADUS_CUDA_UPDATE_PTX("6.0", "3840")
#define GRADUS_CUDA_UPDATE_LARGE_PTX GRADUS_CUDA_UPDATE_PTX("8.1", "32640")

#endif /* GRADUS_CUDA_UPDATE_H */
