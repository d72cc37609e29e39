//===- SpirvMemory.cpp - Loads, stores and places in SPIR-V --------------------------===//
//
// Memory of the device is an address, u64, that becomes a pointer where it is used; so are tables of constants, which the module carries along. Private arrays and the memory of
// a group are variables, of which only elements are named.
//
//===----------------------------------------------------------------------===//

#include "codegen/gpu/SpirvEmitter.h"

#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/IR/Matchers.h"
#include "mlir/IR/TypeUtilities.h"
#include "llvm/ADT/TypeSwitch.h"

using namespace mlir;

namespace gradus {

//===----------------------------------------------------------------------===//
// Addresses
//===----------------------------------------------------------------------===//

Type SpirvEmitter::memoryType(Type type) { return getElementTypeOrSelf(type) == i1 ? withElement(type, i8) : type; }

Id SpirvEmitter::fromMemory(Type type, Id x) {
  if (getElementTypeOrSelf(type) != i1)
    return x;
  Type word = withElement(type, i32);
  return make(Opcode::OpINotEqual, type, {resize(memoryType(type), word, x, false), integer(word, 0)});
}

Id SpirvEmitter::toMemory(Type type, Id x) { return getElementTypeOrSelf(type) == i1 ? resize(type, memoryType(type), x, false) : x; }

Id SpirvEmitter::accessAddress(Type type, Id address) {
  Type stored = memoryType(type), element = getElementTypeOrSelf(stored);
  if (element == i8)
    words.addCapability(spirv::Capability::StorageBuffer8BitAccess);
  if (element == i16 || element.isF16())
    words.addCapability(spirv::Capability::StorageBuffer16BitAccess);
  return words.emit(Opcode::OpConvertUToPtr, words.pointer(spirv::StorageClass::PhysicalStorageBuffer, typeOf(stored)), {address});
}

//===----------------------------------------------------------------------===//
// Places
//===----------------------------------------------------------------------===//

PointerForm SpirvEmitter::declarePlace(Type element, uint64_t count, spirv::StorageClass storage) {
  declareArithmetic(element);
  Id array = words.type(Opcode::OpTypeArray, {typeOf(element), integer(i32, count)});
  PointerForm place = {0, storage, element, 0};
  if (storage == spirv::StorageClass::Function) {
    place.variable = words.localVariable(words.pointer(storage, array));
    return place;
  }
  place.variable = words.global(Opcode::OpVariable, words.pointer(storage, array), {static_cast<uint32_t>(storage)});
  interface.insert(place.variable);
  return place;
}

Id SpirvEmitter::accessPlace(const PointerForm &place) {
  Id index = place.index ? place.index : integer(i32, 0);
  return words.emit(Opcode::OpAccessChain, words.pointer(place.storage, typeOf(place.element)), {place.variable, index});
}

LogicalResult SpirvEmitter::emitLoad(LLVM::LoadOp op) {
  Type type = op.getType();
  if (auto known = places.find(op.getAddr()); known != places.end()) {
    const PointerForm &place = known->second;
    if (!typeOf(type) || layout.getTypeSize(place.element) != layout.getTypeSize(type))
      return refuse(op, "a private array or the memory of a group is read as another type than it has");
    Id loaded = words.emit(Opcode::OpLoad, typeOf(place.element), {accessPlace(place)});
    values[op] = typeOf(place.element) == typeOf(type) ? loaded : make(Opcode::OpBitcast, type, {loaded});
    return success();
  }
  auto alignment = static_cast<uint32_t>(op.getAlignment().value_or(layout.getTypeABIAlignment(type)));
  Id from = accessAddress(type, idOf(op.getAddr()));
  Id loaded = words.emit(Opcode::OpLoad, typeOf(memoryType(type)), {from, static_cast<uint32_t>(spirv::MemoryAccess::Aligned), alignment});
  values[op] = fromMemory(type, loaded);
  return success();
}

LogicalResult SpirvEmitter::emitStore(LLVM::StoreOp op) {
  Type type = op.getValue().getType();
  Id value = idOf(op.getValue());
  if (!value)
    return refuse(op, "a pointer to memory without addresses (a private array or that of a group) is stored");
  if (auto known = places.find(op.getAddr()); known != places.end()) {
    const PointerForm &place = known->second;
    if (layout.getTypeSize(place.element) != layout.getTypeSize(type))
      return refuse(op, "a private array or the memory of a group is written as another type than it has");
    Id stored = typeOf(place.element) == typeOf(type) ? value : make(Opcode::OpBitcast, place.element, {value});
    words.emitPlain(Opcode::OpStore, {accessPlace(place), stored});
    return success();
  }
  auto alignment = static_cast<uint32_t>(op.getAlignment().value_or(layout.getTypeABIAlignment(type)));
  Id stored = toMemory(type, value);
  Id to = accessAddress(type, idOf(op.getAddr()));
  words.emitPlain(Opcode::OpStore, {to, stored, static_cast<uint32_t>(spirv::MemoryAccess::Aligned), alignment});
  return success();
}

/// The elements of an array of arrays stand in one row.
static Type flatten(Type type, uint64_t &count) {
  while (auto array = dyn_cast<LLVM::LLVMArrayType>(type)) {
    count *= array.getNumElements();
    type = array.getElementType();
  }
  return type;
}

LogicalResult SpirvEmitter::emitAlloca(LLVM::AllocaOp op) {
  llvm::APInt size;
  if (!matchPattern(op.getArraySize(), m_ConstantInt(&size)))
    return refuse(op, "a private array of a size that is not constant");
  uint64_t count = size.getZExtValue();
  Type element = flatten(op.getElemType(), count);
  if (!typeOf(element) || count == 0)
    return refuse(op, "a private array of another type than numbers");
  places[op] = declarePlace(element, count, spirv::StorageClass::Function);
  return success();
}

/// All tables of a module lie one behind the other, where specialization constant 1 says.
LogicalResult SpirvEmitter::emitTable(LLVM::AddressOfOp op) {
  auto global = SymbolTable::lookupNearestSymbolFrom<LLVM::GlobalOp>(op, op.getGlobalNameAttr());
  if (!global || !global.getConstant())
    return refuse(op, "a global that is no table of constants");
  auto [known, isNew] = tables.try_emplace(global, 0);
  if (isNew) {
    uint64_t count = 1;
    Type element = flatten(global.getType(), count);
    auto numbers = dyn_cast_or_null<DenseElementsAttr>(global.getValueOrNull());
    if (!numbers || !element.isIntOrFloat() || static_cast<uint64_t>(numbers.getNumElements()) != count)
      return refuse(op, "a table of another form than an array of numbers");
    constexpr uint64_t alignment = 16;
    tableBytes.resize(llvm::alignTo(tableBytes.size(), alignment));
    known->second = tableBytes.size();
    auto width = uint64_t(layout.getTypeSize(element));
    for (Attribute number : numbers.getValues<Attribute>()) {
      auto real = dyn_cast<FloatAttr>(number);
      uint64_t value = (real ? real.getValue().bitcastToAPInt() : cast<IntegerAttr>(number).getValue()).getZExtValue();
      for (uint64_t i = 0; i < width; ++i)
        tableBytes.push_back(static_cast<uint8_t>(value >> (8 * i)));
    }
  }
  if (!tableAddress) {
    tableAddress = words.global(Opcode::OpSpecConstant, typeOf(i64), {0, 0});
    words.decorate(tableAddress, spirv::Decoration::SpecId, {1});
  }
  values[op] = known->second ? make(Opcode::OpIAdd, i64, {tableAddress, integer(i64, known->second)}) : tableAddress;
  return success();
}

/// The steps of an address: how many bytes each index counts, and the index, a value or a number.
static SmallVector<std::pair<uint64_t, PointerUnion<IntegerAttr, Value>>> getSteps(LLVM::GEPOp op, const DataLayout &layout) {
  SmallVector<std::pair<uint64_t, PointerUnion<IntegerAttr, Value>>> steps;
  Builder builder(op.getContext());
  Type type = op.getElemType();
  bool isFirst = true;
  for (PointerUnion<IntegerAttr, Value> index : op.getIndices()) {
    if (isFirst) {
      isFirst = false;
    } else if (auto array = dyn_cast<LLVM::LLVMArrayType>(type)) {
      type = array.getElementType();
    } else {
      auto structure = cast<LLVM::LLVMStructType>(type);
      uint64_t offset = 0, field = cast<IntegerAttr>(index).getValue().getZExtValue();
      for (auto [number, member] : llvm::enumerate(structure.getBody().take_front(field + 1))) {
        offset = structure.isPacked() ? offset : llvm::alignTo(offset, layout.getTypeABIAlignment(member));
        offset += number < field ? uint64_t(layout.getTypeSize(member)) : 0;
      }
      type = structure.getBody()[field];
      steps.push_back({1, builder.getI64IntegerAttr(static_cast<int64_t>(offset))});
      continue;
    }
    steps.push_back({uint64_t(layout.getTypeSize(type)), index});
  }
  return steps;
}

LogicalResult SpirvEmitter::emitAddress(LLVM::GEPOp op) {
  auto base = places.find(op.getBase());
  bool isPlace = base != places.end();
  uint64_t unit = isPlace ? uint64_t(layout.getTypeSize(base->second.element)) : 1;
  Id sum = isPlace ? base->second.index : idOf(op.getBase());
  int64_t fixed = 0;
  for (auto [bytes, index] : getSteps(op, layout)) {
    if (auto number = dyn_cast<IntegerAttr>(index)) {
      fixed += static_cast<int64_t>(bytes) * number.getInt();
      continue;
    }
    if (bytes % unit)
      return refuse(op, "a place between two elements of a private array or the memory of a group");
    auto value = cast<Value>(index);
    Id step = resize(value.getType(), i64, idOf(value), /*isSigned=*/true);
    if (bytes != unit)
      step = make(Opcode::OpIMul, i64, {step, integer(i64, bytes / unit)});
    sum = sum ? make(Opcode::OpIAdd, i64, {sum, step}) : step;
  }
  if (fixed % static_cast<int64_t>(unit))
    return refuse(op, "a place between two elements of a private array or the memory of a group");
  if (fixed) {
    Id step = integer(i64, static_cast<uint64_t>(fixed / static_cast<int64_t>(unit)));
    sum = sum ? make(Opcode::OpIAdd, i64, {sum, step}) : step;
  }
  if (!isPlace) {
    values[op] = sum;
    return success();
  }
  PointerForm place = base->second;
  place.index = sum;
  places[op] = place;
  return success();
}

//===----------------------------------------------------------------------===//
// Memrefs: the memory of a group, and private memory
//===----------------------------------------------------------------------===//

LogicalResult SpirvEmitter::declareMemref(Operation *op, Value memref, spirv::StorageClass storage) {
  auto type = cast<MemRefType>(memref.getType());
  if (!type.hasStaticShape() || !type.getLayout().isIdentity() || type.getNumElements() == 0 || !typeOf(type.getElementType()))
    return refuse(op, "memory of another form than a number of numbers");
  places[memref] = declarePlace(type.getElementType(), static_cast<uint64_t>(type.getNumElements()), storage);
  return success();
}

/// Stores if `stored` is a value.
LogicalResult SpirvEmitter::emitMemref(Operation *op, Value memref, ValueRange indices, Value stored) {
  auto known = places.find(memref);
  if (known == places.end())
    return refuse(op, "memory that is neither private nor a group's");
  PointerForm place = known->second;
  for (auto [index, size] : llvm::zip_equal(indices, cast<MemRefType>(memref.getType()).getShape())) {
    Id at = idOf(index);
    Id before = place.index ? make(Opcode::OpIMul, i64, {place.index, integer(i64, static_cast<uint64_t>(size))}) : 0;
    place.index = before ? make(Opcode::OpIAdd, i64, {before, at}) : at;
  }
  if (stored)
    words.emitPlain(Opcode::OpStore, {accessPlace(place), idOf(stored)});
  else
    values[op->getResult(0)] = words.emit(Opcode::OpLoad, typeOf(place.element), {accessPlace(place)});
  return success();
}

std::optional<LogicalResult> SpirvEmitter::emitMemory(Operation *op) {
  return llvm::TypeSwitch<Operation *, std::optional<LogicalResult>>(op)
      .Case<LLVM::LoadOp>([&](auto load) { return emitLoad(load); })
      .Case<LLVM::StoreOp>([&](auto store) { return emitStore(store); })
      .Case<LLVM::AllocaOp>([&](auto alloca) { return emitAlloca(alloca); })
      .Case<LLVM::AddressOfOp>([&](auto address) { return emitTable(address); })
      .Case<LLVM::GEPOp>([&](auto address) { return emitAddress(address); })
      .Case<memref::AllocaOp>([&](auto alloca) { return declareMemref(op, alloca.getResult(), spirv::StorageClass::Function); })
      .Case<memref::LoadOp>([&](auto load) { return emitMemref(op, load.getMemref(), load.getIndices(), {}); })
      .Case<memref::StoreOp>([&](auto store) { return emitMemref(op, store.getMemref(), store.getIndices(), store.getValueToStore()); })
      .Default([](auto) { return std::nullopt; });
}

} // namespace gradus
