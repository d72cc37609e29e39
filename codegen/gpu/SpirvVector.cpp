//===- SpirvVector.cpp - Short vectors in SPIR-V -----------------------------------===//

#include "codegen/gpu/SpirvEmitter.h"

#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace gradus {

/// The one constant position of an element; nothing if there are more, or it is a value.
static std::optional<uint32_t> onlyPosition(ArrayRef<int64_t> positions) {
  if (positions.size() != 1 || positions[0] < 0)
    return std::nullopt;
  return static_cast<uint32_t>(positions[0]);
}

Id SpirvEmitter::emitVector(Operation *op) {
  Type type = op->getResult(0).getType();
  SmallVector<Id> x = llvm::map_to_vector(op->getOperands(), [&](Value value) { return idOf(value); });
  return llvm::TypeSwitch<Operation *, Id>(op)
      .Case<vector::ExtractOp>([&](auto extract) {
        std::optional<uint32_t> at = onlyPosition(extract.getStaticPosition());
        return at ? words.emit(Opcode::OpCompositeExtract, typeOf(type), {x[0], *at}) : 0;
      })
      .Case<vector::InsertOp>([&](auto insert) {
        std::optional<uint32_t> at = onlyPosition(insert.getStaticPosition());
        return at ? make(Opcode::OpCompositeInsert, type, {x[0], x[1], *at}) : 0;
      })
      .Case<vector::BroadcastOp>([&](auto broadcast) -> Id {
        auto to = cast<VectorType>(type);
        if (isa<VectorType>(broadcast.getSource().getType()))
          return broadcast.getSource().getType() == type ? x[0] : 0;
        return make(Opcode::OpCompositeConstruct, type, SmallVector<Id>(to.getDimSize(0), x[0]));
      })
      .Case<vector::FromElementsOp>([&](auto) { return make(Opcode::OpCompositeConstruct, type, x); })
      .Case<LLVM::ExtractElementOp>([&](auto) { return make(Opcode::OpVectorExtractDynamic, type, x); })
      .Case<LLVM::InsertElementOp>([&](auto) { return make(Opcode::OpVectorInsertDynamic, type, x); })
      .Case<LLVM::ShuffleVectorOp>([&](auto shuffle) {
        SmallVector<Id> operands = x;
        for (int32_t lane : shuffle.getMask())
          operands.push_back(static_cast<uint32_t>(lane)); // -1 is any lane here and there
        return make(Opcode::OpVectorShuffle, type, operands);
      })
      .Default([](auto) { return 0; });
}

} // namespace gradus
