//===- Traffic.cpp - The bytes that a lowered kernel moves -----------------------===//

#include "passes/fuse/Traffic.h"

#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/IR/Builders.h"
#include "mlir/IR/TypeUtilities.h"
#include "mlir/Interfaces/SideEffectInterfaces.h"

using namespace mlir;

namespace gradus {

/// Whether a value is the same in every pass of the loop.
static bool isInvariant(Operation *loop, Value value) {
  SmallVector<Value> pending{value};
  while (!pending.empty()) {
    Value at = pending.pop_back_val();
    Operation *op = at.getDefiningOp();
    if (!op) {
      Operation *owner = cast<BlockArgument>(at).getOwner()->getParentOp();
      if (owner == loop || loop->isProperAncestor(owner))
        return false;
      continue;
    }
    if (!loop->isProperAncestor(op))
      continue;
    // A pointer that the loop finds in a struct each time is taken to be hoisted.
    if ((!isMemoryEffectFree(op) && !isa<LLVM::LoadOp>(op)) || op->getNumRegions() != 0)
      return false;
    llvm::append_range(pending, op->getOperands());
  }
  return true;
}

/// Whether an address points into the stack, into a table of the draws or to what another kernel has just moved: what stays in the cache.
static bool isLocal(Value address) {
  while (auto step = address.getDefiningOp<LLVM::GEPOp>())
    address = step.getBase();
  auto field = address.getDefiningOp<LLVM::LoadOp>();
  if (field && field->hasAttr(cachedAttribute))
    return true;
  auto table = address.getDefiningOp<LLVM::AddressOfOp>();
  return address.getDefiningOp<LLVM::AllocaOp>() || (table && table.getGlobalName().starts_with("gradus_draw_"));
}

static double bytesOf(Type type) {
  auto vector = dyn_cast<VectorType>(type);
  Type element = vector ? vector.getElementType() : type;
  if (isa<LLVM::LLVMPointerType>(element))
    return 8.0;
  if (!element.isIntOrFloat())
    return 0.0;
  return static_cast<double>(vector ? vector.getNumElements() : 1) * ((element.getIntOrFloatBitWidth() + 7) / 8);
}

Traffic countTraffic(Operation *loop, int64_t elements) {
  Traffic sum;
  auto count = [&](double &bytes, Value address, Type type) {
    if (!isInvariant(loop, address) && !isLocal(address))
      bytes += bytesOf(type);
  };
  loop->walk([&](Operation *op) {
    if (auto serves = op->getAttrOfType<IntegerAttr>(servesAttribute)) // the elements of a block after one another
      sum.read += bytesOf(getElementTypeOrSelf(op->getResult(0).getType())) * static_cast<double>(elements) / static_cast<double>(serves.getInt());
    else if (auto load = dyn_cast<LLVM::LoadOp>(op))
      count(sum.read, load.getAddr(), load.getType());
    else if (auto load = dyn_cast<LLVM::MaskedLoadOp>(op))
      count(sum.read, load.getData(), load.getType());
    else if (auto load = dyn_cast<LLVM::masked_gather>(op))
      count(sum.read, load.getPtrs(), load.getType());
    else if (auto store = dyn_cast<LLVM::StoreOp>(op))
      count(sum.written, store.getAddr(), store.getValue().getType());
    else if (auto store = dyn_cast<LLVM::MaskedStoreOp>(op))
      count(sum.written, store.getData(), store.getValue().getType());
    else if (auto store = dyn_cast<LLVM::masked_scatter>(op))
      count(sum.written, store.getPtrs(), store.getValue().getType());
  });
  return {sum.read / elements, sum.written / elements};
}

void recordTraffic(Operation *holder, StringRef entry, unsigned kernel, Traffic traffic) {
  Builder builder(holder->getContext());
  SmallVector<Attribute> all;
  if (auto old = holder->getAttrOfType<ArrayAttr>(trafficAttribute))
    llvm::append_range(all, old);
  all.push_back(builder.getDictionaryAttr({
      builder.getNamedAttr("entry", builder.getStringAttr(entry)),
      builder.getNamedAttr("kernel", builder.getI64IntegerAttr(kernel)),
      builder.getNamedAttr("read", builder.getF64FloatAttr(traffic.read)),
      builder.getNamedAttr("written", builder.getF64FloatAttr(traffic.written)),
  }));
  holder->setAttr(trafficAttribute, builder.getArrayAttr(all));
}

void addTraffic(Operation *to, Operation *from) {
  auto more = from->getAttrOfType<ArrayAttr>(trafficAttribute);
  if (!more)
    return;
  SmallVector<Attribute> all;
  if (auto old = to->getAttrOfType<ArrayAttr>(trafficAttribute))
    llvm::append_range(all, old);
  llvm::append_range(all, more);
  to->setAttr(trafficAttribute, ArrayAttr::get(to->getContext(), all));
}

std::optional<Traffic> findTraffic(Operation *module, StringRef entry, unsigned kernel) {
  std::optional<Traffic> found;
  module->walk([&](Operation *op) {
    auto all = op->getAttrOfType<ArrayAttr>(trafficAttribute);
    if (!all)
      return WalkResult::advance();
    for (auto one : all.getAsRange<DictionaryAttr>()) {
      auto name = one.getAs<StringAttr>("entry");
      auto index = one.getAs<IntegerAttr>("kernel");
      auto read = one.getAs<FloatAttr>("read"), written = one.getAs<FloatAttr>("written");
      if (!name || !index || !read || !written || name.getValue() != entry || index.getInt() != kernel)
        continue;
      found = Traffic{read.getValueAsDouble(), written.getValueAsDouble()};
      return WalkResult::interrupt();
    }
    return WalkResult::advance();
  });
  return found;
}

} // namespace gradus
