//===- Guard.cpp - Refuses a step on a device, and finds where it is not finite -------===//
//
// One thread looks at the conditions where all of them are known. Of a step that is refused, a kernel then looks for the place that the runtime finds on the CPU
// (runtime/guard.c): a group for each slot goes through its gradients, and through the array that the condition is about. The report takes the first slot,
// and in it the first argument. Of a step that goes well the kernel does nothing, and who wants no report does not launch it.
//
//===----------------------------------------------------------------------===//

#include "passes/fuse/Control.h"
#include "passes/fuse/Plan.h"
#include "passes/gpu/Device.h"
#include "passes/lower/Blocks.h"
#include "passes/lower/Function.h"
#include "passes/step/Guard.h"

using namespace mlir;

namespace gradus {

/// The elements that a thread loads before it looks at them.
static constexpr int64_t loadsAtOnce = 8;

/// Where a refusal says which array the condition is about, and the search what it has found there: one of them for each type, since threads of a group must not wait for
/// one another behind a number that one of them writes.
struct DeviceLowering::Blamed {
  Cell address, count, found;
};

/// The texts of the guard, by which a report counts.
static SmallVector<StringAttr> findTexts(FuncOp func) {
  SmallVector<StringAttr> texts;
  for (unsigned index = 0; index < func.getNumResults(); ++index)
    if (auto what = func.getResultAttrOfType<StringAttr>(index, guardAttribute))
      texts.push_back(what);
  return texts;
}

/// When `op` has computed the last of the conditions: the first of them that is false refuses the call.
void DeviceLowering::addGuards(Operation *op) {
  for (Value condition : op->getResults())
    if (guards.contains(condition))
      knownGuards.insert(condition);
  if (guards.empty() || knownGuards.size() < guards.size())
    return;
  auto conditions = std::exchange(guards, {});
  llvm::MapVector<Type, Blamed> blamed;
  for (const auto &[condition, what] : conditions)
    if (Value array = findLooked(condition))
      if (auto [place, isNew] = blamed.insert({arrayOf(array).getElementType(), {}}); isNew)
        place->second = {newCell(/*isOfSlot=*/false), newCell(/*isOfSlot=*/false), newCell(/*isOfSlot=*/false)};
  addEffect([this, &conditions, &blamed, texts = findTexts(func)](Scope &scope) {
    CodeBuilder &code = scope.code;
    SmallVector<Value> known = llvm::map_to_vector(conditions, [&](const auto &guard) { return scalarIn(scope, guard.first); });
    for (size_t k = known.size(); k-- > 0;) // the first one is written last
      code.ifThen(arith::XOrIOp::create(code, known[k], code.integer(code.getI1Type(), 1)), [&] {
        const auto &[condition, what] = *(conditions.begin() + k);
        refuse(scope, GRADUS_ERROR_NONFINITE, llvm::find(texts, what) - texts.begin(), 0);
        blame(scope, findLooked(condition), blamed);
      });
  });
  flush();
  emitSearch(conditions, blamed);
  mayBeRefused = mustKeep = true;
}

/// Leaves where the array of a condition stands; null: it is in no memory.
void DeviceLowering::blame(Scope &scope, Value array, const llvm::MapVector<Type, Blamed> &blamed) {
  CodeBuilder &code = scope.code;
  for (const auto &[type, place] : blamed) {
    Value count = code.i64(0);
    if (array && arrayOf(array).getElementType() == type) {
      count = Evaluator(code, scope.buffers).product(arrayOf(array).getShape());
      store(scope, place.address, code.getI64Type(), load(scope, addressOf(array), code.getI64Type()));
    }
    store(scope, place.count, code.getI64Type(), count);
    store(scope, place.found, code.getI64Type(), code.i64(0));
  }
}

/// Whether all bits of the exponent are set in a number, or in the scale of a block of codes.
static Value emitIsNonFinite(CodeBuilder &code, Value data, Type element, Value index) {
  if (auto blocks = dyn_cast<BlocksType>(element)) {
    data = addressOfScale(code, data, blocks, code.mul(index, code.i64(blocks.getSize())));
    element = code.getF32Type();
    index = code.i64(0);
  }
  const llvm::fltSemantics &semantics = cast<FloatType>(element).getFloatSemantics();
  uint64_t exponent = llvm::APFloat::getInf(semantics).bitcastToAPInt().getZExtValue();
  Value bits = code.loadElement(data, code.getIntegerType(element.getIntOrFloatBitWidth()), index);
  if (element.getIntOrFloatBitWidth() < 32) // not all devices compute with fewer bits
    bits = arith::ExtUIOp::create(code, code.getI32Type(), bits);
  Value mask = code.integer(bits.getType(), static_cast<int64_t>(exponent));
  return code.compare(arith::CmpIPredicate::eq, arith::AndIOp::create(code, bits, mask), mask);
}

/// Looks for the first number in a part of an array, where none has been found, and leaves 1 + its position.
void DeviceLowering::searchIn(Scope &scope, const Suspect &suspect, const AxisPart &part, Value memory) {
  CodeBuilder &code = scope.code;
  Type i64 = code.getI64Type();
  Value zero = code.i64(0), none = code.i64(std::numeric_limits<int64_t>::max());
  code.ifThen(code.compare(arith::CmpIPredicate::eq, load(scope, suspect.found, i64), zero), [&] {
    auto blocks = dyn_cast<BlocksType>(suspect.element);
    int64_t const unit = blocks ? blocks.getSize() : 1;
    Value data = pointerIn(scope, suspect.address), count = code.ceilDiv(suspect.count(scope), unit), last = code.sub(count, code.i64(1));
    scf::ForOp loop = code.loop(code.add(part.low, scope.thread), code.min(part.high, count), groupSize * loadsAtOnce, {none}, [&](Value at, ValueRange found) {
      Value first = none;
      for (int64_t k = loadsAtOnce; k-- > 0;) {
        Value index = code.min(code.add(at, code.i64(k * groupSize)), last);
        first = code.select(emitIsNonFinite(code, data, suspect.element, index), index, first);
      }
      return SmallVector<Value>{code.min(found[0], first)};
    });
    storeGroup(code, memory, scope.thread, loop.getResult(0));
    emitBarrier(code);
    Value isFirst = code.compare(arith::CmpIPredicate::eq, scope.thread, zero);
    scf::ForOp least = code.loop(zero, code.select(isFirst, code.i64(groupSize), zero), 1, {none}, [&](Value thread, ValueRange found) {
      return SmallVector<Value>{code.min(found[0], loadGroup(code, memory, thread, i64))};
    });
    emitBarrier(code);
    code.ifThen(code.compare(arith::CmpIPredicate::ne, least.getResult(0), none), [&] {
      store(scope, suspect.found, i64, code.add(code.mul(least.getResult(0), code.i64(unit)), code.i64(1)));
    });
  });
}

/// The kernel that looks for the place. It runs only where the report is wanted.
void DeviceLowering::emitSearch(const llvm::MapVector<Value, StringAttr> &conditions, const llvm::MapVector<Type, Blamed> &blamed) {
  SmallVector<Suspect> suspects;
  SmallVector<ArrayType> types;
  for (auto [number, tensor] : llvm::enumerate(layout.tensors)) {
    if (tensor.role != GRADUS_GRAD || tensor.argument < 0 || !tensor.type.isFloat())
      continue;
    auto count = [type = tensor.type, isShared = tensor.shared](Scope &scope) {
      CodeBuilder &code = scope.code;
      Value all = Evaluator(code, scope.buffers).product(type.getShape());
      bool isOnce = isShared && scope.slot;
      return isOnce ? code.select(code.compare(arith::CmpIPredicate::eq, scope.slot, code.i64(0)), all, code.i64(0)) : all;
    };
    suspects.push_back({fieldOf(SlotField::Tensor, number), tensor.type.getElementType(), count, newCell(/*isOfSlot=*/true)});
    gradients.push_back({static_cast<int64_t>(number), suspects.back().found});
    types.push_back(tensor.type);
  }
  for (const auto &[element, place] : blamed) {
    suspects.push_back({place.address, element, [this, count = place.count](Scope &scope) { return load(scope, count, scope.code.getI64Type()); }, place.found});
    foundBlamed.push_back(place.found);
  }
  for (const auto &[condition, what] : conditions)
    if (Value array = findLooked(condition))
      types.push_back(arrayOf(array));
  if (suspects.empty())
    return;
  int64_t const steps = mostSteps / static_cast<int64_t>(suspects.size()) * loadsAtOnce * groupSize;
  bool couldBeRefused = std::exchange(mayBeRefused, false);
  emitLaunch("search", func.getLoc(), Grid::SlotGroup, {}, [&](Scope &scope) {
    CodeBuilder &code = scope.code;
    Value status = load(scope, {false, statusCell}, code.getI64Type());
    AxisPart part = partOf(code, scope.pass, steps);
    Value memory = emitGroupMemory(code, code.getI64Type(), groupSize);
    code.ifThen(code.compare(arith::CmpIPredicate::eq, status, code.i64(GRADUS_ERROR_NONFINITE)), [&] {
      for (const Suspect &suspect : suspects)
        searchIn(scope, suspect, part, memory);
    });
  });
  mayBeRefused = couldBeRefused;
  program.launches.back().when = LaunchWhen::WithReport;
  program.launches.back().passes = [types, steps](Evaluator &evaluator) {
    Value most = evaluator.code.i64(1);
    for (ArrayType type : types)
      most = evaluator.code.max(most, countPasses(evaluator.code, evaluator.product(type.getShape()), steps));
    return most;
  };
}

/// The first slot in which a gradient is not finite, and in it the first argument; else the element of what the condition is about. Many slots are looked at in several
/// passes.
void DeviceLowering::findPlace(Scope &scope) {
  if (gradients.empty() && foundBlamed.empty())
    return;
  CodeBuilder &code = scope.code;
  Type i64 = code.getI64Type();
  Value zero = code.i64(0), slots = layout.isOpen ? load(scope, {false, slotCountCell}, i64) : code.i64(1);
  auto isSet = [&](Value number) { return code.compare(arith::CmpIPredicate::ne, number, zero); };
  auto enter = [&](Value slot) {
    Scope inside{code, scope.frame, {}, {}, scope.thread, scope.group, Buffers()};
    enterSlot(inside, slot);
    return inside;
  };
  Value isRefused = code.compare(arith::CmpIPredicate::eq, load(scope, {false, statusCell}, i64), code.i64(GRADUS_ERROR_NONFINITE));
  Value isUnknown = code.compare(arith::CmpIPredicate::eq, load(scope, {false, argumentCell}, i64), zero);
  code.ifThen(arith::AndIOp::create(code, isRefused, isUnknown), [&] {
    Value blamed = zero;
    for (Cell found : foundBlamed)
      blamed = code.max(blamed, load(scope, found, i64)); // all others are 0
    store(scope, {false, elementCell}, i64, blamed);
    AxisPart part = partOf(code, scope.pass);
    scf::ForOp loop = code.loop(part.low, code.min(part.high, slots), 1, {zero}, [&](Value slot, ValueRange found) {
      Scope inside = enter(slot);
      Value isHere = code.integer(code.getI1Type(), 0);
      for (const Gradient &gradient : gradients)
        isHere = arith::OrIOp::create(code, isHere, isSet(load(inside, gradient.found, i64)));
      Value next = code.select(isHere, code.add(slot, code.i64(1)), zero);
      return SmallVector<Value>{code.select(isSet(found[0]), found[0], next)};
    });
    Value found = loop.getResult(0);
    code.ifThen(isSet(found), [&] {
      Value slot = code.sub(found, code.i64(1)), argument = zero, element = zero;
      Scope inside = enter(slot);
      for (const Gradient &gradient : llvm::reverse(gradients)) { // the first one is taken last
        Value own = load(inside, gradient.found, i64), isIt = isSet(own);
        argument = code.select(isIt, code.i64(gradient.tensor + 1), argument);
        element = code.select(isIt, own, element);
      }
      for (auto [cell, number] : {std::pair(argumentCell, argument), std::pair(slotCell, slot), std::pair(elementCell, element)})
        store(scope, {false, cell}, i64, number);
    });
  });
}

} // namespace gradus
