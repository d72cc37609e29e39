// Every pass of the compiler, documented. One pass, one file, in the folder of its phase.

#ifndef GRADUS_PASSES_TD
#define GRADUS_PASSES_TD

include "mlir/Pass/PassBase.td"

#endif // GRADUS_PASSES_TD
