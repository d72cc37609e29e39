//===- EmitBlocks.cpp - Reductions by blocks ---------------------------------===//
//
// mean[blocks = b](x) reduces each b consecutive entries of the last axis, or of `axis`: the axis of size q becomes one of q / b and one of
// b, over which the reduction runs. With `keep` each entry has the value of its block.
//
//===----------------------------------------------------------------------===//

#include "lang/Elaborator.h"

using namespace gradus;
using namespace gradus::lang;
using mlir::Attribute;

/// Cuts the operand; the reduction then runs within the blocks.
bool Elaborator::cutIntoBlocks(const ast::Subscript &slot, const CallSite &site, Reduced &reduced) {
  const size_t indices = reduced.x.axes.size();
  std::optional<DimExpr> block = sizeOf(*slot.value, 0, *site.scope);
  if (!block)
    return false;
  if (std::optional<int64_t> number = block->getNumber(); !number || *number < 1) {
    error(Code::BlockSize, slot.value->loc, "the size of a block must be a number from 1 on that is known before the first step, but this is " + block->print())
        .suggest("declare it as 'size': fn f(x: [p, q], size b = 8)");
    return false;
  }
  if (reduced.axes.size() > 1) {
    error(Code::BlockSize, slot.loc, "blocks lie along one axis, but the slot names " + counted(reduced.axes.size(), "axis", "axes"));
    return false;
  }
  std::optional<size_t> axis;
  if (!reduced.axes.empty())
    axis = reduced.axes.front() - indices;
  reduced.blockSize = block->toAttr(builder.getContext());
  reduced.x = eachTensor(reduced.x, [&](const Array &x, size_t) -> Array {
    Shape shape(ownShape(x));
    if (shape.empty()) {
      error(Code::RankMismatch, site.at, "blocks lie along an axis, but this is a single number");
      return {};
    }
    if (!axis)
      axis = shape.size() - 1;
    if (*axis != shape.size() - 1 && reduced.axes.empty()) {
      error(Code::BlockSize, site.at, "the tensors of the collection differ in their number of axes, so that none is the last one of all").suggest("say which: [axis = 0, blocks = 8]");
      return {};
    }
    DimExpr count = DimExpr::of(shape[*axis]) / *block;
    if (!count.isValid() || (count.getSymbols().empty() && !count.getNumber())) {
      error(Code::SizeNotWhole, site.at, "an axis of size " + describe(shape[*axis]) + " does not fall into blocks of " + block->print())
          .suggest("choose a block size that divides it");
      return {};
    }
    shape[*axis] = count.toAttr(builder.getContext());
    shape.insert(shape.begin() + *axis + 1, reduced.blockSize);
    return checkSize(shape, site.at) ? reshaped(x, shape, site.at) : Array();
  });
  if (reduced.x.isPoison())
    return false;
  reduced.cutAxis = *axis;
  reduced.axes.assign(1, static_cast<int64_t>(*axis + 1 + indices));
  return true;
}

/// D2: the shape of the operand before the cut, each entry its block's value.
Array Elaborator::joinBlocks(const Reduced &reduced, const Array &result, Location at) {
  return eachTensor(result, [&](const Array &x, size_t lane) -> Array {
    Shape whole(ownShape(reduced.x, lane));
    Array spread = repeatedAlong(x, *reduced.cutAxis + 1, reduced.blockSize, at);
    DimExpr size = DimExpr::of(whole[*reduced.cutAxis]) * DimExpr::of(reduced.blockSize);
    whole.erase(whole.begin() + *reduced.cutAxis + 1);
    whole[*reduced.cutAxis] = size.toAttr(builder.getContext());
    return reshaped(spread, whole, at);
  });
}

/// `accumulate = f64`: sums and products may be added up in a wider type than their operand has.
bool Elaborator::readAccumulate(const ast::Subscript &slot, const CallSite &site, Reduced &reduced) {
  auto *name = llvm::dyn_cast<ast::Name>(slot.value.get());
  bool takesIt = llvm::is_contained({"mean", "norm1", "prod", "sum"}, site.builtin->name);
  if (takesIt && name && name->name == "f64") {
    reduced.accumulate = builder.getF64Type();
    return true;
  }
  error(Code::UnknownSlot, slot.loc, takesIt ? std::string("a reduction accumulates in its own type, or in f64") : "'" + site.builtin->name.str() + "' takes no type to accumulate in")
      .suggest("sum[accumulate = f64](x), mean[j, accumulate = f64](x[j])");
  return false;
}
