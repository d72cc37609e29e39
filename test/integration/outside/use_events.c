/* A caller of a rule with two entries: it makes the states once, and calls both on them. */
#include "events.h"

#include <stdio.h>

static gradus_tensor describe(void *data, int32_t dtype, const int64_t *dims, int32_t rank) {
  gradus_tensor tensor = {0, 0, 0, 0, 0, GRADUS_CPU, 0};
  tensor.data = data;
  tensor.dims = dims;
  tensor.rank = rank;
  tensor.dtype = dtype;
  return tensor;
}

static void complain(void *user, const gradus_error *error) {
  (void)user;
  puts(error->message);
}

int main(void) {
  float x[2] = {8, 4}, g[2] = {2, 0}, other[2] = {1, 1}, hits[3] = {9, 9, 9};
  double clock = 9;
  uint16_t moved[2] = {9, 9};
  int64_t two[1] = {2}, three[1] = {3};
  char bytes[4096 + 64];
  char *workspace = bytes + (64 - (uintptr_t)bytes % 64) % 64;
  gradus_context context = {0};
  gossip_init_slot start;
  gossip_gradient_slot descent;
  gossip_edge_slot meeting;
  gossip_gradient_hyper when;
  gossip_edge_hyper whom;
  context.error = complain;

  start.x = describe(x, GRADUS_F32, two, 1);
  start.clock = describe(&clock, GRADUS_F64, 0, 0);
  start.hits = describe(hits, GRADUS_F32, three, 1);
  start.moved = describe(moved, GRADUS_BF16, two, 1);
  if (gossip_init(&context, 0, 0, 0, &start, 1, workspace, 4096, 0) != GRADUS_OK || clock != 0 || hits[2] != 0 || moved[1] != 0)
    return 1;

  descent.x = start.x;
  descent.g = describe(g, GRADUS_F32, two, 1);
  descent.other = describe(0, GRADUS_F32, two, 1);
  descent.clock = start.clock;
  descent.hits = start.hits;
  descent.moved = start.moved;
  gossip_gradient_defaults(&when);
  if (gossip_gradient(&context, &when, 1, 0, &descent, 1, workspace, 4096, 0) != GRADUS_ERROR_INTERVAL)
    return 2; /* `now` has no default */
  when.now = 0.5;
  if (gossip_gradient(&context, &when, 1, 0, &descent, 1, workspace, 4096, 0) != GRADUS_OK || x[0] != 7.5f || x[1] != 4 || clock != 0.5)
    return 3;

  meeting.x = start.x;
  meeting.g = descent.g;
  meeting.other = describe(other, GRADUS_F32, two, 1);
  meeting.clock = start.clock;
  meeting.hits = start.hits;
  meeting.moved = start.moved;
  gossip_edge_defaults(&whom);
  whom.j = 2;
  whom.now = 0.75;
  if (gossip_edge(&context, &whom, 2, 0, &meeting, 1, workspace, 4096, 0) != GRADUS_OK || x[0] != 4.25f || hits[2] != 1 || clock != 0.75)
    return 4;
  if (moved[0] != 0x3dcd) /* 0.1 to the nearest of bf16 */
    return 5;
  whom.j = 3;
  if (gossip_edge(&context, &whom, 3, 0, &meeting, 1, workspace, 4096, 0) != GRADUS_ERROR_INDEX || x[0] != 4.25f || hits[2] != 1)
    return 6;
  return 0;
}
