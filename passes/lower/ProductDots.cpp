//===- ProductDots.cpp - Products of few rows -------------------------------------===//
//
// Where what is summed lies together in both operands, packing columns costs as much as some rows of the result. So few rows are sums of rows of both operands:
// each element by the tree of reductions, a few of them at once, which do not wait for one another.
//
//===----------------------------------------------------------------------===//

#include "passes/lower/Product.h"

using namespace mlir;

namespace gradus {

/// Columns that are computed together.
static constexpr int64_t dotsAtOnce = 4;

/// The elements of some columns of one row, where `b` begins with the first of them.
static SmallVector<Value> emitElements(CodeBuilder &code, Type element, Value a, Value b, Value bColumn, Value inner, int64_t columns) {
  Type vector = code.vecType(element);
  auto step = [&](Value index, Value mask, ValueRange sums) {
    Value factor = code.loadVector(a, element, index, mask);
    SmallVector<Value> next;
    for (auto [column, sum] : llvm::enumerate(sums)) {
      Value at = code.add(code.mul(bColumn, code.i64(static_cast<int64_t>(column))), index);
      Value added = arith::AddFOp::create(code, sum, arith::MulFOp::create(code, factor, code.loadVector(b, element, at, mask)));
      next.push_back(mask ? arith::SelectOp::create(code, mask, added, sum).getResult() : added);
    }
    return next;
  };
  SmallVector<ReductionKind> kinds(columns, ReductionKind::Sum);
  SmallVector<Type> types(columns, code.regType(element));
  return emitPairwise(code, kinds, types, code.ceilDiv(inner, blockSize), [&](Value block) {
    Value low = code.mul(block, code.i64(blockSize)), high = code.min(code.add(low, code.i64(blockSize)), inner);
    Value middle = code.add(low, arith::AndIOp::create(code, code.sub(high, low), code.i64(-lanes)));
    SmallVector<Value> none(columns, code.number(vector, 0));
    scf::ForOp whole = code.loop(low, middle, lanes, none, [&](Value index, ValueRange sums) { return step(index, {}, sums); });
    scf::ForOp tail = code.loop(middle, high, lanes, whole.getResults(), [&](Value index, ValueRange sums) {
      return step(index, code.compare(arith::CmpIPredicate::slt, code.laneNumbers(), code.splat(code.sub(high, index))), sums);
    });
    return llvm::map_to_vector(tail.getResults(), [&](Value sum) { return emitCombineLanes(code, ReductionKind::Sum, sum); });
  });
}

LLVM::LLVMFuncOp getProductDots(CodeBuilder &code, Type element) {
  Type ptr = code.ptrType(), i64 = code.getI64Type();
  std::string name = element.isF64() ? "gradus_product_dots_f64" : "gradus_product_dots_f32";
  return getShared(code, name, LLVM::LLVMVoidType::get(code.getContext()), {i64, i64, i64, ptr, i64, ptr, i64, ptr, i64}, [&](CodeBuilder &inside, ValueRange arguments) {
    Value columns = arguments[1], inner = arguments[2], bColumn = arguments[6];
    inside.loop(inside.i64(0), arguments[0], [&](Value row) {
      Value a = inside.address(arguments[3], element, inside.mul(row, arguments[4])), y = inside.address(arguments[7], element, inside.mul(row, arguments[8]));
      auto emitColumns = [&](Value low, Value high, int64_t width) {
        inside.loop(low, high, width, {}, [&](Value column, ValueRange) {
          Value b = inside.address(arguments[5], element, inside.mul(column, bColumn));
          for (auto [number, value] : llvm::enumerate(emitElements(inside, element, a, b, bColumn, inner, width)))
            inside.storeElement(y, element, inside.add(column, inside.i64(static_cast<int64_t>(number))), value);
          return SmallVector<Value>();
        });
      };
      Value middle = arith::AndIOp::create(inside, columns, inside.i64(-dotsAtOnce));
      emitColumns(inside.i64(0), middle, dotsAtOnce);
      emitColumns(middle, columns, 1);
    });
  });
}

} // namespace gradus
