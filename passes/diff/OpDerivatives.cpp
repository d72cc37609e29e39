//===- OpDerivatives.cpp - What the derivative of each op is --------------------===//

#include "passes/diff/OpDerivatives.h"

#include "llvm/ADT/DenseMap.h"

using namespace mlir;

namespace gradus {

template <typename... Ops>
static llvm::DenseMap<TypeID, DerivativeKind> tabulate() {
  return {{TypeID::get<Ops>(), DerivativeOf<Ops>::kind}...};
}

DerivativeKind getDerivativeKind(OperationName op) {
  static const llvm::DenseMap<TypeID, DerivativeKind> kinds = tabulate<
#define GET_OP_LIST
#include "dialect/GradusOps.cpp.inc"
      ,
#define GET_OP_LIST
#include "dialect/JvpOps.cpp.inc"
      >();
  auto known = kinds.find(op.getTypeID());
  return known == kinds.end() ? DerivativeKind::None : known->second;
}

} // namespace gradus
