//===- MatrixProduct.cpp - Contractions that are products of matrices -------------===//

#include "passes/fuse/MatrixProduct.h"

using namespace mlir;

namespace gradus {

static ArrayType arrayOf(Value value) { return cast<ArrayType>(value.getType()); }

/// The labels before and with `last` that lie together in both arrays, in one order.
static SmallVector<int64_t> takeGroup(int64_t last, ArrayRef<int64_t> a, ArrayRef<int64_t> b) {
  const auto *inA = llvm::find(a, last), *inB = llvm::find(b, last);
  SmallVector<int64_t> group{last};
  while (inA != a.begin() && inB != b.begin() && *--inA == *--inB)
    group.insert(group.begin(), *inA);
  return group;
}

bool isVectorContract(ContractOp op) {
  if (op.getOut().empty())
    return false;
  auto isLast = [&](ArrayRef<int64_t> labels) { return !labels.empty() && labels.back() == op.getOut().back(); };
  return isLast(op.getLhs()) || isLast(op.getRhs());
}

std::optional<MatrixProduct> findMatrixProduct(KernelOp kernel) {
  auto op = dyn_cast<ContractOp>(kernel.getBody().front().front());
  return op ? findMatrixProduct(op) : std::nullopt;
}

std::optional<MatrixProduct> findMatrixProduct(ContractOp op) {
  if (op.getOut().empty())
    return std::nullopt;
  MatrixProduct product{op, op.getA(), op.getB(), op.getLhs(), op.getRhs(), {}, {}, {}, {}};
  int64_t last = op.getOut().back();
  if (!llvm::is_contained(product.bLabels, last)) {
    std::swap(product.a, product.b);
    std::swap(product.aLabels, product.bLabels);
  }
  auto isOfA = [&](int64_t label) { return llvm::is_contained(product.aLabels, label); };
  auto isOfB = [&](int64_t label) { return llvm::is_contained(product.bLabels, label); };
  auto isPlain = [](Value array) { return arrayOf(array).getElementType().isF32() || arrayOf(array).getElementType().isF64(); };
  if (isOfA(last) || !isPlain(product.a) || !isPlain(product.b))
    return std::nullopt;
  auto ownEnd = [](SmallVector<int64_t> group, function_ref<bool(int64_t)> isOther) { // a label of both operands is a loop around
    auto *shared = std::find_if(group.rbegin(), group.rend(), isOther).base();
    group.erase(group.begin(), shared);
    return group;
  };
  product.columns = ownEnd(takeGroup(last, op.getOut(), product.bLabels), isOfA);
  for (int64_t label : op.getOut())
    if (!isOfB(label))
      product.rows = {label};
  if (product.rows.empty())
    return std::nullopt;
  product.rows = takeGroup(product.rows.back(), op.getOut(), product.aLabels);
  product.rows = ownEnd(product.rows, isOfB);
  for (int64_t label : product.aLabels)
    if (!llvm::is_contained(op.getOut(), label))
      product.inner.push_back(label);
  if (product.inner.empty() || !llvm::all_of(product.inner, isOfB))
    return std::nullopt;
  SmallVector<int64_t> together = takeGroup(product.inner.back(), product.aLabels, product.bLabels);
  if (together.size() < product.inner.size() || ArrayRef(together).take_back(product.inner.size()) != ArrayRef(product.inner))
    return std::nullopt;
  for (int64_t label : product.bLabels)
    if (!llvm::is_contained(op.getOut(), label) && !llvm::is_contained(product.inner, label))
      return std::nullopt;
  for (int64_t label : op.getOut())
    if (!llvm::is_contained(product.rows, label) && !llvm::is_contained(product.columns, label))
      product.outer.push_back(label);
  return product;
}

} // namespace gradus
