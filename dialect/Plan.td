// The fused plan: phases and kernels. CPU code, `gradus explain` and the GPU read the same operations.

#ifndef GRADUS_PLAN_TD
#define GRADUS_PLAN_TD

include "dialect/Base.td"

#endif // GRADUS_PLAN_TD
