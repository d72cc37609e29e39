//===- Code.h - Builds scalar and vector code -----------------------------------===//
//
// A builder with the few idioms that lowering writes all the time. All indices are i64. A value in a register is a
// scalar or a vector of `lanes` elements; a bf16 is held as its bits (i16), a bool as i1 and in memory as one byte, and what is kept in blocks of 8-bit
// codes as f32.
//
//===----------------------------------------------------------------------===//

#pragma once

#include "dialect/Gradus.h"

#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/IR/ImplicitLocOpBuilder.h"

namespace gradus {

/// Every loop over an array takes this many elements at a time, whatever the machine: the bits of a sum depend on it.
constexpr int64_t lanes = 16;
/// The elements of one block of the reduction tree, and the least that a thread takes.
constexpr int64_t blockSize = 4096;
/// A kernel of less work (elements, or multiplications of a contraction) never leaves the calling thread.
constexpr int64_t parallelThreshold = 32768;
/// How many bytes ahead a loop over whole arrays asks for its operands. The machine's own prefetchers fall behind where a
/// loop reads several arrays; test/bench/compare shows what it is worth.
constexpr int64_t prefetchDistance = 8192;

/// The type of a value of the dialect.
inline ArrayType arrayOf(mlir::Value value) { return mlir::cast<ArrayType>(value.getType()); }

class CodeBuilder : public mlir::ImplicitLocOpBuilder {
public:
  using ImplicitLocOpBuilder::ImplicitLocOpBuilder;

  mlir::Type ptrType() { return mlir::LLVM::LLVMPointerType::get(getContext()); }
  mlir::Value i64(int64_t value) { return mlir::arith::ConstantOp::create(*this, getI64IntegerAttr(value)); }
  mlir::Value i32(int32_t value) { return mlir::arith::ConstantOp::create(*this, getI32IntegerAttr(value)); }
  mlir::Value add(mlir::Value a, mlir::Value b) { return createOrFold<mlir::arith::AddIOp>(a, b); }
  mlir::Value sub(mlir::Value a, mlir::Value b) { return createOrFold<mlir::arith::SubIOp>(a, b); }
  mlir::Value mul(mlir::Value a, mlir::Value b) { return createOrFold<mlir::arith::MulIOp>(a, b); }
  mlir::Value div(mlir::Value a, mlir::Value b) { return createOrFold<mlir::arith::DivUIOp>(a, b); }
  mlir::Value rem(mlir::Value a, mlir::Value b) { return createOrFold<mlir::arith::RemUIOp>(a, b); }
  mlir::Value min(mlir::Value a, mlir::Value b) { return createOrFold<mlir::arith::MinSIOp>(a, b); }
  mlir::Value max(mlir::Value a, mlir::Value b) { return createOrFold<mlir::arith::MaxSIOp>(a, b); }
  mlir::Value ceilDiv(mlir::Value a, int64_t b) { return div(add(a, i64(b - 1)), i64(b)); }
  mlir::Value compare(mlir::arith::CmpIPredicate predicate, mlir::Value a, mlir::Value b) {
    return createOrFold<mlir::arith::CmpIOp>(predicate, a, b);
  }
  mlir::Value select(mlir::Value c, mlir::Value a, mlir::Value b) { return createOrFold<mlir::arith::SelectOp>(c, a, b); }

  /// The type in a register of an element, and of `lanes` of them.
  mlir::Type regType(mlir::Type element) {
    if (llvm::isa<BlocksType>(element))
      return getF32Type();
    return element.isBF16() ? getIntegerType(16) : element;
  }
  mlir::Type vecType(mlir::Type element) { return mlir::VectorType::get({lanes}, regType(element)); }
  /// The type of an element in memory, and its bytes; in blocks, of a code.
  mlir::Type memType(mlir::Type element) {
    return element.isInteger(1) || llvm::isa<BlocksType>(element) ? getIntegerType(8) : regType(element);
  }
  int64_t memBytes(mlir::Type element) { return memType(element).getIntOrFloatBitWidth() / 8; }

  /// A number in the type of `like`, a scalar or a vector.
  mlir::Value number(mlir::Type like, double value);
  mlir::Value integer(mlir::Type like, int64_t value);
  /// All lanes equal to a scalar; a vector stays as it is.
  mlir::Value splat(mlir::Value value);
  /// 0, 1, .., lanes - 1.
  mlir::Value laneNumbers();

  /// The address of element `index` (a scalar or a vector) of an array at `base`.
  mlir::Value address(mlir::Value base, mlir::Type element, mlir::Value index);
  mlir::Value byteAddress(mlir::Value base, mlir::Value offset) { return address(base, getIntegerType(8), offset); }
  mlir::Value byteAddress(mlir::Value base, int64_t offset) { return offset ? byteAddress(base, i64(offset)) : base; }
  /// One element, or `lanes` of them in a row, which in blocks of codes must be in one block. A null mask means all lanes.
  mlir::Value loadElement(mlir::Value base, mlir::Type element, mlir::Value index);
  mlir::Value loadVector(mlir::Value base, mlir::Type element, mlir::Value index, mlir::Value mask);
  /// Asks for the cache lines of a vector that lies so many bytes behind; what lies behind the end of an array is never loaded. They come into the second cache, which has more
  /// requests on their way at a time than the first: so the loops of test/bench/compare take up to 10 % less time.
  void prefetchVector(mlir::Value base, mlir::Type element, mlir::Value index, int64_t distance);
  /// Lanes that the mask leaves out read element `first`, 0 if that is null.
  mlir::Value gatherVector(mlir::Value base, mlir::Type element, mlir::Value indices, mlir::Value mask, mlir::Value first = {});
  void storeElement(mlir::Value base, mlir::Type element, mlir::Value index, mlir::Value value);
  void storeVector(mlir::Value base, mlir::Type element, mlir::Value index, mlir::Value value, mlir::Value mask);
  mlir::Value loadRaw(mlir::Type type, mlir::Value address) { return mlir::LLVM::LoadOp::create(*this, type, address); }

  /// `for (i = low; i < high; i += step)` with carried values; the body returns the next ones.
  mlir::scf::ForOp loop(mlir::Value low, mlir::Value high, int64_t step, mlir::ValueRange init,
                        llvm::function_ref<llvm::SmallVector<mlir::Value>(mlir::Value, mlir::ValueRange)> body);
  void loop(mlir::Value low, mlir::Value high, llvm::function_ref<void(mlir::Value)> body);
  void ifThen(mlir::Value condition, llvm::function_ref<void()> then);
  /// The value of one of two branches.
  mlir::Value choose(mlir::Type type, mlir::Value condition, llvm::function_ref<mlir::Value()> then, llvm::function_ref<mlir::Value()> otherwise);
  /// A stack slot in the entry block of the function around.
  mlir::Value stackSlot(mlir::Type type, int64_t count);

private:
  mlir::Value fromMemory(mlir::Value value, mlir::Type element);
  mlir::Value toMemory(mlir::Value value, mlir::Type element);
};

/// The value of a pointwise op (or int_pow) from those of its operands, scalars or vectors.
mlir::Value emitPointwise(CodeBuilder &code, mlir::Operation *op, mlir::ValueRange operands);
/// A number in another element type: gradus.cast.
mlir::Value emitCast(CodeBuilder &code, mlir::Value value, mlir::Type from, mlir::Type to);

/// What a reduction starts with, and how two values meet.
mlir::Value emitIdentity(CodeBuilder &code, ReductionKind kind, mlir::Type type);
mlir::Value emitCombine(CodeBuilder &code, ReductionKind kind, mlir::Value a, mlir::Value b);
/// Combines the lanes of a vector: l with l + 8, then + 4, + 2, + 1.
mlir::Value emitCombineLanes(CodeBuilder &code, ReductionKind kind, mlir::Value vector);
/// The same of several vectors, a power of 2 of them: a vector of their results, each with the bits that it has alone.
mlir::Value emitCombineRows(CodeBuilder &code, ReductionKind kind, mlir::ValueRange vectors);

/// Whether `every` runs its region: both are integers.
mlir::Value emitEvery(CodeBuilder &code, mlir::Value period, mlir::Value now);

/// The values of blocks 0, 1, .., `count` - 1, combined as the balanced tree over them; the identities if there is none. One block costs nothing more
/// than itself: what is kept of several, and how they meet, are functions that all kernels of a module share.
llvm::SmallVector<mlir::Value> emitPairwise(CodeBuilder &code, llvm::ArrayRef<ReductionKind> kinds, mlir::TypeRange types, mlir::Value count,
                                            llvm::function_ref<llvm::SmallVector<mlir::Value>(mlir::Value block)> emitBlock);

/// A function inside of the module, never inlined: the one of this name, or else a new one with the body that is emitted.
mlir::LLVM::LLVMFuncOp getShared(CodeBuilder &code, llvm::StringRef name, mlir::Type result, mlir::TypeRange arguments,
                                 llvm::function_ref<void(CodeBuilder &, mlir::ValueRange)> emitBody);

} // namespace gradus
