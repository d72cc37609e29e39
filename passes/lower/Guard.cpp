//===- Guard.cpp - Refuses a call where a number is not finite --------------------===//
//
// The conditions are looked at where all of them are known, in their order. The first one that is false sets the flag of the call and leaves in the
// report what is not finite, and where, if the array is in memory.
//
//===----------------------------------------------------------------------===//

#include "passes/step/Guard.h"
#include "passes/lower/Function.h"

using namespace mlir;

namespace gradus {

llvm::MapVector<Value, StringAttr> findGuards(FuncOp func, ReturnOp ret) {
  llvm::MapVector<Value, StringAttr> guards;
  for (auto [index, value] : llvm::enumerate(ret.getValues()))
    if (auto what = func.getResultAttrOfType<StringAttr>(index, guardAttribute)) {
      Value inside = getInside(value);
      guards.insert({inside ? inside : value, what});
    }
  return guards;
}

/// The number of the first element that is not finite, -1 where it is not known; it is asked for where there is one.
Value FunctionLowering::findNonFinite(Value condition, Buffers &buffers) {
  Value array = findLooked(condition), address = array ? buffers.arrays.lookup(array) : Value();
  if (!address)
    return code.i64(-1);
  Evaluator evaluator(code, buffers);
  Type i32 = code.getI32Type(), i64 = code.getI64Type();
  LLVM::LLVMFuncOp callee = declareRuntime("gradus_find_nonfinite", i64, {i32, i64, code.ptrType()});
  Value dtype = code.i32(toDType(arrayOf(array).getElementType()));
  return LLVM::CallOp::create(code, callee, ValueRange{dtype, evaluator.product(arrayOf(array).getShape()), address}).getResult();
}

/// Refuses the call with what a condition is about.
void FunctionLowering::emitGuard(Value condition, StringAttr what, Value isFine, Buffers &buffers) {
  Value isFirst = code.compare(arith::CmpIPredicate::eq, code.loadRaw(code.getI32Type(), flag), code.i32(0));
  code.ifThen(code.select(isFine, code.number(code.getI1Type(), 0), isFirst), [&] {
    std::string text = what.getValue().str(), name = layout.cName + "__guard" + std::to_string(numGuards++);
    text.push_back('\0');
    {
      OpBuilder::InsertionGuard scope(code);
      code.setInsertionPointToStart(func->getParentOfType<ModuleOp>().getBody());
      auto type = LLVM::LLVMArrayType::get(code.getI8Type(), text.size());
      LLVM::GlobalOp::create(code, type, /*isConstant=*/true, LLVM::Linkage::Internal, name, code.getStringAttr(text), /*alignment=*/1);
    }
    LLVM::StoreOp::create(code, code.i32(2 * refusedByGuard), flag);
    LLVM::StoreOp::create(code, LLVM::AddressOfOp::create(code, code.ptrType(), name), code.byteAddress(report, offsetof(gradus_report, what)));
    LLVM::StoreOp::create(code, findNonFinite(condition, buffers), code.byteAddress(report, offsetof(gradus_report, element)));
  });
}

/// When `op` has computed the last of the conditions: the first of them that is false refuses the call.
void FunctionLowering::emitGuards(Operation *op, Buffers &buffers) {
  for (Value condition : op->getResults())
    if (guards.contains(condition))
      knownGuards[condition] = buffers.scalars.lookup(condition);
  if (guards.empty() || knownGuards.size() < guards.size())
    return;
  for (auto [condition, what] : guards)
    emitGuard(condition, what, knownGuards.lookup(condition), buffers);
  guards.clear();
  if (!layout.isOpen) // else the last phase is left out
    mayBeRefusedLate = true;
}

} // namespace gradus
