//===- Fft.cpp - Calls of Fourier transforms --------------------------------------===//
//
// The lines of an array along the axis are cut into at most 64 parts, each of which is one call of the runtime (gradus_fft) with a workspace of
// its own: parts may be done in any order, and the roots of unity are computed once for all lines of a part.
//
//===----------------------------------------------------------------------===//

#include "passes/lower/Function.h"

using namespace mlir;

namespace gradus {

static constexpr int64_t mostParts = 64;

FftOp findFftOp(KernelOp kernel) { return dyn_cast<FftOp>(kernel.getBody().front().front()); }

namespace {
/// The axis of a transform, among the others.
struct FftAxis {
  FftAxis(FftOp op, Evaluator &evaluator) {
    ArrayRef<Attribute> shape = arrayOf(op.getRe()).getShape();
    auto axis = static_cast<int64_t>(op.getAxis());
    CodeBuilder &code = evaluator.code;
    size = evaluator.sizeOf(shape[axis]);
    inner = evaluator.product(shape.drop_front(axis + 1));
    lines = code.mul(evaluator.product(shape.take_front(axis)), inner);
    parts = code.min(lines, code.i64(mostParts));
  }
  Value size, inner, lines, parts;
};
} // namespace

/// The bytes for one part.
static Value emitRoom(FftOp op, Value size, LLVM::LLVMFuncOp callee, CodeBuilder &code) {
  return LLVM::CallOp::create(code, callee, ValueRange{code.i32(toDType(arrayOf(op.getRe()).getElementType())), size}).getResult();
}

Value FunctionLowering::fftWorkspace(FftOp op, Evaluator &evaluator) {
  FftAxis axis(op, evaluator);
  return code.mul(axis.parts, emitRoom(op, axis.size, declareRuntime("gradus_fft_workspace", code.getI64Type(), {code.getI32Type(), code.getI64Type()}), code));
}

void FunctionLowering::emitFft(KernelOp kernel, Slot &slot) {
  FftOp op = findFftOp(kernel);
  Type ptr = code.ptrType(), i32 = code.getI32Type(), i64 = code.getI64Type();
  SmallVector<Value> places(2), outputs;
  for (auto [value, stored] : llvm::zip_equal(kernel.getBody().front().getTerminator()->getOperands(), kernel.getStored()))
    outputs.push_back(places[cast<OpResult>(value).getResultNumber()] = placeOf(stored, slot));
  Evaluator evaluator(code, slot.buffers);
  FftAxis axis(op, evaluator);
  Value room = emitRoom(op, axis.size, declareRuntime("gradus_fft_workspace", i64, {i32, i64}), code);
  outputs.append({code.byteAddress(workspace, slot.partials[kernel].front()), room});
  LLVM::LLVMFuncOp callee = declareRuntime("gradus_fft", LLVM::LLVMVoidType::get(code.getContext()), {i32, i32, i64, i64, i64, i64, ptr, ptr, ptr, ptr, ptr});

  Value work = code.mul(evaluator.product(llvm::to_vector(kernel.getDomain())), code.i64(16));
  launch(kernel, "", slot, outputs, axis.parts, work, [&](Evaluator &inside, ValueRange given, Value begin, Value end, LLVM::LLVMFuncOp body) {
    CodeBuilder &code = inside.code;
    FftAxis own(op, inside);
    Value null = LLVM::ZeroOp::create(code, ptr), results[2];
    for (auto [place, result] : llvm::zip_equal(places, results)) {
      result = place ? given.front() : null;
      given = given.drop_front(place ? 1 : 0);
    }
    code.loop(begin, end, [&](Value part) {
      Value first = code.div(code.mul(part, own.lines), own.parts), last = code.div(code.mul(code.add(part, code.i64(1)), own.lines), own.parts);
      SmallVector<Value> arguments{code.i32(toDType(arrayOf(op.getRe()).getElementType())), code.i32(op.getInverse()), own.size, own.inner, first, last};
      arguments.append({inside.baseOf(op.getRe()), inside.baseOf(op.getIm()), results[0], results[1], code.byteAddress(given[0], code.mul(part, given[1]))});
      LLVM::CallOp::create(code, callee, arguments);
    });
    auto bytes = static_cast<double>(arrayOf(op.getRe()).getElementType().getIntOrFloatBitWidth() / 8);
    recordTraffic(body, layout.name, plan.getPosition(kernel), {2 * bytes, bytes * static_cast<double>(kernel.getStored().size())});
  });
}

} // namespace gradus
