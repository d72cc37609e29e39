//===- ZeroGrads.cpp - A step that leaves zeros where its gradients were ------------===//

#include "passes/Passes.h"

namespace gradus {
#define GEN_PASS_DEF_ZEROGRADS
#include "passes/Passes.h.inc"
} // namespace gradus

using namespace mlir;
using namespace gradus;

namespace {

struct ZeroGrads : gradus::impl::ZeroGradsBase<ZeroGrads> {
  using Base::Base;

  void runOnOperation() override {
    FuncOp func = getOperation();
    if (func.getKind() != FuncKind::RuleStep)
      return;
    Operation *ret = func.getBody().front().getTerminator();
    OpBuilder builder(ret);
    for (BlockArgument argument : func.getArguments()) {
      unsigned index = argument.getArgNumber();
      auto type = cast<ArrayType>(argument.getType());
      bool isReplaced = llvm::any_of(llvm::seq(func.getNumResults()), [&](unsigned result) { return func.getResultOf(result) == index; });
      if (func.getArgRole(index) != Role::Grad || isReplaced)
        continue;
      Location loc = argument.getLoc();
      Type element = type.getElementType();
      Value zero = ConstantOp::create(builder, loc, DenseElementsAttr::get(RankedTensorType::get({}, element), builder.getFloatAttr(element, 0)));
      if (!type.isScalar())
        zero = BroadcastOp::create(builder, loc, type, zero, ArrayRef<int64_t>{});
      auto attributes = builder.getDictionaryAttr({
          builder.getNamedAttr("gradus.name", builder.getStringAttr(func.getArgName(index))),
          builder.getNamedAttr("gradus.of", builder.getI64IntegerAttr(index)),
          builder.getNamedAttr("gradus.role", RoleAttr::get(func.getContext(), Role::Next)),
      });
      (void)func.insertResult(func.getNumResults(), type, attributes);
      ret->insertOperands(ret->getNumOperands(), zero);
    }
  }
};

} // namespace
