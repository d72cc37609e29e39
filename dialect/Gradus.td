// The whole dialect: every op family is one file, included here.

#ifndef GRADUS_TD
#define GRADUS_TD

include "dialect/Base.td"
include "dialect/Derivative.td"
include "dialect/Elementwise.td"
include "dialect/LinearAlgebra.td"
include "dialect/Order.td"
include "dialect/Plan.td"
include "dialect/Reduction.td"
include "dialect/Shape.td"
include "dialect/Storage.td"
include "dialect/Structure.td"

#endif // GRADUS_TD
