/* Two steps with momentum in C, checked by hand: m = 1, then 1.5. */
#include "heavy.h"

#include <stdio.h>

static gradus_tensor vector(float *data, const int64_t *dims) {
  gradus_tensor tensor = {0, 0, 0, 1, GRADUS_F32, GRADUS_CPU, 0};
  tensor.data = data;
  tensor.dims = dims;
  return tensor;
}

static void complain(void *user, const gradus_error *error) {
  *(int *)user += 1;
  puts(error->message);
}

int main(void) {
  float w[2] = {1, 2}, g[2] = {1, 1}, m[2] = {7, 7};
  int64_t dims[1] = {2}, other[1] = {1};
  char bytes[4096 + 64];
  char *workspace = bytes + (64 - (uintptr_t)bytes % 64) % 64;
  int errors = 0;
  gradus_context context = {0};
  heavy_init_slot start;
  heavy_step_slot slot;
  uint64_t t;
  context.user = &errors;
  context.error = complain;

  start.w = vector(w, dims);
  start.m = vector(m, dims);
  if (heavy_init_workspace(&start, 1) > 4096 || heavy_init(&context, 0, 0, 0, &start, 1, workspace, 4096, 0) != GRADUS_OK)
    return 1;
  slot.w = vector(w, dims);
  slot.g = vector(g, dims);
  slot.m = vector(m, dims);
  for (t = 1; t <= 2; ++t)
    if (heavy_step(&context, 0, t, 0, &slot, 1, workspace, 4096, 0) != GRADUS_OK)
      return 2;
  printf("%g %g\n", (double)w[0], (double)w[1]);
  if (w[0] != -0.25f || w[1] != 0.75f)
    return 3;
  slot.g.dims = other;
  if (heavy_step(&context, 0, 3, 0, &slot, 1, workspace, 4096, 0) != GRADUS_ERROR_SHAPE || errors != 1 || w[0] != -0.25f)
    return 4;
  if (heavy_step_entry()->content != HEAVY_ABI)
    return 5;
  return 0;
}
